-- Every row carries the seal of its columns (src/vmcore/store/seal.ts), written with it and compared when it is read. The step
-- of this migration in src/panic/store/seal-rows.ts fills what is empty here.
ALTER TABLE partition       ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE operation       ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE operation_trace ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE capture         ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE trace           ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE console         ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE schedule_firing ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE worker          ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE partition_lease ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
