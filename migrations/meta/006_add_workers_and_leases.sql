-- Who runs what. Before this, one daemon owned everything: what it has not finished counts as left by incarnation 0 of
-- the worker `local`, which the next start of a daemon fails. Times are milliseconds since 1970.
CREATE TABLE worker (
  id    TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL CHECK (epoch > 0)   -- grows with each start
) STRICT;

CREATE TABLE partition_lease (
  partition_id TEXT PRIMARY KEY,
  epoch        INTEGER NOT NULL CHECK (epoch > 0),   -- grows with each acquisition
  owner        TEXT,                                 -- a worker; null: nobody
  owner_epoch  INTEGER,
  expires_at   INTEGER NOT NULL
) STRICT;

ALTER TABLE operation ADD COLUMN kind TEXT;
ALTER TABLE operation ADD COLUMN request TEXT;                          -- JSON: what the worker is given
ALTER TABLE operation ADD COLUMN worker TEXT;                           -- who may claim it, or has; null: any
ALTER TABLE operation ADD COLUMN worker_epoch INTEGER;
ALTER TABLE operation ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;    -- claims so far
ALTER TABLE operation ADD COLUMN expires_at INTEGER;                    -- of the claim
ALTER TABLE operation ADD COLUMN cancelling INTEGER NOT NULL DEFAULT 0; -- 1: somebody asked the worker to cancel it
UPDATE operation SET kind = json_extract(record, '$.kind');
UPDATE operation SET worker = 'local', worker_epoch = 0 WHERE state IN ('queued', 'running');

ALTER TABLE schedule_firing ADD COLUMN worker TEXT;
ALTER TABLE schedule_firing ADD COLUMN worker_epoch INTEGER;
UPDATE schedule_firing SET worker = 'local', worker_epoch = 0 WHERE state = 'running';

-- Images are described by the files in their folders; no release has written this table.
DROP TABLE image;
