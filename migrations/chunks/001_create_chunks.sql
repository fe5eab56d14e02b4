-- Contents of vmcores, stored once each. docs/formats/store.md says how they are used.
CREATE TABLE chunk (
  id    INTEGER PRIMARY KEY AUTOINCREMENT,                 -- never used again: a manifest may outlive a mistake
  hash  BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),    -- SHA-256 of the content
  size  INTEGER NOT NULL CHECK (size BETWEEN 1 AND 65536), -- bytes of content
  codec INTEGER NOT NULL CHECK (codec IN (0, 1, 2)),       -- 0 as it is, 1 zstd, 2 all zero (no data)
  data  BLOB NOT NULL
) STRICT;
