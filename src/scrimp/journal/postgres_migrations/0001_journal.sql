-- The same tables as in SQLite (journal/migrations says what each column is). Texts sort by bytes, as there.
CREATE TABLE runs (
    id text COLLATE "C" PRIMARY KEY,
    experiment text COLLATE "C" NOT NULL DEFAULT '',
    task text NOT NULL,
    system text NOT NULL,
    system_hash text NOT NULL,
    models text NOT NULL,
    prices text NOT NULL,
    budget text NOT NULL,
    seed bigint NOT NULL,
    version text NOT NULL,
    owner text NOT NULL,
    started double precision NOT NULL,
    wall_seconds double precision,
    steps bigint,
    status text NOT NULL DEFAULT 'running',
    answer text
);
CREATE INDEX runs_by_experiment ON runs (experiment, id);

CREATE TABLE labels (
    run text COLLATE "C" NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    key text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    PRIMARY KEY (run, key)
);

CREATE TABLE reservations (
    event text COLLATE "C" PRIMARY KEY,
    run text COLLATE "C" NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    worst text NOT NULL,
    amounts text NOT NULL,
    owner text NOT NULL
);
CREATE INDEX reservations_by_run ON reservations (run);

CREATE TABLE events (
    seq bigserial PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    run text COLLATE "C" NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    span text COLLATE "C" NOT NULL,
    door text COLLATE "C" NOT NULL,
    ordinal bigint NOT NULL,
    kind text NOT NULL,
    component text NOT NULL,
    name text NOT NULL,
    parent text NOT NULL,
    prompt text NOT NULL,
    agent text NOT NULL,
    round bigint NOT NULL,
    phase text NOT NULL,
    attempt bigint NOT NULL,
    retry text NOT NULL,
    input bigint NOT NULL,
    cached_input bigint NOT NULL,
    cache_write bigint NOT NULL,
    output bigint NOT NULL,
    reasoning bigint NOT NULL,
    images bigint NOT NULL,
    amount text,
    money_state text NOT NULL,
    prices text,
    currency text NOT NULL,
    known text NOT NULL,
    busy_us bigint NOT NULL,
    started double precision NOT NULL,
    request_hash text NOT NULL,
    response_hash text NOT NULL,
    status text NOT NULL,
    request text NOT NULL,
    response text NOT NULL,
    charged text NOT NULL DEFAULT '',
    UNIQUE (run, span, door, ordinal, attempt)
);

CREATE TABLE payloads (
    hash text COLLATE "C" PRIMARY KEY,
    data bytea NOT NULL
);

CREATE TABLE uses (
    run text COLLATE "C" NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    payload text COLLATE "C" NOT NULL,
    PRIMARY KEY (run, payload)
);
CREATE INDEX uses_of_payload ON uses (payload);
