/** Writes a trace as text in one of its formats. */

import type { Trace } from './document.ts';
import { toPerfetto } from './perfetto.ts';

/** `json`: trace version 2 (docs/trace.md). `perfetto`: the Trace Event Format. */
export const TRACE_FORMATS = ['json', 'perfetto'] as const;
export type TraceFormat = (typeof TRACE_FORMATS)[number];

/** The trace as a text; the same trace gives the same bytes. */
export function formatTrace(trace: Trace, format: TraceFormat): string {
  return `${JSON.stringify(format === 'json' ? trace : toPerfetto(trace))}\n`;
}
