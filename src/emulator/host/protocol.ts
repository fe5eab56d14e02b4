/** Defines the messages between a partition's owner and its worker thread. Each request has a number; its answer repeats it. */

import type { InstantName, MachineFault, ObservePlan } from '../contract/events.ts';
import type { PartitionConfig, PartitionNotice } from '../contract/partition.ts';
import type { InterpreterModules } from '../engine/interpreter/modules.ts';
import type { ScratchShare } from './scratch-space.ts';

/** What a worker is started with. */
export type WorkerStart = { readonly interpreters: InterpreterModules };

/** The first message to a worker: the partition that it is to run. It has no answer; requests follow. */
export type OpenPartition = {
  readonly kind: 'open';
  readonly config: PartitionConfig;
  /** Where scratch disks lie; absent: in the system's temporary folder, without a quota. */
  readonly scratch?: ScratchShare;
};

export type Request =
  | { readonly kind: 'start'; readonly plan?: ObservePlan }
  | { readonly kind: 'stop' }
  | { readonly kind: 'input'; readonly vty: 0 | 1; readonly bytes: Uint8Array }
  | { readonly kind: 'nmi'; readonly cpus: readonly number[] }
  | { readonly kind: 'observe'; readonly plan: ObservePlan | undefined }
  | { readonly kind: 'go-on' }
  | { readonly kind: 'inject'; readonly faults: readonly MachineFault[] }
  | { readonly kind: 'vcpus' }
  | { readonly kind: 'read-memory'; readonly raddr: number; readonly length: number }
  | { readonly kind: 'instant'; readonly name: InstantName }
  | {
      readonly kind: 'read-instant';
      readonly name: InstantName;
      readonly raddr: number;
      readonly length: number;
    }
  | { readonly kind: 'changes'; readonly name: InstantName; readonly from: number }
  | {
      readonly kind: 'compare-disk';
      readonly name: InstantName;
      readonly raddr: number;
      readonly length: number;
      readonly disk: number;
      readonly offset: number;
    }
  | { readonly kind: 'dropped' }
  | { readonly kind: 'machine-tree' }
  | {
      readonly kind: 'write-disk';
      readonly disk: number;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  /** Answered when there is enough. */
  | { readonly kind: 'take-written'; readonly disk: number; readonly atLeast: number }
  | { readonly kind: 'read-disk'; readonly disk: number; readonly offset: number; readonly length: number }
  | { readonly kind: 'close' };

/** After the partition is open: a request; or a batch of notices was taken, and the worker may send one more. */
export type ToWorker = { readonly id: number; readonly request: Request } | 'taken';

export type FromWorker =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | {
      readonly kind: 'refusal';
      readonly id: number;
      readonly message: string;
      /** The range, where a request named memory that does not exist: structured cloning would lose the class OutsideMemory. */
      readonly outside?: { readonly raddr: number; readonly length: number };
    }
  | { readonly kind: 'notices'; readonly notices: readonly PartitionNotice[] };
