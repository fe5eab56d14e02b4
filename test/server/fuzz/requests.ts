/** Requests from a grammar and a seed: right ones, ones with some of it wrong, and bytes that are hardly HTTP. */

import type { Dice } from './dice.ts';
import type { Parameter, RestOperation, Schema } from './grammar.ts';
import {
  CONTENT_TYPES,
  FIELDS,
  HOSTILE_IDS,
  HOSTILE_JSON,
  HOSTILE_TEXTS,
  METHODS,
  TOKENS,
} from './hostile-values.ts';

/** A request as it goes over the wire. */
export type WireRequest = { readonly method: string; readonly url: string; readonly bytes: Buffer };

/** What is there to be asked for: ids and cursors from earlier answers. */
export type Known = {
  readonly partitions: readonly string[];
  readonly operations: readonly string[];
  readonly captures: readonly string[];
  readonly images: readonly string[];
  readonly cursors: readonly string[];
  readonly tags: readonly string[];
};

/** Values that fit the patterns of the document, by the name of their field. */
const SAMPLES: Readonly<Record<string, readonly string[]>> = {
  name: ['n1', 'n2', 'a.b_c+d-e'],
  image: ['debian', 'debian', 'debian', 'nope'],
  memory: ['128M', '1G', '64M,16M@4G', '1', '99999G', '0', '1@,'],
  append: ['quiet', 'a=b c', ''],
  crashAppend: ['quiet'],
  dump: ['raw', '-l -d 31', '-F', '-'],
  kernel: ['6.1.0-50-powerpc64le', '1'],
  text: ['ls\r', '\u000fc', 'x'.repeat(300), '\u0000', '💥'],
  cpu: ['0', '0,1', '-1'],
  kind: ['fetch', 'fetch,store', 'nothing'],
  from: ['t0', '5'],
  to: ['t4', '999999999'],
  signature: ['0123456789abcdef'],
};

export class RequestMaker {
  readonly #dice: Dice;
  readonly #grammar: readonly RestOperation[];

  constructor(dice: Dice, grammar: readonly RestOperation[]) {
    this.#dice = dice;
    this.#grammar = grammar;
  }

  /** One that follows the grammar, with some of it wrong. */
  request(known: Known): WireRequest {
    const dice = this.#dice;
    const operation = dice.pick(this.#grammar);
    const method = dice.chance(0.08) ? dice.pick(METHODS) : operation.method;
    const url = this.#url(operation, known);
    const fields: [string, string][] = [
      ['Host', dice.chance(0.02) ? dice.pick(['x', 'evil.example', '[::1]:1']) : '127.0.0.1'],
    ];
    for (const parameter of operation.parameters)
      if (parameter.in === 'header' && dice.chance(0.3))
        fields.push([parameter.name, this.#text(parameter, known)]);
    while (dice.chance(0.25)) {
      const name = dice.pick(Object.keys(FIELDS));
      const isTag = /^if-(range|match|none-match)$/.test(name) && known.tags.length > 0 && dice.chance(0.6);
      fields.push([name, isTag ? dice.pick(known.tags) : dice.pick(FIELDS[name] ?? [''])]);
    }
    const body = this.#body(operation, method);
    if (body !== undefined)
      fields.push(...(body.type === undefined ? [] : [['Content-Type', body.type] as [string, string]]));
    return {
      method,
      url,
      bytes: wire(method, url, fields, body?.bytes, body !== undefined && dice.chance(0.2)),
    };
  }

  /** The bytes of a request, damaged. */
  garbage(known: Known): Buffer {
    const dice = this.#dice;
    let bytes = this.request(known).bytes;
    // A HEAD would make it unknown where its answer ends.
    while (bytes.subarray(0, 4).toString('latin1') === 'HEAD') bytes = this.request(known).bytes;
    if (bytes.length > 4000) bytes = bytes.subarray(0, 4000);
    for (let changes = 1 + dice.below(4); changes > 0; changes--) bytes = this.#damage(bytes);
    return bytes;
  }

  #damage(bytes: Buffer): Buffer {
    const dice = this.#dice;
    const at = dice.below(bytes.length + 1);
    const end = Math.min(bytes.length, at + 1 + dice.below(20));
    const [before, cut, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
    switch (dice.below(6)) {
      case 0:
        return Buffer.concat([before, Buffer.from([dice.below(256)]), bytes.subarray(at + 1)]);
      case 1:
        return Buffer.concat([before, after]);
      case 2:
        return Buffer.concat([before, cut, cut, after]);
      case 3:
        return Buffer.from(before);
      case 4:
        return Buffer.concat([before, Buffer.from(Array.from({ length: 8 }, () => dice.below(256))), after]);
      default:
        return Buffer.concat([before, Buffer.from(dice.pick(TOKENS), 'latin1'), bytes.subarray(at)]);
    }
  }

  #url({ method, path, parameters }: RestOperation, known: Known): string {
    const dice = this.#dice;
    let url = path.replace(/\{(\w+)\}/g, () => this.#id(method, path, known));
    const query = parameters
      .filter((parameter) => parameter.in === 'query' && dice.chance(0.35))
      .map((parameter) => `${parameter.name}=${encodeURIComponent(this.#text(parameter, known))}`);
    if (dice.chance(0.05))
      query.push(
        `${dice.pick(['x', '__proto__', 'limit', 'cursor', '%00', ''])}=${dice.pick(['1', '', '%zz', '%ff'])}`,
      );
    if (query.length > 0 && dice.chance(0.05)) query.push(query[0] ?? '');
    if (query.length > 0) url += `?${query.join('&')}`;
    if (!dice.chance(0.04)) return url;
    return dice.pick([
      `/${url}`,
      `${url}/`,
      url.toUpperCase(),
      `${url}#x`,
      `http://127.0.0.1${url}`,
      url.slice(7),
      `${url}?`,
      `/api/v2${url}`,
      '*',
      '/',
      '/docs',
      '/docs/json',
      '/healthz',
      '/version',
    ]);
  }

  #id(method: string, path: string, known: Known): string {
    const dice = this.#dice;
    // Few are taken away, so that there is something to ask for.
    if (method === 'DELETE' && dice.chance(0.8)) return 'nobody';
    if (dice.chance(0.15)) return dice.pick(HOSTILE_IDS);
    const kind = /^\/api\/v1\/(\w+)/.exec(path)?.[1];
    const ids =
      kind === 'partitions' || kind === 'operations' || kind === 'captures' || kind === 'images'
        ? known[kind]
        : [];
    return ids.length > 0 && dice.chance(0.95) ? dice.pick(ids) : 'nobody';
  }

  #text({ name, schema }: Parameter, known: Known): string {
    const dice = this.#dice;
    if (dice.chance(0.25)) return dice.pick(HOSTILE_TEXTS);
    if (name === 'cursor' && known.cursors.length > 0) return dice.pick(known.cursors);
    if (name === 'partitionId') return dice.pick([...known.partitions, 'nobody']);
    const field = FIELDS[name];
    if (field !== undefined) return dice.pick(field);
    return this.#value(name, schema).replace(/^"|"$/g, '');
  }

  /** A body, or none. */
  #body(
    { bodies }: RestOperation,
    method: string,
  ): { readonly type?: string; readonly bytes: Buffer } | undefined {
    const dice = this.#dice;
    const types = Object.keys(bodies);
    if (types.length === 0 ? !dice.chance(method === 'GET' ? 0.01 : 0.1) : dice.chance(0.1)) return undefined;
    const right = types.length === 0 ? 'application/json' : dice.pick(types);
    const type = dice.chance(0.08) ? dice.pick(CONTENT_TYPES) : dice.chance(0.02) ? undefined : right;
    const schema = bodies[right] ?? bodies['application/json'] ?? {};
    const text = right === 'application/json' ? this.#value('', schema) : dice.pick(SAMPLES.text ?? ['']);
    const bytes = Buffer.from(text, dice.chance(0.02) ? 'latin1' : 'utf8');
    if (dice.chance(0.02)) bytes.fill(0xff, 0, Math.min(2, bytes.length));
    return type === undefined ? { bytes } : { type, bytes };
  }

