/**
 * What the routes need of the rest of the program, as narrow as they need it: captures, operations and images are
 * reached through these seams; the fleet itself through `Fleet` (src/panic/contract/).
 * Methods throw {@link Refusal} for what the caller got wrong: `not-found` for an unknown id, `conflict` for a state
 * that does not allow it, `invalid` for a value that no state would allow.
 */

import type { Capture, CaptureVmcore, Operation } from '../../../panic/contract/index.ts';
import type { RuleResult } from '../../../panic/trace/index.ts';

/** One page of a list, newest first. `next` is the cursor of the page after it; absent on the last page. */
export type Page<T> = { readonly items: readonly T[]; readonly next?: string };

export type ListQuery = {
  /** At most so many items, 1 or more. */
  readonly limit: number;
  /** The `next` of an earlier page. Opaque; one that cannot be read is refused as `invalid`. */
  readonly cursor?: string;
  readonly partitionId?: string;
};

export type CaptureQuery = ListQuery & {
  readonly outcome?: Capture['outcome'];
  readonly signature?: string;
};

/** A stored vmcore, as the guest wrote it. */
export type VmcoreSource = CaptureVmcore & {
  /** Bytes `start` (included) to `end` (excluded), in pieces of the store's choosing. Ends early only by throwing. */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
};

export interface CaptureReader {
  list(query: CaptureQuery): Promise<Page<Capture>>;
  get(id: string): Promise<Capture>;
  /** Forgets the capture; pages that no other capture uses go with the next sweep. */
  remove(id: string): Promise<void>;
  /** `null`: the crash left no dump. */
  vmcore(id: string): Promise<VmcoreSource | null>;
  /** The stored JSON text of the trace (docs: trace version 1), or `null` when the crash ended before it began. */
  trace(id: string): Promise<string | null>;
  rules(id: string): Promise<readonly RuleResult[]>;
  /** Raw console bytes of the life that crashed and of the crash kernel's after it. */
  console(id: string): Promise<Uint8Array | null>;
}

export interface OperationReader {
  list(query: ListQuery): Promise<Page<Operation>>;
  get(id: string): Promise<Operation>;
  /** The stored JSON text of the trace of a kexec or a restart, or `null` where the operation has none (any more). */
  trace(id: string): Promise<string | null>;
  /** Cancels a queued operation. @throws Refusal `conflict` once it runs or is done. */
  cancel(id: string): Promise<Operation>;
}

/** One file of an image: `role` is kernel, initrd, symbols, modules … */
export type ImageFile = { readonly role: string; readonly bytes: number; readonly sha256: string };

export type ImageView = {
  readonly name: string;
  readonly kind: 'debian' | 'files' | 'built-in';
  readonly state: 'importing' | 'ready' | 'failed';
  /** How far an import is, or why it failed. */
  readonly detail?: string;
  /** As `uname -r` says it, where it is known. */
  readonly kernelRelease?: string;
  readonly append?: string;
  readonly files: readonly ImageFile[];
};

/** From Debian's ppc64el packages; `kernel` is a release such as `6.1.0-50-powerpc64le`, absent: the newest. */
export type ImageImport = { readonly kind: 'debian'; readonly name?: string; readonly kernel?: string };

export interface ImageCatalogue {
  list(): Promise<readonly ImageView[]>;
  get(name: string): Promise<ImageView>;
  /** @throws Refusal `conflict` while a partition uses it or it is being imported. */
  remove(name: string): Promise<void>;
  startImport(request: ImageImport): Promise<Operation>;
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
