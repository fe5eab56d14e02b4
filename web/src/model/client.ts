/**
 * Calls the REST API through a client that is typed by its OpenAPI document (openapi.d.ts, made by `npm run client`). An
 * address, a parameter or an answer that is not in the document does not compile.
 */

import createClient from 'openapi-fetch';
import type {
  Capture,
  Operation,
  PanicRequest,
  PartitionRequest,
  PartitionView,
} from '../../../src/panic/contract/index.ts';
import type { LeavePath, Trace } from '../../../src/panic/trace/index.ts';
import { upgradeTrace } from '../../../src/panic/trace/index.ts';
import type {
  Health,
  ImageView,
  Page,
  SessionView,
  VersionAnswer,
} from '../../../src/server/http/shared/ports.ts';
import type { components, paths } from './openapi.d.ts';

type Schemas = components['schemas'];
export type RuleText = Schemas['RuleText'];

/** Thrown for an answer of status 400 and above, and where no answer came (`status` 0). */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

type Items<T> = { readonly items: readonly T[] };

/** The calls of the dashboard, with the service's own types. The compiler checks where the document's types are assigned to them. */
export type Api = {
  partitions(): Promise<Items<PartitionView>>;
  createPartition(request: PartitionRequest): Promise<PartitionView>;
  removePartition(id: string): Promise<void>;
  act(id: string, action: 'start' | 'stop' | 'reset'): Promise<Operation>;
  /** A repeated request with the same key returns the operation of the first one. */
  panic(id: string, request: PanicRequest, key: string): Promise<Operation>;
  leave(id: string, path: LeavePath, key: string): Promise<Operation>;
  type(id: string, text: string): Promise<void>;
  operation(id: string): Promise<Operation>;
  operations(): Promise<Page<Operation>>;
  cancel(id: string): Promise<Operation>;
  images(): Promise<Items<ImageView>>;
  importDebian(): Promise<Operation>;
  captures(cursor?: string, signature?: string): Promise<Page<Capture>>;
  capture(id: string): Promise<Capture>;
  removeCapture(id: string): Promise<void>;
  /** Converted to version 2 where an older version is stored. */
  trace(id: string): Promise<Trace>;
  operationTrace(id: string): Promise<Trace>;
  captureConsole(id: string): Promise<string>;
  rules(): Promise<Items<RuleText>>;
  /** Returns the body also for status 503: it names what is not up. */
  health(): Promise<Health>;
  version(): Promise<VersionAnswer>;
  /** Who the page is to the daemon. */
  session(): Promise<SessionView>;
  /** Exchanges a key for a session, which a cookie names. */
  logIn(key: string): Promise<SessionView>;
  logOut(): Promise<void>;
};

type Asked<T> = Promise<{ readonly data?: T; readonly error?: unknown; readonly response: Response }>;

/** @throws {@link ApiError} */
async function answered<T>(asked: Asked<T>): Promise<Awaited<Asked<T>>> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // fetch throws a TypeError where no answer comes.
    throw new ApiError(0, 'The daemon does not answer.');
  }
}

/** The body of a successful answer. @throws {@link ApiError} for any other */
async function bodyOf<T>(asked: Asked<T>): Promise<T> {
  const { data, error, response } = await answered(asked);
  if (response.ok && data !== undefined) return data;
  throw failure(response, error);
}

/** Accepts a successful answer without a body. @throws {@link ApiError} for any other */
async function done(asked: Asked<unknown>): Promise<void> {
  const { error, response } = await answered(asked);
  if (!response.ok) throw failure(response, error);
}

function failure({ status }: Response, problem: unknown): ApiError {
  return new ApiError(status, problemText(problem) ?? `The daemon answered ${status}.`);
}

function isHealth(body: unknown): body is Health {
  return typeof body === 'object' && body !== null && 'checks' in body;
}

function problemText(problem: unknown): string | undefined {
  if (typeof problem !== 'object' || problem === null) return undefined;
  const { detail, title, errors = [] }: Partial<Schemas['Problem']> = problem;
  if (errors.length === 0) return detail ?? title;
  return errors.map((each) => `${each.pointer.replace(/^\//, '')} ${each.detail}`.trim()).join('; ');
}

