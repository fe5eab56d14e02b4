-- What is read is checked: a manifest names the SHA-256 of each of its chunks (32 bytes each, in order), and every row of a
-- manifest carries a digest of its columns (docs/formats/store.md). The step of this migration in
-- src/vmcore/store/chunk-migrations.ts fills what is empty here.
ALTER TABLE manifest ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE manifest_part ADD COLUMN hashes BLOB NOT NULL DEFAULT x'';
ALTER TABLE manifest_part ADD COLUMN digest BLOB NOT NULL DEFAULT x'';

-- Chunks that were found damaged or missing: never matched or served until their content comes again.
CREATE TABLE quarantine (
  chunk INTEGER PRIMARY KEY,                              -- chunk.id, which may be gone
  hash  BLOB NOT NULL CHECK (length(hash) = 32)           -- SHA-256 of what it must hold
) STRICT;
CREATE INDEX quarantine_by_hash ON quarantine (hash);
