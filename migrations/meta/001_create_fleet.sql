-- The fleet, its images and what is being done with them. Columns are what is searched; `record` is the whole as JSON.
CREATE TABLE image (
  name   TEXT PRIMARY KEY,
  state  TEXT NOT NULL CHECK (state IN ('importing', 'ready', 'failed')),
  record TEXT NOT NULL CHECK (json_valid(record))
) STRICT;

CREATE TABLE partition (
  seq    INTEGER PRIMARY KEY AUTOINCREMENT,
  id     TEXT NOT NULL UNIQUE,
  name   TEXT NOT NULL UNIQUE,
  image  TEXT NOT NULL,
  record TEXT NOT NULL CHECK (json_valid(record))
) STRICT;

CREATE TABLE operation (
  seq             INTEGER PRIMARY KEY AUTOINCREMENT,
  id              TEXT NOT NULL UNIQUE,
  state           TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  partition_id    TEXT,
  idempotency_key TEXT UNIQUE,
  record          TEXT NOT NULL CHECK (json_valid(record))
) STRICT;

CREATE INDEX operation_by_partition ON operation (partition_id, seq);
CREATE INDEX operation_by_state ON operation (state, seq);
