/** Types of runtime.mjs, for the tests. */

export type PinnedRuntime = {
  readonly version: string;
  readonly packages: { readonly [platform: string]: { readonly name: string; readonly integrity: string } };
};

export const pinnedRuntime: PinnedRuntime;
export const oldestMajor: number;
export function enterRuntime(): Promise<void>;
export function ensureRuntime(folder: string, pinned: PinnedRuntime): Promise<string>;
export function handOver(node: string): Promise<never>;
