/** The REST API at the place of the page, and the addresses that the browser itself opens. */

import type {
  Capture,
  Operation,
  PartitionRequest,
  PartitionView,
} from '../../../src/panic/contract/index.ts';
import type { LeavePath, Trace } from '../../../src/panic/trace/index.ts';
import type { ImageView, TroubledPartition } from '../../../src/server/http/shared/ports.ts';
import { type Api, createApi } from './client.ts';

export { ApiError, type RuleText } from './client.ts';
export type {
  Capture,
  ImageView,
  LeavePath,
  Operation,
  PartitionRequest,
  PartitionView,
  Trace,
  TroubledPartition,
};

/** The daemon, beside the page wherever it is served. */
const ROOT: string = new URL('.', document.baseURI.replace(/#.*$/, '')).pathname.replace(/\/$/, '');
export const API: string = `${ROOT}/api/v1`;

export const api: Api = createApi(ROOT);

const at = (id: string): string => encodeURIComponent(id);

/** For a request that may be sent twice; randomUUID is for secure pages alone. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}

export const vmcoreUrl = (id: string): string => `${API}/captures/${at(id)}/vmcore`;
export const traceUrl = (id: string): string => `${API}/captures/${at(id)}/trace`;
export const operationTraceUrl = (id: string): string => `${API}/operations/${at(id)}/trace`;
/** The same for Perfetto. */
export const perfettoUrl = (url: string): string => `${url}?format=perfetto`;
export const consoleStreamUrl = (id: string): string => `${API}/partitions/${at(id)}/console/stream`;
export const eventsUrl = (): string => `${API}/events`;
