/** Serves traces of captures, and of kexecs and restarts: whole, in part, or for Perfetto. */

import { type Static, Type } from 'typebox';
import { defined } from '../../../base/defined.ts';
import type { Operation } from '../../../panic/contract/index.ts';
import { unjudgedRules } from '../../../panic/rules/index.ts';
import type { RuleResult, StoredTrace, TraceBound } from '../../../panic/trace/index.ts';
import { formatTrace, queryTrace, TRACE_FORMATS, upgradeTrace } from '../../../panic/trace/index.ts';
import { IdParams, ProblemRef, RuleList, TraceAnswer } from '../schemas/index.ts';
import type { App, RouteContext } from '../shared/context.ts';
import { ProblemError } from '../shared/problem.ts';

const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 10_000;

const bound = Type.String({
  pattern: '^(t[0-4]|[0-9]{1,15})$',
  description: 'An instruction count of the partition, or an instant such as `t1`',
});

const traceQuery = Type.Object(
  {
    format: Type.Optional(
      Type.Enum(TRACE_FORMATS, { description: '`perfetto`: the Trace Event Format; the default is `json`' }),
    ),
    cpu: Type.Optional(
      Type.String({
        pattern: '^(-1|[0-9]{1,4})(,(-1|[0-9]{1,4})){0,63}$',
        description: 'Events of these CPUs alone: logical indexes with commas; -1 is devices',
      }),
    ),
    kind: Type.Optional(
      Type.String({
        pattern: '^[a-z-]{1,32}(,[a-z-]{1,32}){0,31}$',
        description: 'Events of these kinds alone, with commas',
      }),
    ),
    from: Type.Optional(bound),
    to: Type.Optional(bound),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_LIMIT,
        description: `At most so many events; ${DEFAULT_LIMIT} where a part is asked for`,
      }),
    ),
    cursor: Type.Optional(
      Type.String({ pattern: '^[0-9]{1,15}$', description: '`next` of the page before' }),
    ),
  },
  { additionalProperties: false },
);
type Query = Static<typeof traceQuery>;

const VERSIONS =
  'Without parameters: the trace as it was stored, version 2, or version 1 from an earlier release. With parameters: version 2.';
/** Every answer of these routes is a text already: a serializer made from the schema of a trace would cost every start. */
const asText = () => (data: unknown) => String(data);
const answers = { 200: TraceAnswer, '4xx': ProblemRef };

export function registerTraceRoutes(app: App, { captures, operations }: RouteContext): void {
  const serveTrace = (what: {
    readonly path: string;
    readonly tag: string;
    readonly summary: string;
    readonly none: string;
    readonly find: (id: string) => Promise<string | null>;
  }): void => {
    app.get(
      what.path,
      {
        config: { access: 'view' },
        schema: {
          tags: [what.tag],
          summary: what.summary,
          description: VERSIONS,
          params: IdParams,
          querystring: traceQuery,
          response: answers,
        },
        serializerCompiler: asText,
      },
      async ({ params, query }, reply) => {
        const text = await what.find(params.id);
        if (text === null) throw new ProblemError('not-found', what.none);
        return reply
          .type('application/json; charset=utf-8')
          .headers(dispositionOf(params.id, query))
          .send(answerOf(text, query));
      },
    );
  };
  serveTrace({
    path: '/captures/:id/trace',
    tag: 'captures',
    summary: 'The trace of the handoff, whole or in part',
    none: 'This crash ended before its trace began.',
    find: (id) => captures.trace(id),
  });
  serveTrace({
    path: '/operations/:id/trace',
    tag: 'operations',
    summary: 'The trace of a kexec or a restart, whole or in part',
    none: 'This operation has no trace.',
    find: (id) => operations.trace(id),
  });

  app.get(
    '/operations/:id/rules',
    {
      config: { access: 'view' },
      schema: {
        tags: ['operations'],
        summary: 'The verdict of each rule on a kexec or a restart',
        description: 'Every rule, also where there is no trace; none for operations of other kinds.',
        params: IdParams,
        response: { 200: RuleList, '4xx': ProblemRef },
      },
    },
    async ({ params }) => {
      const operation = await operations.get(params.id);
      const text = await operations.trace(params.id);
      return { items: text === null ? withoutTrace(operation) : (JSON.parse(text) as StoredTrace).rules };
    },
  );
}

/** A crash's rules are its capture's, and what does not leave a kernel has none. */
function withoutTrace({ kind, state, error }: Operation): readonly RuleResult[] {
  if (kind !== 'kexec' && kind !== 'restart') return [];
  // Of one that was done something was recorded.
  if (state === 'succeeded') return unjudgedRules('its trace is not kept any more');
  return unjudgedRules(state === 'queued' || state === 'running' ? 'it has not ended' : error?.message);
}

/**
 * The whole trace is the stored text, byte for byte and in the version in which it was stored. A part of it, and the
 * Trace Event Format, are made from version 2.
 */
function answerOf(text: string, query: Query): string {
  const { format = 'json', cpu, kind, from, to, limit, cursor } = query;
  const isPaged = limit !== undefined || cursor !== undefined;
  const isPart = isPaged || [cpu, kind, from, to].some((each) => each !== undefined);
  if (format === 'json' && !isPart) return text;
  if (format !== 'json' && isPaged)
    throw new ProblemError(
      'unprocessable',
      'Pages are of the format json alone: leave limit and cursor out.',
    );
  const part = queryTrace(upgradeTrace(JSON.parse(text) as StoredTrace), {
    ...defined({
      cpus: cpu?.split(',').map(Number),
      kinds: kind?.split(','),
      from: from === undefined ? undefined : boundOf(from),
      to: to === undefined ? undefined : boundOf(to),
      after: cursor === undefined ? undefined : Number(cursor),
    }),
    limit: limit ?? (format === 'json' ? DEFAULT_LIMIT : Number.POSITIVE_INFINITY),
  });
  return formatTrace(part, format);
}

function boundOf(text: string): TraceBound {
  switch (text) {
    case 't0':
    case 't1':
    case 't2':
    case 't3':
    case 't4':
      return text;
    default:
      return Number(text);
  }
}

/** A browser is to save what is for another program. */
function dispositionOf(id: string, { format }: Query): Readonly<Record<string, string>> {
  return format === 'perfetto' ? { 'content-disposition': `attachment; filename="${id}-perfetto.json"` } : {};
}
