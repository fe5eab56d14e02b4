/** Types of build.mjs, for tests. */

/** Brings dist/ up to date. Returns false when a part could not be built. */
export function build(): boolean;
