-- When schedules fired, and when they should have: a firing is written down before it runs, and never runs twice.
CREATE TABLE schedule_firing (
  schedule_id TEXT NOT NULL,
  fire_time   TEXT NOT NULL,   -- ISO 8601, UTC, milliseconds: orders as text
  state       TEXT NOT NULL CHECK (state IN ('running', 'succeeded', 'failed', 'missed')),
  ended_at    TEXT,
  error       TEXT,
  UNIQUE (schedule_id, fire_time)
) STRICT;
