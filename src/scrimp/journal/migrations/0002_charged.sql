-- What the budget was charged beside money, tokens and calls: tokens of messages, nodes, stored bytes.

ALTER TABLE events ADD COLUMN charged TEXT NOT NULL DEFAULT '';  -- JSON: by budget key, empty for none
