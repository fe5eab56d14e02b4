/**
 * A helper: the part of an instruction that is computed in TypeScript, because WebAssembly lacks what it needs, at least for some
 * of its cases (compiled/ has the others). It is a
 * pure function of the register block (cpu/layout.ts), called from compiled code by name. Wide operands stand in HELPER,
 * and so does the result. A helper takes no interrupt and ends no slice; special handlers (engine/specials.ts) do that.
 */

export type Helper = {
  /** Number of i32 arguments. */
  readonly arity: number;
  /** @returns the i32 that the caller gets. `state` is the running vCPU's register block. */
  readonly run: (state: DataView, a: number, b: number, c: number, d: number) => number;
};
