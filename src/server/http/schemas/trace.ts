/** Traces of both versions (docs/trace.md). */

import { type TUnsafe, Type } from 'typebox';
import type {
  EventV1,
  FidelityReport,
  HandoverReport,
  ImageFacts,
  InstantFacts,
  Trace as Named,
  TraceV1 as NamedV1,
  PerfettoTrace,
  RuleResult,
  TraceEvent,
  TracePart,
} from '../../../panic/trace/index.ts';
import { exactly } from './exact.ts';
import { refer } from './refer.ts';
import { closed, count, cpuIndex, hex64, mmu, processor } from './scalars.ts';
import { MoreEvents } from './trace-event.ts';
import { Unsupported } from './unsupported.ts';

const instant = Type.Optional(Type.Object({ event: count, insn: count, tb: hex64, cpu: cpuIndex }, closed));

/** The head, which both versions have. */
const head = {
  machine: Type.Object(
    {
      processor,
      mmu,
      cpus: Type.Array(
        Type.Object(
          {
            index: count,
            hardwareId: count,
            online: Type.Optional(Type.Boolean({ description: 'It ran when the trigger came' })),
          },
          closed,
        ),
      ),
    },
    closed,
  ),
  image: refer<ImageFacts>('ImageFacts'),
  instants: Type.Object({ t0: instant, t1: instant, t2: instant, t3: instant, t4: instant }, closed),
  records: Type.Optional(
    Type.Object(
      {
        t0: Type.Optional(refer<InstantFacts>('InstantFacts')),
        t1: Type.Optional(refer<InstantFacts>('InstantFacts')),
      },
      closed,
    ),
  ),
  fidelity: Type.Optional(refer<FidelityReport>('Fidelity')),
  handover: Type.Optional(refer<HandoverReport>('Handover')),
  unsupported: Type.Optional(
    Type.Array(Unsupported, {
      description: 'What the guest used since power-on that the machine lacks; absent: nothing',
    }),
  ),
  rules: Type.Array(refer<RuleResult>('Rule')),
};

const trace = {
  version: Type.Literal(2),
  ...head,
  events: Type.Array(refer<TraceEvent>('TraceEvent')),
  more: Type.Optional(
    Type.Array(MoreEvents, { description: 'Events that were seen and not kept; absent: none' }),
  ),
};
/** The stored document is exact; the answer adds the cursor that a part may have. */
exactly<Named>()(Type.Object(trace, closed));

export const Trace: TUnsafe<TracePart> = exactly<TracePart>()(
  Type.Object(
    {
      ...trace,
      next: Type.Optional(
        Type.String({ description: 'Cursor of the next page of a part; absent on the last' }),
      ),
    },
    { ...closed, description: 'Trace version 2' },
  ),
);

const eventV1 = exactly<EventV1>()(
  Type.Object(
    {
      n: count,
      cpu: cpuIndex,
      insn: count,
      tb: hex64,
      kind: Type.String(),
      addr: Type.Optional(hex64),
      symbol: Type.Optional(Type.String()),
      regs: Type.Optional(Type.Record(Type.String(), hex64)),
      detail: Type.Optional(Type.String()),
    },
    closed,
  ),
);

export const TraceV1: TUnsafe<NamedV1> = exactly<NamedV1>()(
  Type.Object(
    { version: Type.Literal(1), ...head, events: Type.Array(eventV1) },
    {
      ...closed,
      description:
        'Trace version 1: only of captures and operations that an earlier release stored, and only whole',
    },
  ),
);

/** The Trace Event Format is Google's; its arguments are of any shape. */
export const Perfetto: TUnsafe<PerfettoTrace> = Type.Unsafe<PerfettoTrace>(
  Type.Object(
    {
      traceEvents: Type.Array(Type.Object({}, { additionalProperties: true })),
      displayTimeUnit: Type.Literal('ns'),
      otherData: Type.Object({}, { additionalProperties: true }),
    },
    { ...closed, description: 'The Trace Event Format, where `format` is `perfetto`' },
  ),
);
