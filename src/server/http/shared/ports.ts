/**
 * Defines what the routes need of the rest of the program: captures and images through these seams, the fleet and operations
 * through `Fleet` and `Operations` (src/panic/contract/).
 * Methods throw {@link Refusal} for a wrong request: `not-found` for an unknown id, `conflict` for a state
 * that does not allow it, `invalid` for a value that no state would allow.
 */

import type { VmcoreSource } from '../../../panic/captures/index.ts';
import type { Actor, Capture, CaptureQuery, ImageView, Page, Scope } from '../../../panic/contract/index.ts';
import type { RuleResult } from '../../../panic/trace/index.ts';

export type { VmcoreSource } from '../../../panic/captures/index.ts';
export type {
  CaptureQuery,
  ImageImport,
  ImageView,
  ListQuery,
  Page,
} from '../../../panic/contract/index.ts';

export interface CaptureReader {
  list(query: CaptureQuery): Promise<Page<Capture>>;
  get(id: string): Promise<Capture>;
  /** Forgets the capture and its vmcore. */
  remove(id: string): Promise<void>;
  /** `null`: the crash left no dump. */
  vmcore(id: string): Promise<VmcoreSource | null>;
  /** The stored JSON text of the trace (docs/trace.md), or `null` when the crash ended before it began. */
  trace(id: string): Promise<string | null>;
  rules(id: string): Promise<readonly RuleResult[]>;
  /** Raw bytes of the console of the kernel that crashed and of the crash kernel after it. */
  console(id: string): Promise<Uint8Array | null>;
}

export interface ImageCatalogue {
  list(): Promise<readonly ImageView[]>;
  get(name: string): Promise<ImageView>;
  /** @throws Refusal `conflict` while a partition uses it or it is being imported. */
  remove(name: string): Promise<void>;
}

/** A partition that is not up, and why. */
export type TroubledPartition = {
  /** Absent: it could not be made. */
  readonly id?: string;
  /** Its name; `#N` for the Nth of the fleet file that has none. */
  readonly name: string;
  readonly image: string;
  /** `missing`: it could not be made; `starting`: it has not come up since the daemon started. */
  readonly state: 'missing' | 'failed' | 'starting';
  readonly reason: string;
};

/** One thing that must hold before the service is ready. */
export type HealthCheck = {
  readonly name: string;
  readonly ok: boolean;
  /** Not ok, but the service does its work with what is left. */
  readonly degraded?: boolean;
  readonly detail?: string;
  readonly partitions?: readonly TroubledPartition[];
  /** The captures that it affects. */
  readonly captures?: readonly string[];
};

/** What `/healthz` says. `ready`: every check is ok or degraded. */
export type Health = {
  readonly ready: boolean;
  readonly status: 'ok' | 'degraded' | 'unavailable';
  readonly checks: readonly HealthCheck[];
};

/** Something that the service does by the clock. Times are ISO 8601 in UTC. */
export type ScheduleView = {
  readonly id: string;
  /** Minute hour day month weekday, in UTC. */
  readonly cron: string;
  /** When it fires next; absent: the clock stands. */
  readonly next?: string;
  /** The last ones, newest first. */
  readonly firings: readonly {
    readonly fireTime: string;
    /** `missed`: nothing ran for it, because the service was down or the run before it had not ended. */
    readonly state: 'running' | 'succeeded' | 'failed' | 'missed';
    readonly endedAt?: string;
    readonly error?: string;
  }[];
};

/** What the program says about itself. */
export type VersionInfo = { readonly name: string; readonly version: string; readonly commit?: string };

/** The answer of `/version`. */
export type VersionAnswer = VersionInfo & { readonly api: 'v1'; readonly node: string };

/** Who a client is to the service: the answer of `/session`. */
export type SessionView = {
  /** Whether a client without a key may do nothing; else it may do everything. */
  readonly keyNeeded: boolean;
  readonly actor: Actor;
  readonly scopes: readonly Scope[];
  readonly session?: true;
  readonly expiresAt?: string;
};
