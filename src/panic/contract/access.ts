/** Defines who may use the service: API keys with their scopes and quotas, and the entries of the audit log. */

/** What a key may allow. `admin` includes the others; none of the others includes another. */
export const SCOPES = ['view', 'panic', 'download', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

/** How much a key may have at a time; absent: no limit of its own. */
export type KeyQuota = {
  readonly maxPartitions?: number;
  /** Memory of its partitions together, in bytes. */
  readonly maxMemoryBytes?: number;
  readonly maxCaptures?: number;
};

/** A key without its secret, which nothing keeps. Times are ISO 8601 in UTC. */
export type ApiKey = {
  readonly id: string;
  /** Unique among the keys that are not revoked. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly quota?: KeyQuota;
  readonly createdAt: string;
  /** Absent: it does not expire. */
  readonly expiresAt?: string;
  readonly revokedAt?: string;
  /** To about a minute; absent: never. */
  readonly lastUsedAt?: string;
};

/** Who did something. */
export type Actor =
  /** A client of a daemon that needs no key. */
  | { readonly kind: 'local' }
  /** The command line, on the data folder itself. */
  | { readonly kind: 'command-line'; readonly user: string }
  /** A client without a valid key where one is needed. */
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'key'; readonly id: string; readonly name: string };

/** What the audit log records. Reading is not recorded, but for downloads and what was refused. */
export const AUDIT_ACTIONS = [
  'partition.create',
  'partition.remove',
  'partition.start',
  'partition.stop',
  'partition.reset',
  'partition.panic',
  'partition.kexec',
  'partition.restart',
  'partition.type',
  'operation.cancel',
  'capture.download',
  'capture.remove',
  'image.import',
  'image.remove',
  'store.verify',
  'store.repair',
  'key.create',
  'key.revoke',
  'session.open',
  'session.close',
  'read',
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export type AuditEntry = {
  readonly id: string;
  readonly at: string;
  readonly actor: Actor;
  readonly action: AuditAction;
  /** What it was done to: an id or a name. */
  readonly target?: string;
  /** `refused`: nothing was done, because of who asked or how often. `failed`: nothing was done, for another reason. */
  readonly outcome: 'done' | 'refused' | 'failed';
  /** The status of the answer. */
  readonly status?: number;
  /** The kind of problem that was answered (docs/api.md). */
  readonly problem?: string;
  /** What was made: its address, or the id of a key. */
  readonly result?: string;
  /** The client's address. */
  readonly address?: string;
  readonly requestId?: string;
  /** A download: bytes that were handed over, and whether these were all that was asked for. */
  readonly bytes?: number;
  readonly complete?: boolean;
  /** More refusals like this one that followed within a minute and have no entry of their own: how many came before it. */
  readonly repeated?: number;
};
