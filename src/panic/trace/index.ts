/** Traces for those who did not record them: parts of one, and other formats. */

export type { TraceFormat } from './format.ts';
export { formatTrace, TRACE_FORMATS } from './format.ts';
export { toPerfetto } from './perfetto.ts';
export type { TraceBound, TracePart, TraceQuery } from './query.ts';
export { queryTrace } from './query.ts';
