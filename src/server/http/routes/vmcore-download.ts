/**
 * Serves the vmcore as the guest wrote it, whole or in ranges: RFC 9110 §13 and §14, RFC 9530 (Repr-Digest).
 * Answers are not compressed: ranges and digests are of the vmcore's own bytes.
 * The first piece is read before the answer begins: damage there is a problem. Damage further on ends the connection before
 * Content-Length is reached.
 */

import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { IdParams, ProblemRef } from '../schemas/index.ts';
import type { App, RouteContext } from '../shared/context.ts';
import type { VmcoreSource } from '../shared/ports.ts';
import { ProblemError } from '../shared/problem.ts';
import { type ByteRange, judgeConditions, parseRange } from '../shared/range.ts';

const tags = ['captures'];
const OCTETS = 'application/octet-stream';
const binary = Type.String({ format: 'binary' });

type Download = FastifyRequest<{ Params: { id: string } }>;

export function registerVmcoreRoutes(app: App, { captures, downloads }: RouteContext): void {
  const find = async (id: string): Promise<VmcoreSource> => {
    const source = await captures.vmcore(id);
    if (source === null) throw new ProblemError('not-found', 'This crash left no vmcore.');
    return source;
  };

  app.get<{ Params: { id: string } }>(
    '/captures/:id/vmcore',
    {
      config: { access: 'download', audit: 'capture.download' },
      exposeHeadRoute: false,
      schema: {
        tags,
        summary: 'Downloads the vmcore as the guest wrote it',
        description:
          'Takes Range (several too), If-Range, If-Match and If-None-Match; the ETag is the SHA-256. A dump cut short is named `vmcore-incomplete`.',
        params: IdParams,
        response: {
          200: { description: 'The whole vmcore', content: { [OCTETS]: { schema: binary } } },
          206: {
            description: 'Ranges of it',
            content: { [OCTETS]: { schema: binary }, 'multipart/byteranges': { schema: binary } },
          },
          304: Type.Null({ description: 'If-None-Match names it' }),
          '4xx': ProblemRef,
        },
      },
    },
    async (request, reply) => {
      downloads.add(request, reply);
      return await sendVmcore(request, reply, await find(request.params.id));
    },
  );

  app.head<{ Params: { id: string } }>(
    '/captures/:id/vmcore',
    {
      config: { access: 'download' },
      schema: {
        tags,
        summary: 'What a download would say, without the bytes',
        params: IdParams,
        response: {
          200: Type.Null({ description: 'As the download, without the bytes' }),
          304: Type.Null({ description: 'If-None-Match names it' }),
        },
      },
    },
    async (request, reply) => {
      const source = await find(request.params.id);
      const { verdict } = judge(request, source);
      if (verdict === 'failed') throw new ProblemError('precondition-failed', undefined, describe(source));
      reply.headers(describe(source));
      if (verdict === 'not-modified') return reply.code(304).send();
      return reply.type(OCTETS).header('content-length', String(source.bytes)).send();
    },
  );
}

async function sendVmcore(
  request: Download,
  reply: FastifyReply,
  source: VmcoreSource,
): Promise<FastifyReply> {
  const { verdict, rangeCounts } = judge(request, source);
  const fields = describe(source);
  if (verdict === 'failed') throw new ProblemError('precondition-failed', undefined, fields);
  if (verdict === 'not-modified') return reply.headers(fields).code(304).send();

  const answer = parseRange(rangeCounts ? request.headers.range : undefined, source.bytes);
  switch (answer.kind) {
    case 'unsatisfiable':
      throw new ProblemError('range-not-satisfiable', undefined, {
        'content-range': `bytes */${source.bytes}`,
      });
    case 'whole':
      return sendBytes(reply, source, { start: 0, end: source.bytes }, 200, fields);
    case 'ranges': {
      const [first] = answer.ranges;
      if (first !== undefined && answer.ranges.length === 1) {
        const range = { 'content-range': contentRange(first, source) };
        return sendBytes(reply, source, first, 206, { ...fields, ...range });
      }
      return sendParts(reply, source, answer.ranges, fields);
    }
  }
}

