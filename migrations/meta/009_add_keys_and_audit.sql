-- Who may use the service, and who did what. A key's secret is not kept, only its SHA-256. `digest` is the seal of the row.
CREATE TABLE api_key (
  seq          INTEGER PRIMARY KEY AUTOINCREMENT,
  id           TEXT NOT NULL UNIQUE,
  name         TEXT NOT NULL,
  hash         BLOB NOT NULL CHECK (length(hash) = 32),
  revoked_at   TEXT,
  last_used_at TEXT,
  record       TEXT NOT NULL CHECK (json_valid(record)),
  digest       BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX api_key_by_name ON api_key (name) WHERE revoked_at IS NULL;

CREATE TABLE audit (
  seq     INTEGER PRIMARY KEY AUTOINCREMENT,
  id      TEXT NOT NULL UNIQUE,
  at      TEXT NOT NULL,   -- ISO 8601, UTC, milliseconds: orders as text
  action  TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
  key_id  TEXT,            -- null: no key was used
  record  TEXT NOT NULL CHECK (json_valid(record)),
  digest  BLOB NOT NULL
) STRICT;

CREATE INDEX audit_by_key ON audit (key_id, seq) WHERE key_id IS NOT NULL;
CREATE INDEX audit_by_outcome ON audit (outcome, seq);