/** A stored trace may be of version 1; the page draws version 2. */
async function traceOf(
  asked: Asked<Schemas['Trace'] | Schemas['TraceV1'] | Schemas['Perfetto']>,
): Promise<Trace> {
  const trace = await bodyOf(asked);
  if ('traceEvents' in trace) throw new Error('The daemon sent a trace for Perfetto.');
  return upgradeTrace(trace);
}

/**
 * @param root the daemon's address without a slash at the end: `http://127.0.0.1:8470`, or the path under which it is served
 * @param onUnauthenticated called for a request that needed a session which there is not, or not any more
 */
export function createApi(root: string, onUnauthenticated: () => void = () => undefined): Api {
  const client = createClient<paths>({ baseUrl: root, headers: { accept: 'application/json' } });
  client.use({
    onResponse: ({ response, schemaPath }) => {
      // A key that is not good is the login's own answer.
      if (response.status === 401 && schemaPath !== '/api/v1/session') onUnauthenticated();
    },
  });
  const { GET, POST, DELETE } = client;
  const by = (id: string) => ({ params: { path: { id } } });
  const keyed = (id: string, key: string) => ({
    params: { path: { id }, header: { 'idempotency-key': key } },
  });
  return {
    partitions: () => bodyOf(GET('/api/v1/partitions')),
    createPartition: (body) => bodyOf(POST('/api/v1/partitions', { body })),
    removePartition: (id) => done(DELETE('/api/v1/partitions/{id}', by(id))),
    act: (id, action) => bodyOf(POST(`/api/v1/partitions/{id}/${action}`, by(id))),
    panic: (id, { faults = [], ...request }, key) =>
      bodyOf(
        POST('/api/v1/partitions/{id}/panic', {
          ...keyed(id, key),
          body: { ...request, ...(faults.length === 0 ? {} : { faults: [...faults] }) },
        }),
      ),
    leave: (id, path, key) =>
      bodyOf(POST(`/api/v1/partitions/{id}/${path}`, { ...keyed(id, key), body: {} })),
    type: (id, text) => done(POST('/api/v1/partitions/{id}/console', { ...by(id), body: { text } })),
    operation: (id) => bodyOf(GET('/api/v1/operations/{id}', by(id))),
    operations: () => bodyOf(GET('/api/v1/operations', { params: { query: { limit: 50 } } })),
    cancel: (id) => bodyOf(POST('/api/v1/operations/{id}/cancel', by(id))),
    images: () => bodyOf(GET('/api/v1/images')),
    importDebian: () => bodyOf(POST('/api/v1/images/import', { body: { kind: 'debian' } })),
    captures: (cursor, signature) =>
      bodyOf(
        GET('/api/v1/captures', {
          params: {
            query: {
              limit: 25,
              ...(cursor === undefined ? {} : { cursor }),
              ...(signature === undefined ? {} : { signature }),
            },
          },
        }),
      ),
    capture: (id) => bodyOf(GET('/api/v1/captures/{id}', by(id))),
    removeCapture: (id) => done(DELETE('/api/v1/captures/{id}', by(id))),
    trace: (id) => traceOf(GET('/api/v1/captures/{id}/trace', by(id))),
    operationTrace: (id) => traceOf(GET('/api/v1/operations/{id}/trace', by(id))),
    captureConsole: (id) =>
      bodyOf(
        GET('/api/v1/captures/{id}/console', {
          ...by(id),
          headers: { accept: 'text/plain' },
          parseAs: 'text',
        }),
      ),
    rules: () => bodyOf(GET('/api/v1/rules')),
    health: async () => {
      const { data, error, response } = await answered(GET('/api/v1/healthz'));
      const health = data ?? (isHealth(error) ? error : undefined);
      if (health === undefined) throw failure(response, error);
      return health;
    },
    version: () => bodyOf(GET('/api/v1/version')),
    session: () => bodyOf(GET('/api/v1/session')),
    logIn: (key) => bodyOf(POST('/api/v1/session', { body: { key } })),
    logOut: () => done(DELETE('/api/v1/session')),
  };
}
