-- Answers of models by everything that was asked. Whole answers only; what a cut stream left is never kept.

CREATE TABLE answers (
    key TEXT PRIMARY KEY,           -- SHA-256 of model, request and output cap
    model TEXT NOT NULL,
    response TEXT NOT NULL,         -- JSON: the Response with the usage it had when it was first given
    created REAL NOT NULL           -- seconds since the epoch
) STRICT, WITHOUT ROWID;
