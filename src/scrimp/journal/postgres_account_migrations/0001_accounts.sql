-- The same tables as in SQLite (journal/account_migrations says what each column is).
CREATE TABLE accounts (
    name text COLLATE "C" PRIMARY KEY
);

CREATE TABLE balances (
    account text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    bound text NOT NULL,
    spent text NOT NULL DEFAULT '0',
    PRIMARY KEY (account, key)
);

CREATE TABLE holdings (
    id text COLLATE "C" PRIMARY KEY,
    account text COLLATE "C" NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
    owner text NOT NULL,
    kind text NOT NULL,
    what text NOT NULL,
    amounts text NOT NULL,
    blocked integer NOT NULL
);
CREATE INDEX holdings_by_account ON holdings (account);