async function sendBytes(
  reply: FastifyReply,
  source: VmcoreSource,
  range: ByteRange,
  status: 200 | 206,
  fields: Readonly<Record<string, string>>,
): Promise<FastifyReply> {
  const body = await begun(source.read(range.start, range.end));
  return reply
    .code(status)
    .headers(fields)
    .type(OCTETS)
    .header('content-length', String(range.end - range.start))
    .send(Readable.from(body, { objectMode: false }));
}

async function sendParts(
  reply: FastifyReply,
  source: VmcoreSource,
  ranges: readonly ByteRange[],
  fields: Readonly<Record<string, string>>,
): Promise<FastifyReply> {
  const boundary = `kdumpd-${randomBytes(18).toString('hex')}`;
  const heads = ranges.map((range) =>
    Buffer.from(
      `\r\n--${boundary}\r\ncontent-type: ${OCTETS}\r\ncontent-range: ${contentRange(range, source)}\r\n\r\n`,
      'latin1',
    ),
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1');
  const length = ranges.reduce(
    (sum, range, i) => sum + (heads[i]?.length ?? 0) + range.end - range.start,
    tail.length,
  );
  const [{ start, end } = { start: 0, end: 0 }] = ranges;
  const first = await begun(source.read(start, end));

  async function* parts(): AsyncGenerator<Uint8Array> {
    for (const [i, range] of ranges.entries()) {
      yield heads[i] ?? tail;
      yield* i === 0 ? first : source.read(range.start, range.end);
    }
    yield tail;
  }
  return reply
    .code(206)
    .headers(fields)
    .type(`multipart/byteranges; boundary=${boundary}`)
    .header('content-length', String(length))
    .send(Readable.from(parts(), { objectMode: false }));
}

/** The same pieces, of which the first has been read already. @throws what reading it throws */
async function begun(pieces: AsyncIterable<Uint8Array>): Promise<AsyncIterableIterator<Uint8Array>> {
  const reading = pieces[Symbol.asyncIterator]();
  let first: IteratorResult<Uint8Array> | undefined = await reading.next();
  // No generator: one of which nothing was read does not pass its end on.
  const rest: AsyncIterableIterator<Uint8Array> = {
    next: () => {
      const step = first;
      first = undefined;
      return step === undefined ? reading.next() : Promise.resolve(step);
    },
    return: async () => (await reading.return?.()) ?? { done: true, value: undefined },
    [Symbol.asyncIterator]: () => rest,
  };
  return rest;
}

function contentRange(range: ByteRange, source: VmcoreSource): string {
  return `bytes ${range.start}-${range.end - 1}/${source.bytes}`;
}

function judge(request: Download, source: VmcoreSource): ReturnType<typeof judgeConditions> {
  const { headers } = request;
  const ifRange = headers['if-range'];
  return judgeConditions(
    {
      ifMatch: headers['if-match'],
      ifNoneMatch: headers['if-none-match'],
      ifRange: Array.isArray(ifRange) ? ifRange.join(',') : ifRange,
    },
    etagOf(source),
  );
}

function etagOf(source: VmcoreSource): string {
  return `"${source.sha256}"`;
}

/** The fields that describe the representation, for any part of it. */
function describe(source: VmcoreSource): Record<string, string> {
  const name = source.incomplete === true ? 'vmcore-incomplete' : 'vmcore';
  return {
    etag: etagOf(source),
    'accept-ranges': 'bytes',
    'content-disposition': `attachment; filename="${name}"`,
    'cache-control': 'private, no-transform, max-age=31536000, immutable',
    'repr-digest': `sha-256=:${Buffer.from(source.sha256, 'hex').toString('base64')}:`,
    'x-content-sha256': source.sha256,
  };
}
