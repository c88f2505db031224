-- Runs, what happened in them, and the texts that went in and out. Payloads are stored once per
-- content; a model request is a list of the hashes of its messages, so a long run grows by what is new.

CREATE TABLE runs (
    id TEXT PRIMARY KEY,            -- ULID, sorts by time
    experiment TEXT NOT NULL DEFAULT '',
    task TEXT NOT NULL,             -- JSON: the Task without gold
    system TEXT NOT NULL,           -- JSON: the System
    system_hash TEXT NOT NULL,
    models TEXT NOT NULL,           -- JSON: by role, name and capabilities
    prices TEXT NOT NULL,           -- label of the price list
    budget TEXT NOT NULL,           -- JSON: limits of this run
    seed INTEGER NOT NULL,
    version TEXT NOT NULL,          -- of scrimp
    owner TEXT NOT NULL,            -- process that executes it
    started REAL NOT NULL,          -- seconds since the epoch
    wall_seconds REAL,              -- null while it runs
    steps INTEGER,
    status TEXT NOT NULL DEFAULT 'running',
    answer TEXT                     -- JSON
) STRICT;

CREATE INDEX runs_by_experiment ON runs (experiment, id);

CREATE TABLE labels (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE reservations (         -- written before sending; one without its event was in flight
    event TEXT PRIMARY KEY,
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    worst TEXT NOT NULL,            -- JSON: the event as it is charged if nobody sees its end
    amounts TEXT NOT NULL,          -- JSON: by budget key, decimals as strings
    owner TEXT NOT NULL             -- process that made it
) STRICT, WITHOUT ROWID;

CREATE INDEX reservations_by_run ON reservations (run);

CREATE TABLE events (
    seq INTEGER PRIMARY KEY,        -- order of commits
    id TEXT NOT NULL UNIQUE,
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    span TEXT NOT NULL,
    door TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    kind TEXT NOT NULL,
    component TEXT NOT NULL,
    name TEXT NOT NULL,
    parent TEXT NOT NULL,
    prompt TEXT NOT NULL,
    agent TEXT NOT NULL,
    round INTEGER NOT NULL,
    phase TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    retry TEXT NOT NULL,
    input INTEGER NOT NULL,
    cached_input INTEGER NOT NULL,
    cache_write INTEGER NOT NULL,
    output INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    images INTEGER NOT NULL,
    amount TEXT,                    -- exact decimal; null where unknown
    money_state TEXT NOT NULL,
    prices TEXT,
    currency TEXT NOT NULL,
    known TEXT NOT NULL,
    busy_us INTEGER NOT NULL,
    started REAL NOT NULL,
    request_hash TEXT NOT NULL,
    response_hash TEXT NOT NULL,
    status TEXT NOT NULL,
    request TEXT NOT NULL,          -- payload hash, or "=" and the text itself, empty for none
    response TEXT NOT NULL,         -- the same
    UNIQUE (run, span, door, ordinal, attempt)
) STRICT;

CREATE TABLE payloads (
    hash TEXT PRIMARY KEY,          -- SHA-256 of the canonical JSON
    data BLOB NOT NULL              -- zlib, or as it is where that is shorter (first byte tells)
) STRICT, WITHOUT ROWID;

CREATE TABLE uses (                 -- which runs a payload belongs to; it is deleted with the last of them
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    payload TEXT NOT NULL,
    PRIMARY KEY (run, payload)
) STRICT, WITHOUT ROWID;

CREATE INDEX uses_of_payload ON uses (payload);
