/** Types of dependencies.mjs, for the tests. */

export function ensureDependencies(): void;
export function isInstalled(root: string): boolean;
