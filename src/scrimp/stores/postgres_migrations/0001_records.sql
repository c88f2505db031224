-- A scope is an owner and a name; its row is locked by each writer, so that writers of one scope take turns.
CREATE TABLE scopes (
  scope bigserial PRIMARY KEY,
  owner text NOT NULL,
  name text NOT NULL,
  dimension integer NOT NULL DEFAULT 0,
  indexed integer NOT NULL DEFAULT 0,
  UNIQUE (owner, name)
);

CREATE TABLE records (
  row bigserial PRIMARY KEY,
  scope bigint NOT NULL REFERENCES scopes (scope),
  id text NOT NULL,
  kind text NOT NULL,
  text text NOT NULL,
  data jsonb NOT NULL,
  sources jsonb NOT NULL,
  created double precision NOT NULL,
  valid_from double precision,
  valid_to double precision,
  ended double precision,
  head text NOT NULL,
  relation text NOT NULL,
  tail text NOT NULL,
  length integer NOT NULL,
  vector vector,
  UNIQUE (scope, id)
);
CREATE INDEX edges_from ON records (scope, head) WHERE head <> '';
CREATE INDEX edges_to ON records (scope, tail) WHERE tail <> '';

-- The words of a text, segmented before they come here (core/words.py), with how often each stands in it.
CREATE TABLE words (
  scope bigint NOT NULL,
  word text NOT NULL,
  row bigint NOT NULL REFERENCES records (row) ON DELETE CASCADE,
  count integer NOT NULL,
  PRIMARY KEY (scope, word, row)
);
CREATE INDEX words_by_row ON words (row);
