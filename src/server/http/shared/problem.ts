/**
 * Turns errors into RFC 9457 problem details, `application/problem+json`.
 * Every answer of status 400 and above is made here, so that none leaks a stack, a path or a message of a library.
 * The catalogue below is the list in docs/api.md; a test holds the two together.
 */

import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { diskErrorOf } from '../../../base/disk-error.ts';
import { FormatError, StoredDataError } from '../../../base/errors.ts';
import type { RefusalCode } from '../../../panic/contract/index.ts';
import { Refusal } from '../../../panic/contract/index.ts';
import { databaseError } from '../../../vmcore/store/index.ts';

type Entry = { readonly status: number; readonly title: string };

/** Every kind of problem, in order of status. Its `type` is `urn:kdumpd:problem:<kind>`. */
export const PROBLEMS: Readonly<Record<ProblemKind, Entry>> = {
  malformed: { status: 400, title: 'The request cannot be read' },
  'invalid-parameters': { status: 400, title: 'A parameter or the body does not fit its schema' },
  unauthenticated: { status: 401, title: 'The request needs a valid key' },
  'foreign-origin': { status: 403, title: 'Requests from other web sites are refused' },
  forbidden: { status: 403, title: 'The key does not allow it' },
  'not-found': { status: 404, title: 'There is no such thing' },
  'method-not-allowed': { status: 405, title: 'This address does not take that method' },
  'not-acceptable': { status: 406, title: 'This address has no such representation' },
  timeout: { status: 408, title: 'The request did not arrive in time' },
  conflict: { status: 409, title: 'The present state does not allow it' },
  'quota-exceeded': { status: 409, title: 'It would be more than the quota allows' },
  'terminal-full': { status: 409, title: 'The guest has not read what was typed before' },
  'precondition-failed': { status: 412, title: 'The condition of the request does not hold' },
  'too-large': { status: 413, title: 'The body is too large' },
  'uri-too-long': { status: 414, title: 'The address is too long' },
  'unsupported-media-type': { status: 415, title: 'The body has a type that is not taken here' },
  'range-not-satisfiable': { status: 416, title: 'None of the ranges lies in the vmcore' },
  'expectation-failed': { status: 417, title: 'The Expect field asks for what is not done here' },
  misdirected: { status: 421, title: 'This service does not answer to that host name' },
  unprocessable: { status: 422, title: 'The request is well formed and cannot be done' },
  'idempotency-mismatch': { status: 422, title: 'The key was used before, with another request' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'headers-too-large': { status: 431, title: 'The header fields are too large' },
  internal: { status: 500, title: 'The service failed' },
  damaged: { status: 500, title: 'What is stored is damaged' },
  unavailable: { status: 503, title: 'The service is not ready' },
  'version-not-supported': { status: 505, title: 'This version of HTTP is not served here' },
  'insufficient-storage': { status: 507, title: 'The disk of the data folder has no room for it' },
};

export type ProblemKind =
  | 'malformed'
  | 'invalid-parameters'
  | 'unauthenticated'
  | 'foreign-origin'
  | 'forbidden'
  | 'not-found'
  | 'method-not-allowed'
  | 'not-acceptable'
  | 'timeout'
  | 'conflict'
  | 'quota-exceeded'
  | 'terminal-full'
  | 'precondition-failed'
  | 'too-large'
  | 'uri-too-long'
  | 'unsupported-media-type'
  | 'range-not-satisfiable'
  | 'expectation-failed'
  | 'misdirected'
  | 'unprocessable'
  | 'idempotency-mismatch'
  | 'too-many-requests'
  | 'headers-too-large'
  | 'internal'
  | 'damaged'
  | 'unavailable'
  | 'version-not-supported'
  | 'insufficient-storage';

/** One field that broke its schema: `pointer` is a JSON pointer into the part of the request that `in` names. */
export type FieldError = { readonly in: string; readonly pointer: string; readonly detail: string };

export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly instance?: string;
  readonly requestId?: string;
  /** A stable code for bad input that a parser found, `area/kind` (docs/errors.md). */
  readonly code?: string;
  readonly errors?: readonly FieldError[];
};

/** A problem on its way out of a route. */
export class ProblemError extends Error {
  readonly kind: ProblemKind;
  readonly headers: Readonly<Record<string, string>>;

  constructor(kind: ProblemKind, detail?: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail ?? PROBLEMS[kind].title);
    this.name = 'ProblemError';
    this.kind = kind;
    this.headers = headers;
  }
}