  /** Raw JSON for a schema, right most of the time. */
  #value(name: string, schema: Schema): string {
    const dice = this.#dice;
    if (dice.chance(0.04)) return dice.pick(HOSTILE_JSON);
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices !== undefined) return this.#value(name, dice.pick(choices));
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum !== undefined) return JSON.stringify(dice.pick(schema.enum));
    switch (schema.type) {
      case 'object':
        return this.#object(schema);
      case 'array':
        return `[${Array.from({ length: dice.below(3) }, () => this.#value('', schema.items ?? {})).join(',')}]`;
      case 'integer': {
        const { minimum = 0, maximum = 100 } = schema;
        return String(
          dice.pick([
            minimum,
            maximum,
            minimum + 1,
            minimum + dice.below(Math.min(64, maximum - minimum) + 1),
          ]),
        );
      }
      case 'boolean':
        return dice.pick(['true', 'false']);
      case 'string':
        return JSON.stringify(
          dice.chance(0.1) ? dice.pick(HOSTILE_TEXTS) : dice.pick(SAMPLES[name] ?? ['x', 'raw', '1']),
        );
      default:
        return dice.pick(HOSTILE_JSON);
    }
  }

  #object({ properties = {}, required = [] }: Schema): string {
    const dice = this.#dice;
    const members = Object.entries(properties)
      .filter(([name]) => (required.includes(name) ? !dice.chance(0.03) : dice.chance(0.25)))
      .map(([name, schema]) => `${JSON.stringify(name)}:${this.#value(name, schema)}`);
    if (dice.chance(0.03))
      members.push(`${dice.pick(['"x"', '"__proto__"', '"constructor"', '""'])}:${dice.pick(HOSTILE_JSON)}`);
    if (members.length > 0 && dice.chance(0.03)) members.push(members[0] ?? '');
    return `{${members.join(',')}}`;
  }
}

function wire(
  method: string,
  url: string,
  fields: readonly (readonly [string, string])[],
  body: Buffer | undefined,
  isChunked: boolean,
): Buffer {
  const lines = [`${method} ${url} HTTP/1.1`, ...fields.map(([name, value]) => `${name}: ${value}`)];
  if (body === undefined) return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  lines.push(isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`);
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (!isChunked) return Buffer.concat([head, body]);
  const half = body.length >> 1;
  const chunks = [body.subarray(0, half), body.subarray(half)].filter(({ length }) => length > 0);
  const framed = chunks.flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)}\r\n`),
    chunk,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([head, ...framed, Buffer.from('0\r\n\r\n')]);
}
