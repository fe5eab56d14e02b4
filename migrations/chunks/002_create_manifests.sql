-- A stored vmcore: its chunks in order. Ids are 64-bit, little-endian, one after another in parts.
CREATE TABLE manifest (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  bytes       INTEGER NOT NULL CHECK (bytes >= 0),
  sha256      BLOB NOT NULL CHECK (length(sha256) = 32),
  chunk_bytes INTEGER NOT NULL CHECK (chunk_bytes BETWEEN 1 AND 65536)
) STRICT;

CREATE TABLE manifest_part (
  manifest_id INTEGER NOT NULL REFERENCES manifest (id) ON DELETE CASCADE,
  part        INTEGER NOT NULL CHECK (part >= 0),
  chunks      BLOB NOT NULL CHECK (length(chunks) > 0 AND length(chunks) % 8 = 0),
  PRIMARY KEY (manifest_id, part)
) STRICT, WITHOUT ROWID;