/** @param retryAfterSeconds when to ask again */
export function tooMany(detail: string, retryAfterSeconds: number): ProblemError {
  return new ProblemError('too-many-requests', detail, { 'retry-after': String(retryAfterSeconds) });
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Builds the body of a problem. */
export function buildProblem(kind: ProblemKind, more: Partial<Problem> = {}): Problem {
  const { status, title } = PROBLEMS[kind];
  return { type: `urn:kdumpd:problem:${kind}`, title, status, ...more };
}

/** Sends a problem. The reply must not have begun. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  kind: ProblemKind,
  more: Partial<Problem> = {},
  headers: Readonly<Record<string, string>> = {},
): FastifyReply {
  const body = buildProblem(kind, { ...more, instance: pathOf(request.url), requestId: request.id });
  // Some problems come before the hook that sets it on every answer.
  reply.header('x-request-id', request.id);
  request.problem = kind;
  // Sent as text: the route's own response schema must not prune it.
  return reply.code(body.status).headers(headers).type(PROBLEM_TYPE).send(JSON.stringify(body));
}

const REFUSALS: Readonly<Record<RefusalCode, ProblemKind>> = {
  'not-found': 'not-found',
  conflict: 'conflict',
  invalid: 'unprocessable',
  'key-reused': 'idempotency-mismatch',
  'no-room': 'insufficient-storage',
  quota: 'quota-exceeded',
  'terminal-full': 'terminal-full',
};

/** Fastify's own error codes that have a better name than their status. */
const FRAMEWORK: Readonly<Record<string, readonly [ProblemKind, string]>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: ['malformed', 'The body is not JSON.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['malformed', 'The body is empty although its type is application/json.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['malformed', 'The body is not as long as Content-Length says.'],
  FST_ERR_CTP_EMPTY_TYPE: ['unsupported-media-type', 'The body has no Content-Type.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'See Content-Type in docs/api.md.'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['too-large', 'See the limits in docs/api.md.'],
  FST_ERR_BAD_URL: ['malformed', 'The address is not well encoded.'],
  FST_ERR_MAX_PARAM_LENGTH: ['uri-too-long', 'A part of the address is too long.'],
};

/** Turns anything thrown into its answer. An internal error is logged; its answer names the request id only. */
export function handleError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = databaseError(thrown, 'the database');
  if (error instanceof ProblemError) {
    return sendProblem(request, reply, error.kind, { detail: error.message }, error.headers);
  }
  if (error instanceof Refusal)
    return sendProblem(request, reply, REFUSALS[error.code], { detail: error.message });
  if (error instanceof StoredDataError) {
    request.log.error({ err: error, code: error.code }, 'stored data is damaged');
    return sendProblem(request, reply, 'damaged', { detail: error.message, code: error.code });
  }
  const disk = diskErrorOf(error);
  if (disk !== undefined) {
    request.log.error({ err: error }, 'the disk of the data folder is in trouble');
    const kind = disk.code === 'disk-full' ? 'insufficient-storage' : 'unavailable';
    return sendProblem(request, reply, kind, { detail: `${disk.message}.`, code: disk.code });
  }
  if (error instanceof FormatError) {
    return sendProblem(request, reply, 'unprocessable', { detail: error.message, code: error.code });
  }
  if (isFrameworkError(error)) {
    if (error.validation !== undefined) {
      const where = error.validationContext ?? 'request';
      const errors = error.validation.slice(0, 16).map((e) => ({
        in: where,
        pointer: e.instancePath,
        detail: e.message ?? 'does not fit',
      }));
      return sendProblem(request, reply, 'invalid-parameters', { errors });
    }
    const known = FRAMEWORK[error.code];
    if (known !== undefined) return sendProblem(request, reply, known[0], { detail: known[1] });
    if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
      return sendProblem(request, reply, kindOfStatus(error.statusCode));
    }
  }
  request.log.error({ err: error }, 'request failed');
  return sendProblem(request, reply, 'internal', {
    detail: `The log has more under request id ${request.id}.`,
  });
}

/** Fastify's codes and a few libraries' statuses; anything that is not an Error has none. */
function isFrameworkError(error: unknown): error is FastifyError {
  return error instanceof Error && ('statusCode' in error || 'code' in error || 'validation' in error);
}

function kindOfStatus(status: number): ProblemKind {
  for (const [kind, entry] of Object.entries(PROBLEMS)) {
    if (entry.status === status) return kind as ProblemKind;
  }
  return 'malformed';
}

function pathOf(url: string): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}
