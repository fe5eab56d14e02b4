/** What every answer must be, whatever was asked. */

import { PROBLEMS } from '../../../src/server/http/shared/problem.ts';
import { undocumented } from '../../synth/documented.ts';
import type { WireAnswer } from './connection.ts';

export type Asked = { readonly method: string; readonly url: string };

/** Text of a stack, of this repository or of a folder of the host. */
const INSIDE = /\bat [\w.<>]{1,100} \(|node_modules|\/src\/|\bE(NOENT|ACCES|ISDIR|NOTDIR|EXIST|PERM)\b/;

/**
 * What is wrong with an answer; undefined: nothing. `asked` is absent where the bytes that were sent need not be a request.
 * @param folders of the host, which no answer may name
 */
export function wrongWith(
  answer: WireAnswer,
  asked: Asked | undefined,
  folders: readonly string[],
): string | undefined {
  const { status, fields, body } = answer;
  const type = fields.get('content-type') ?? '';
  const text = body?.toString('utf8') ?? '';
  if (status >= 500 && !isExpected(answer, asked)) return `status ${status}`;
  if (status >= 400 && !isHealth(asked)) {
    if (type !== 'application/problem+json; charset=utf-8') return `an error of type ${JSON.stringify(type)}`;
    const wrong = asked?.method === 'HEAD' ? undefined : wrongProblem(text, status);
    if (wrong !== undefined) return wrong;
  }
  if (asked !== undefined && fields.get('x-request-id') === undefined && status < 400) return 'no request id';
  if (!type.startsWith('application/octet-stream')) {
    if (type.includes('json') && INSIDE.test(text))
      return `the inside of the service: ${INSIDE.exec(text)?.[0]}`;
    const folder = folders.find((each) => text.includes(each));
    if (folder !== undefined) return `it names ${folder}`;
  }
  if (asked === undefined || asked.url.startsWith('http:')) return undefined;
  // A fragment has no business in a request; what is before it counts.
  const [url = ''] = asked.url.split('#');
  return undocumented({
    method: asked.method,
    url,
    status,
    type,
    body: body === undefined ? undefined : text,
  });
}

/** `/healthz` says by its status that the fleet is not up. */
function isHealth(asked: Asked | undefined): boolean {
  return asked !== undefined && /^(\/api\/v1)?\/healthz(\?|$)/.test(asked.url);
}

/** 503 of health, 507 of a full disk; another version of HTTP can only be in bytes that were damaged. */
function isExpected({ status }: WireAnswer, asked: Asked | undefined): boolean {
  return status === 507 || (status === 503 && isHealth(asked)) || (status === 505 && asked === undefined);
}

function wrongProblem(text: string, status: number): string | undefined {
  let problem: { readonly type?: unknown; readonly status?: unknown; readonly title?: unknown };
  try {
    problem = JSON.parse(text);
  } catch {
    return `a problem that is no JSON: ${text.slice(0, 200)}`;
  }
  const kind = Object.entries(PROBLEMS).find(([name]) => problem.type === `urn:kdumpd:problem:${name}`);
  if (kind === undefined) return `a problem of an unknown type: ${String(problem.type)}`;
  const [, { status: its, title }] = kind;
  return its === status && problem.status === status && problem.title === title
    ? undefined
    : `a problem of status ${its} in an answer of ${status}`;
}
