-- A scope is an owner and a name; its version counts its writes, so that a cache of it knows when it is stale.
CREATE TABLE scopes (
  scope INTEGER PRIMARY KEY,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  dimension INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL DEFAULT 0,
  UNIQUE (owner, name)
);

-- The text stands here once; `words` below keeps an index of it and no copy.
CREATE TABLE records (
  row INTEGER PRIMARY KEY,
  scope INTEGER NOT NULL REFERENCES scopes (scope),
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  text TEXT NOT NULL,
  data TEXT NOT NULL,
  sources TEXT NOT NULL,
  created REAL NOT NULL,
  valid_from REAL,
  valid_to REAL,
  ended REAL,
  head TEXT NOT NULL,
  relation TEXT NOT NULL,
  tail TEXT NOT NULL,
  version INTEGER NOT NULL,
  vector BLOB,
  UNIQUE (scope, id)
);
CREATE INDEX records_by_version ON records (scope, version);
CREATE INDEX edges_from ON records (scope, head, valid_from, valid_to) WHERE head <> '';
CREATE INDEX edges_to ON records (scope, tail, valid_from, valid_to) WHERE tail <> '';

-- The words of a text are segmented before they come here (core/words.py); `scope` holds one word for the scope.
CREATE VIRTUAL TABLE words USING fts5 (scope, text, content = '', tokenize = 'unicode61');
CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, 'col');

-- Words that so many records have that they tell little and cost much; learned each time the file has doubled.
CREATE TABLE common (word TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE facts (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO facts VALUES ('counted', 0);
