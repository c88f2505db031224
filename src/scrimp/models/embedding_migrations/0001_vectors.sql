-- A cache from before this file was numbered has the table.
CREATE TABLE IF NOT EXISTS vectors (
    embedder TEXT, text TEXT, vector BLOB NOT NULL, PRIMARY KEY (embedder, text)
) WITHOUT ROWID;
