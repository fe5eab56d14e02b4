-- A vmcore's id is text that only its store can read. The ids so far were numbers; manifest_id stays empty from now on.
ALTER TABLE capture ADD COLUMN vmcore_id TEXT;
UPDATE capture SET vmcore_id = CAST(manifest_id AS TEXT), manifest_id = NULL WHERE manifest_id IS NOT NULL;
CREATE UNIQUE INDEX capture_by_vmcore ON capture (vmcore_id) WHERE vmcore_id IS NOT NULL;
