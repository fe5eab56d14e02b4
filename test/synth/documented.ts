/**
 * Holds a service to its OpenAPI document (docs/openapi.json): every answer that a test gets, by `inject` or over a socket, must
 * have a status, a type and a body that the document describes. What is not documented fails the test.
 */

import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ErrorObject, Ajv2020 as Validator } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { InjectOptions } from 'fastify';
import { API_PREFIX, type App } from '../../src/server/http/shared/context.ts';

type Response = { readonly content?: Readonly<Record<string, { readonly schema: object }>> };
type Operation = { readonly responses: Readonly<Record<string, Response>> };
type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> };

/** An answer as it left the service. `body` is undefined where it did not end: a stream of events. */
export type Answer = {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly type: string | undefined;
  readonly body: string | undefined;
};

const KEY = 'openapi';
const document: Document & Record<string, unknown> = JSON.parse(
  readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'),
);
const validator = new Validator({ strict: false });
formats.default(validator);
validator.addFormat('binary', true);
validator.addSchema(document, KEY);

/** What of an answer is not as documented; undefined: nothing, or it is no address of the API. */
export function undocumented(answer: Answer): string | undefined {
  const path = pathOf(answer.url);
  if (path === undefined) return undefined;
  const found = describe(path, answer.method);
  if (found === undefined) {
    if (answer.status < 400) return 'no such operation';
    return answer.method === 'HEAD' && answer.body === '' ? undefined : misfit(answer, PROBLEM);
  }
  const [pointer, operation] = found;
  const range = `${Math.floor(answer.status / 100)}XX`;
  const key = [String(answer.status), range].find((each) => operation.responses[each] !== undefined);
  const response = operation.responses[key ?? ''];
  if (key === undefined || response === undefined) return `status ${answer.status} is not documented`;
  // HEAD has the fields of the answer and none of its body.
  if (answer.method === 'HEAD') return answer.body === '' ? undefined : 'a body';
  if (response.content === undefined)
    return answer.body === '' ? undefined : 'a body, where none is documented';
  const [type = ''] = (answer.type ?? '').split(';');
  if (response.content[type] === undefined) return `type ${type} is not documented for ${key}`;
  return misfit(answer, `${KEY}#${pointer}/responses/${key}/content/${pointerPart(type)}/schema`);
}

const PROBLEM = `${KEY}#/components/schemas/Problem`;

function misfit({ type = '', body }: Answer, pointer: string): string | undefined {
  if (body === undefined) return undefined;
  const validate = validator.getSchema(pointer);
  if (validate === undefined) return `there is no ${pointer}`;
  if (validate(/json(;|$)/.test(type) ? JSON.parse(body) : body)) return undefined;
  return (validate.errors ?? []).slice(0, 8).map(errorText).join('\n');
}

function errorText({ instancePath, message, params }: ErrorObject): string {
  return `${instancePath || '/'} ${message} ${JSON.stringify(params)}`;
}

/** An address of the API; `/healthz` and `/version` are served at the root as well. */
function pathOf(url: string): string | undefined {
  const [path = ''] = url.replace(/^https?:\/\/[^/]+/, '').split('?');
  if (path === '/healthz' || path === '/version') return `${API_PREFIX}${path}`;
  return path.startsWith(`${API_PREFIX}/`) ? path : undefined;
}

/** The operation of an address, and a JSON pointer to it. Words before parameters: `/images/import` is no image. */
function describe(path: string, method: string): [pointer: string, Operation] | undefined {
  const parts = path.split('/');
  const templates = Object.keys(document.paths)
    .map((template) => ({ template, pattern: template.split('/') }))
    .filter(({ pattern }) => pattern.length === parts.length)
    .filter(({ pattern }) => pattern.every((part, i) => isParameter(part) || part === parts[i]))
    .sort((a, b) => a.pattern.filter(isParameter).length - b.pattern.filter(isParameter).length);
  for (const { template } of templates) {
    const methods = document.paths[template] ?? {};
    const name = method.toLowerCase();
    // A GET answers HEAD, too.
    const key = name === 'head' && methods.head === undefined ? 'get' : name;
    const operation = methods[key];
    if (operation !== undefined) return [`/paths/${pointerPart(template)}/${key}`, operation];
  }
  return undefined;
}

function isParameter(part: string): boolean {
  return part.startsWith('{');
}

function textOf(header: unknown): string | undefined {
  return typeof header === 'string' ? header : undefined;
}

/** A key as a part of a JSON pointer in a URI. */
function pointerPart(key: string): string {
  return encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** A failure of an answer over a socket comes out when the service is closed. */
export function holdToDocument(app: App): void {
  const failures: string[] = [];
  const say = (answer: Answer, wrong: string): string =>
    `${answer.method} ${answer.url} answers ${answer.status}, not as docs/openapi.json says: ${wrong}`;

  const inject = app.inject.bind(app);
  const checked = async (options: InjectOptions | string) => {
    const reply = await inject(options);
    const { method = 'GET', url = '' } = typeof options === 'string' ? { url: options } : options;
    const answer: Answer = {
      method: method.toUpperCase(),
      url: typeof url === 'string' ? url : (url.pathname ?? ''),
      status: reply.statusCode,
      type: textOf(reply.headers['content-type']),
      body: reply.payload,
    };
    const wrong = undocumented(answer);
    if (wrong !== undefined) throw new Error(say(answer, wrong));
    return reply;
  };

  app.server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const pieces: Uint8Array[] = [];
    const keep = (piece: unknown): void => {
      if (typeof piece === 'string' || piece instanceof Uint8Array) pieces.push(Buffer.from(piece));
    };
    const { write, end, writeHead } = response;
    let type: string | undefined;
    response.writeHead = ((...args: Parameters<typeof writeHead>) => {
      // Node keeps no fields that are set with the head alone.
      for (const [name, value] of Object.entries(args.at(-1) ?? {}))
        if (name.toLowerCase() === 'content-type') type = textOf(value);
      return writeHead.apply(response, args);
    }) as typeof writeHead;
    response.write = ((...args: Parameters<typeof write>) => {
      keep(args[0]);
      return write.apply(response, args);
    }) as typeof write;
    response.end = ((...args: Parameters<typeof end>) => {
      keep(args[0]);
      return end.apply(response, args);
    }) as typeof end;
    response.on('close', () => {
      if (!response.headersSent) return;
      const answer: Answer = {
        method: request.method ?? '',
        url: request.url ?? '',
        status: response.statusCode,
        type: textOf(response.getHeader('content-type')) ?? type,
        // Node sends no body for HEAD, whatever it is given.
        body:
          request.method === 'HEAD'
            ? ''
            : response.writableFinished
              ? Buffer.concat(pieces).toString('utf8')
              : undefined,
      };
      const wrong = undocumented(answer);
      if (wrong !== undefined) failures.push(say(answer, wrong));
    });
  });

  const close = app.close.bind(app);
  const closed = async (): Promise<undefined> => {
    await close();
    if (failures.length > 0) throw new Error(failures.join('\n'));
  };
  Object.assign(app, { inject: checked, close: closed });
}
