/** The surroundings of a handler's code: the main function or a function of its own, and what it may call. */

import type { FunctionRef, I32, I64 } from '../../wasm/index.ts';

/** Functions that handlers call: imports, and the module's own. */
export type Callees = {
  /** (record): stores what TypeScript code reads when it acts: slow-paths.ts. */
  readonly publish: FunctionRef;
  /** (ea, bytes, record) → arena address, or -1 for a fault. */
  readonly slowRead: FunctionRef;
  readonly slowWrite: FunctionRef;
  /** (ea, value, bytes, record) → 0 or an exit code. The value is in memory order. */
  readonly slowStore: FunctionRef;
  readonly slowStoreVector: FunctionRef;
  readonly special: FunctionRef;
  readonly specialId: (name: string) => number;
  readonly helper: (name: string) => FunctionRef;
};

/** Where a handler's code stands. */
export type HandlerFrame = {
  readonly record: I32;
  readonly tlb: I32;
  /** Leaves with an exit code; the instruction counts as not executed. */
  readonly exit: (code: I32) => void;
  /** Present in the main function only. */
  readonly main?: {
    readonly cia: () => I64;
    /** Instructions left of the slice before this one. */
    readonly left: () => I32;
    readonly jumpNear: (distance: I32) => void;
    readonly jumpFar: (target: I64) => void;
  };
};
