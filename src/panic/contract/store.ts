/** Defines what is said of the store as a whole: how much it holds, and what in it is damaged. */

/** Something in the store that is not what was written. */
export type StoreDamage = {
  readonly database: 'chunks.db' | 'metadata.db';
  /**
   * `database`, `schema`: the file's structure; `manifest`: which chunks a vmcore has; `vmcore`: the whole of one; `chunk`: content
   * that vmcores have; `misnamed`, `unnamed`, `quarantine`: of chunks, without harm to a vmcore; `record`: a row; `capture`: a
   * capture and its vmcore do not belong together.
   */
  readonly kind:
    | 'database'
    | 'schema'
    | 'manifest'
    | 'vmcore'
    | 'chunk'
    | 'misnamed'
    | 'unnamed'
    | 'quarantine'
    | 'record'
    | 'capture';
  readonly id?: string;
  readonly problem: string;
  /** The captures that it affects. */
  readonly captures: readonly string[];
  /** What to do. */
  readonly advice: string;
};

/** What a verification found, or a repair left. Times are ISO 8601 in UTC. */
export type StoreReport = {
  readonly verifiedAt: string;
  readonly durationMs: number;
  readonly vmcores: number;
  readonly chunks: number;
  /** Bytes of content that were read. */
  readonly bytes: number;
  readonly records: number;
  readonly damage: readonly StoreDamage[];
  /** What a repair did, a sentence each. */
  readonly repaired?: readonly string[];
};

/** What the store holds. `vmcoreBytes` counts what several vmcores share once for each, `chunkBytes` once. */
export type StoreView = {
  readonly vmcores: number;
  readonly vmcoreBytes: number;
  readonly chunks: number;
  readonly chunkBytes: number;
  /** Chunks that are known to be damaged. */
  readonly quarantined: number;
  /** Records of the metadata that are known to be damaged. */
  readonly damagedRecords: readonly string[];
  /** Captures of which something is known to be lost. */
  readonly damagedCaptures: readonly { readonly id: string; readonly reason: string }[];
  /** The last verification; absent: none since the daemon started. */
  readonly last?: StoreReport;
};
