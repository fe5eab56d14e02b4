-- Starts of partitions that no orderly end has followed. What is here when a daemon starts was running when an earlier one died.
CREATE TABLE partition_start (
  seq          INTEGER PRIMARY KEY AUTOINCREMENT,
  partition_id TEXT NOT NULL,
  started_at   INTEGER NOT NULL   -- milliseconds since 1970
) STRICT;

CREATE INDEX partition_start_by_partition ON partition_start (partition_id, seq);
