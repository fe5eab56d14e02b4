/** Makes the client for the daemon that served the page, and the addresses of downloads and streams. */

import { type Signal, signal } from '@preact/signals';
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

/** The daemon's API, relative to the page's own address. */
const ROOT: string = new URL('.', document.baseURI.replace(/#.*$/, '')).pathname.replace(/\/$/, '');
export const API: string = `${ROOT}/api/v1`;

/** Whether the page has a session, where the daemon needs one. */
export const loginState: Signal<'unknown' | 'needed' | 'done'> = signal('unknown');

export const api: Api = createApi(ROOT, () => {
  loginState.value = 'needed';
});

const at = (id: string): string => encodeURIComponent(id);

/** An idempotency key for a request that may be sent twice. crypto.randomUUID exists on secure pages only. */
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
