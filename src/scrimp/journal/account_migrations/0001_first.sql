-- Accounts that processes share. Amounts are texts: exact decimals, added up by the program and never by SQL.

CREATE TABLE balances (
    account TEXT NOT NULL,
    key TEXT NOT NULL,              -- budget key
    bound TEXT NOT NULL,            -- the limit
    spent TEXT NOT NULL DEFAULT '0',
    PRIMARY KEY (account, key)
) STRICT;

CREATE TABLE accounts (
    name TEXT PRIMARY KEY           -- an account without limits has no balances
) STRICT;

CREATE TABLE holdings (
    id TEXT PRIMARY KEY,            -- ULID
    account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    owner TEXT NOT NULL,            -- process that settles it
    kind TEXT NOT NULL,             -- call, slice, whole (a slice that ends by itself), lost (its process has gone)
    what TEXT NOT NULL,
    amounts TEXT NOT NULL,          -- JSON: text by key
    blocked INTEGER NOT NULL        -- whether all that goes on inside it is waiting
) STRICT;

CREATE INDEX holdings_by_account ON holdings (account);
