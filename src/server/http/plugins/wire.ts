/**
 * Refuses what is wrong with a request as HTTP itself, before a route sees it, by problem documents: requests that the parser
 * cannot read, connections that stall, CONNECT, foreign versions, and Host and Expect fields that RFC 9110 and 9112 forbid.
 * Node answers some of these with an empty body, and some by closing the connection without an answer.
 */

import { type IncomingMessage, maxHeaderSize, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import type { App } from '../shared/context.ts';
import {
  buildProblem,
  PROBLEM_TYPE,
  type Problem,
  ProblemError,
  type ProblemKind,
} from '../shared/problem.ts';

/** How long a broken connection may take to finish the answers to the requests that came before. */
const FINISH_MS = 5_000;

/** Answers that a connection may owe: a packet has room for a thousand requests, and each would be begun at once. */
const MAX_OWED = 16;

/** Codes of Node's parser and of its server; any other is `malformed`. */
const PARSER_REFUSALS: Readonly<Record<string, ProblemKind>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'too-large',
  HPE_INVALID_VERSION: 'version-not-supported',
  ERR_HTTP_REQUEST_TIMEOUT: 'timeout',
};

type ParserError = { readonly code?: string; readonly rawPacket?: unknown };

/** Follows the answers that each connection still owes, so that a refusal never lands inside another answer's body. */
export class Wire {
  readonly #owed = new WeakMap<Duplex, Set<ServerResponse>>();

  /** Must be called before guards and routes are registered. */
  register(app: App): void {
    app.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const owed = this.#owed.get(request.socket) ?? new Set();
      this.#owed.set(request.socket, owed.add(response));
      response.once('close', () => owed.delete(response));
    });
    app.server.on('checkExpectation', (_request, response: ServerResponse) => {
      const problem = buildProblem('expectation-failed', { detail: 'Only 100-continue is understood.' });
      const body = JSON.stringify(problem);
      response
        .writeHead(problem.status, {
          'content-type': PROBLEM_TYPE,
          'content-length': Buffer.byteLength(body),
        })
        .end(body);
    });
    app.server.on('connect', (_request, socket: Duplex) => {
      this.#refuse(socket, buildProblem('method-not-allowed', { detail: 'This is no proxy.' }));
    });
    app.addHook('onRequest', async (request, reply) => {
      // No protocol is changed to. Node 26.12 answers nothing to a broken request that follows on such a connection.
      if (request.raw.headers.upgrade !== undefined) reply.header('connection', 'close');
      checkHead(request);
      if ((this.#owed.get(request.raw.socket)?.size ?? 0) > MAX_OWED)
        throw new ProblemError(
          'too-many-requests',
          `More than ${MAX_OWED} requests of the connection wait for their answers.`,
          { ...CLOSE, 'retry-after': '1' },
        );
    });
  }

  /** Answers what the parser refused; fastify's `clientErrorHandler`. */
  readonly refuseUnparsed = (error: ParserError, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else this.#refuse(socket, buildProblem(kindOf(error)));
  };

  /** Ends the connection with a problem, after the answers that it owes to requests that came whole. */
  #refuse(socket: Duplex, problem: Problem): void {
    const owed = [...(this.#owed.get(socket) ?? [])];
    const earlier = owed.filter(({ req }) => req.complete);
    // The problem is the answer to the request that broke, unless that one has an answer already.
    const isAnswered = owed.some(({ req, headersSent }) => !req.complete && headersSent);
    const end = (): void => {
      if (socket.writable && !isAnswered) socket.end(rawAnswer(problem));
      else socket.destroy();
    };
    if (earlier.length === 0) {
      end();
      return;
    }
    const timer = setTimeout(() => socket.destroy(), FINISH_MS).unref();
    let left = earlier.length;
    for (const response of earlier)
      response.once('close', () => {
        left -= 1;
        if (left > 0) return;
        clearTimeout(timer);
        end();
      });
  }
}

function kindOf({ code = '', rawPacket }: ParserError): ProblemKind {
  const kind = PARSER_REFUSALS[code] ?? 'malformed';
  const packet = Buffer.isBuffer(rawPacket) ? rawPacket.toString('latin1') : '';
  // The parser has these codes for other mistakes as well.
  if (kind === 'version-not-supported' && !FOREIGN_VERSION.test(packet)) return 'malformed';
  if (kind === 'headers-too-large' && isLongLine(packet)) return 'uri-too-long';
  return kind;
}

const FOREIGN_VERSION = /^[A-Z]+ \S+ HTTP\/(?!1\.[01]\r)[0-9]+\.[0-9]+\r/;

/** Whether a packet begins with a request line that alone is more than the parser takes. */
function isLongLine(packet: string): boolean {
  const end = packet.indexOf('\n');
  return /^[A-Z]{3,16} \S/.test(packet) && (end < 0 || end >= maxHeaderSize);
}

function rawAnswer(problem: Problem): string {
  const body = JSON.stringify(problem);
  return `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
}

/** Host as RFC 9110 §7.2 has it: a name, an IPv4 address or a bracketed IPv6 address, and perhaps a port. */
const HOST = /^(\[[0-9A-Fa-f:.]{2,64}\]|[A-Za-z0-9._~!$&'()*+,;=%-]{1,255})(:[0-9]{0,5})?$/;

/** @throws ProblemError */
function checkHead({ raw }: FastifyRequest): void {
  const { httpVersionMajor: major, httpVersionMinor: minor, headers } = raw;
  // The parser takes HTTP/0.9 and HTTP/2.0 in this form, too. 0.9 has no status line by which it could be refused.
  if (major !== 1)
    throw new ProblemError('version-not-supported', 'HTTP/1.1 and HTTP/1.0 are served here.', CLOSE);
  // RFC 9112 §3.2: HTTP/1.1 without one Host field, or any request with several or with a bad one.
  const hosts = raw.rawHeaders.filter((_, i, all) => i % 2 === 1 && all[i - 1]?.toLowerCase() === 'host');
  if (hosts.length > 1 || (hosts.length === 0 && minor > 0))
    throw new ProblemError('malformed', 'A request has one Host field.', CLOSE);
  if (hosts[0] !== undefined && !HOST.test(hosts[0]))
    throw new ProblemError('malformed', 'The Host field is no host name.', CLOSE);
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked')
    throw new ProblemError('malformed', 'No transfer coding but chunked is understood.', CLOSE);
}

/** What follows on the connection cannot be trusted. */
const CLOSE = { connection: 'close' } as const;
