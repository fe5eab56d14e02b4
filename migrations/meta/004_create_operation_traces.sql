-- What an ordinary kexec or a restart left. Only the last ones are kept: an operation without its trace stays.
CREATE TABLE operation_trace (
  seq          INTEGER PRIMARY KEY AUTOINCREMENT,
  operation_id TEXT NOT NULL UNIQUE REFERENCES operation (id) ON DELETE CASCADE,
  gzip         BLOB NOT NULL   -- the trace's JSON text, gzipped
) STRICT;
