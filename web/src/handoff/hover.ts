/** Events under the pointer, and where they are drawn. */

import type { TraceEvent } from '../../../src/panic/trace/index.ts';

export type Hover = { readonly events: readonly TraceEvent[]; readonly x: number; readonly y: number };
