/** The REST API as the dashboard uses it. Types are the service's own. */

import type {
  Capture,
  Operation,
  PanicRequest,
  PartitionRequest,
  PartitionView,
} from '../../../src/panic/contract/index.ts';
import type { LeavePath, Trace } from '../../../src/panic/trace/index.ts';
import type { Health, ImageView, Page, TroubledPartition } from '../../../src/server/http/shared/ports.ts';

export type {
  Capture,
  Health,
  ImageView,
  LeavePath,
  Operation,
  PanicRequest,
  PartitionRequest,
  PartitionView,
  Trace,
  TroubledPartition,
};

/** Beside the page, wherever it is served. */
export const API: string = new URL('api/v1', document.baseURI.replace(/#.*$/, '')).pathname;

/** An answer of 400 and above, or none at all (`status` 0). */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  alsoGood?: number,
): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(`${API}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError(0, 'The daemon does not answer.');
  }
  if (answer.ok || answer.status === alsoGood) return answer;
  const problem: unknown = await answer.json().catch(() => null);
  throw new ApiError(answer.status, problemText(problem) ?? `The daemon answered ${answer.status}.`);
}

function problemText(problem: unknown): string | null {
  if (typeof problem !== 'object' || problem === null) return null;
  const { detail, title, errors } = problem as {
    detail?: string;
    title?: string;
    errors?: { pointer: string; detail: string }[];
  };
  if (errors !== undefined && errors.length > 0) {
    return errors.map((e) => `${e.pointer.replace(/^\//, '')} ${e.detail}`.trim()).join('; ');
  }
  return detail ?? title ?? null;
}

async function read<T>(path: string): Promise<T> {
  return (await ask('GET', path)).json() as Promise<T>;
}

async function post<T>(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  return (await ask('POST', path, body, headers)).json() as Promise<T>;
}

const at = (id: string): string => encodeURIComponent(id);

export const api = {
  partitions: (): Promise<{ items: PartitionView[] }> => read('/partitions'),
  createPartition: (request: PartitionRequest): Promise<PartitionView> => post('/partitions', request),
  removePartition: async (id: string): Promise<void> => {
    await ask('DELETE', `/partitions/${at(id)}`);
  },
  act: (id: string, action: 'start' | 'stop' | 'reset'): Promise<Operation> =>
    post(`/partitions/${at(id)}/${action}`),
  panic: (id: string, request: PanicRequest, key: string): Promise<Operation> =>
    post(`/partitions/${at(id)}/panic`, request, { 'idempotency-key': key }),
  leave: (id: string, path: LeavePath, key: string): Promise<Operation> =>
    post(`/partitions/${at(id)}/${path}`, {}, { 'idempotency-key': key }),
  type: async (id: string, text: string): Promise<void> => {
    await ask('POST', `/partitions/${at(id)}/console`, { text });
  },
  operation: (id: string): Promise<Operation> => read(`/operations/${at(id)}`),
  operations: (): Promise<Page<Operation>> => read('/operations?limit=50'),
  cancel: (id: string): Promise<Operation> => post(`/operations/${at(id)}/cancel`),
  images: (): Promise<{ items: ImageView[] }> => read('/images'),
  importDebian: (): Promise<Operation> => post('/images/import', { kind: 'debian' }),
  captures: (cursor?: string, signature?: string): Promise<Page<Capture>> =>
    read(
      `/captures?limit=25${cursor === undefined ? '' : `&cursor=${at(cursor)}`}${signature === undefined ? '' : `&signature=${at(signature)}`}`,
    ),
  capture: (id: string): Promise<Capture> => read(`/captures/${at(id)}`),
  removeCapture: async (id: string): Promise<void> => {
    await ask('DELETE', `/captures/${at(id)}`);
  },
  trace: (id: string): Promise<Trace> => read(`/captures/${at(id)}/trace`),
  operationTrace: (id: string): Promise<Trace> => read(`/operations/${at(id)}/trace`),
  captureConsole: async (id: string): Promise<string> =>
    (await ask('GET', `/captures/${at(id)}/console`, undefined, { accept: 'text/plain' })).text(),
  /** 503 is an answer like any other: it says what is not up. */
  health: async (): Promise<Health> =>
    (await ask('GET', '/healthz', undefined, {}, 503)).json() as Promise<Health>,
  version: (): Promise<{ name: string; version: string; commit?: string }> => read('/version'),
};

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
