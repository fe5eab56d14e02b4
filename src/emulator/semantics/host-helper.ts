/** What a host-side part of an instruction is; see host.ts. */

export type HostHelper = {
  /** Number of i32 arguments. */
  readonly arity: number;
  /** @returns the i32 that the caller gets. `state` is the register window. */
  readonly run: (state: DataView, a: number, b: number, c: number, d: number) => number;
};
