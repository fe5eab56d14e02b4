-- What crashes left. A capture is not tied to its partition's row: it stays when the partition goes.
CREATE TABLE capture (
  seq          INTEGER PRIMARY KEY AUTOINCREMENT,
  id           TEXT NOT NULL UNIQUE,
  partition_id TEXT NOT NULL,
  outcome      TEXT NOT NULL CHECK (outcome IN ('captured', 'failed')),
  signature    TEXT,
  manifest_id  INTEGER UNIQUE,   -- in the chunk database; null where the crash left no vmcore
  record       TEXT NOT NULL CHECK (json_valid(record))
) STRICT;

CREATE INDEX capture_by_partition ON capture (partition_id, seq);
CREATE INDEX capture_by_signature ON capture (signature, seq) WHERE signature IS NOT NULL;

CREATE TABLE trace (
  capture_id TEXT PRIMARY KEY REFERENCES capture (id) ON DELETE CASCADE,
  gzip       BLOB NOT NULL   -- the trace's JSON text, gzipped
) STRICT;

CREATE TABLE console (
  capture_id TEXT PRIMARY KEY REFERENCES capture (id) ON DELETE CASCADE,
  gzip       BLOB NOT NULL   -- raw console bytes, gzipped
) STRICT;
