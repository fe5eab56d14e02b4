/** The fidelity report of a capture: the dump and memory against what the emulator saw (docs/fidelity.md). */

import { type TUnsafe, Type } from 'typebox';
import type { FidelityReport, Trace } from '../../../panic/trace/index.ts';
import { IdParams, ProblemRef } from '../schemas/index.ts';
import type { App, RouteContext } from '../shared/context.ts';
import { ProblemError } from '../shared/problem.ts';

const count = Type.Integer({ minimum: 0 });
const hex64 = Type.String({ pattern: '^0x[0-9a-f]{16}$' });
const writer = Type.Object({
  by: Type.Enum(['cpu', 'device', 'hypervisor', 'fault']),
  cpu: Type.Integer({ minimum: -1 }),
  nia: hex64,
  symbol: Type.Optional(Type.String()),
  insn: count,
  last: Type.Optional(Type.Object({ cpu: Type.Integer({ minimum: -1 }), nia: hex64, insn: count })),
});
const change = Type.Object({
  raddr: hex64,
  bytes: count,
  span: Type.Optional(count),
  owner: Type.Enum(['reservation', 'low-64k', 'rtas', 'hypervisor', 'production', 'unexplained']),
  writer: Type.Optional(writer),
});
const report = Type.Object({
  pages: Type.Optional(
    Type.Object(
      {
        total: count,
        equal: count,
        fromBackup: count,
        reservation: count,
        filtered: Type.Record(Type.String(), count),
        kindsKnown: Type.Boolean(),
        differingPages: count,
        differing: Type.Array(change),
        missing: count,
        missingRanges: Type.Array(Type.Object({ raddr: hex64, bytes: count })),
      },
      { description: 'Pages of 4 KiB; absent: there is no dump' },
    ),
  ),
  registers: Type.Optional(
    Type.Array(
      Type.Object({
        cpu: count,
        source: Type.Enum(['system-reset', 'ipi', 'fault', 'save', 'missing', 'unseen']),
        differing: Type.Array(Type.String()),
      }),
    ),
  ),
  changedBeforeT1: Type.Array(change),
  changedPagesBeforeT1: count,
  changedAfterT1: Type.Array(change),
  changedPagesAfterT1: Type.Record(Type.String(), count),
  intoReservation: Type.Optional(Type.Array(Type.Object({ raddr: hex64, writer, changed: Type.Boolean() }))),
  problems: Type.Array(Type.String()),
});

const answer: TUnsafe<FidelityReport> = Type.Unsafe<FidelityReport>(report);

export function registerFidelityRoutes(app: App, { captures }: RouteContext): void {
  app.get(
    '/captures/:id/fidelity',
    {
      schema: {
        tags: ['captures'],
        summary: 'The dump and memory against what the emulator saw',
        params: IdParams,
        response: { 200: answer, '4xx': ProblemRef },
      },
    },
    async ({ params }) => {
      const text = await captures.trace(params.id);
      const found = text === null ? undefined : (JSON.parse(text) as Trace).fidelity;
      if (found === undefined)
        throw new ProblemError('not-found', 'This crash did not get as far as to be compared.');
      return found;
    },
  );
}
