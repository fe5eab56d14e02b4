/** Defines the events under the pointer, and the place of their tooltip. */

import type { TraceEvent } from '../../../src/panic/trace/index.ts';

export type Hover = { readonly events: readonly TraceEvent[]; readonly x: number; readonly y: number };
