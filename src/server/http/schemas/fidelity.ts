/** Memory, dump and image compared with what the emulator saw (docs/fidelity.md). */

import { type TUnsafe, Type } from 'typebox';
import type {
  FidelityReport,
  HandoverReport,
  LivePages,
  InstantFacts as NamedInstantFacts,
  PageCounts,
  RegisterFact,
  WriterFact,
} from '../../../panic/trace/index.ts';
import { SEGMENT_ROLES } from '../../../panic/trace/index.ts';
import { exactly } from './exact.ts';
import { closed, count, cpuIndex, hex64 } from './scalars.ts';

const writer = exactly<WriterFact>()(
  Type.Object(
    {
      by: Type.Enum(['cpu', 'device', 'hypervisor', 'fault']),
      cpu: cpuIndex,
      nia: hex64,
      symbol: Type.Optional(Type.String()),
      insn: count,
      last: Type.Optional(Type.Object({ cpu: cpuIndex, nia: hex64, insn: count }, closed)),
    },
    closed,
  ),
);
const change = Type.Object(
  {
    raddr: hex64,
    bytes: count,
    span: Type.Optional(count),
    owner: Type.Enum(['reservation', 'low-64k', 'rtas', 'hypervisor', 'production', 'unexplained']),
    writer: Type.Optional(writer),
  },
  closed,
);
const byKind = Type.Object(
  {
    zero: Type.Optional(count),
    cache: Type.Optional(count),
    private: Type.Optional(count),
    user: Type.Optional(count),
    free: Type.Optional(count),
    poisoned: Type.Optional(count),
    offline: Type.Optional(count),
  },
  closed,
);
const livePages = exactly<LivePages>()(
  Type.Object(
    {
      pages: count,
      image: Type.Optional(Type.Object({ pages: count, of: count }, closed)),
      beyondLevel: byKind,
      ranges: Type.Array(Type.Object({ raddr: hex64, bytes: count }, closed)),
      symbolCount: count,
      symbols: Type.Array(Type.String()),
    },
    { ...closed, description: 'Left out by the filter although the kernel used them; absent: none' },
  ),
);
const pages = exactly<PageCounts>()(
  Type.Object(
    {
      total: count,
      equal: count,
      fromBackup: count,
      reservation: count,
      filtered: Type.Object(
        {
          zero: count,
          cache: count,
          private: count,
          user: count,
          free: count,
          poisoned: count,
          offline: Type.Optional(count),
          unknown: count,
        },
        closed,
      ),
      kindsKnown: Type.Boolean(),
      kindsUnknown: Type.Optional(Type.String()),
      level: Type.Optional(count),
      live: Type.Optional(livePages),
      kept: Type.Optional(byKind),
      zeroOnce: Type.Optional(count),
      unowned: Type.Optional(count),
      differingPages: count,
      differing: Type.Array(change),
      missing: count,
      missingRanges: Type.Array(Type.Object({ raddr: hex64, bytes: count }, closed)),
    },
    { ...closed, description: 'Pages of 4 KiB; absent: there is no dump' },
  ),
);
const registers = exactly<RegisterFact>()(
  Type.Object(
    {
      cpu: count,
      source: Type.Enum(['system-reset', 'ipi', 'fault', 'save', 'missing', 'unseen']),
      differing: Type.Array(Type.String()),
    },
    closed,
  ),
);

export const Fidelity: TUnsafe<FidelityReport> = exactly<FidelityReport>()(
  Type.Object(
    {
      pages: Type.Optional(pages),
      tool: Type.Optional(Type.Object({ original: count, excluded: byKind, remaining: count }, closed)),
      registers: Type.Optional(Type.Array(registers)),
      changedBeforeT1: Type.Array(change),
      changedPagesBeforeT1: count,
      changedAfterT1: Type.Array(change),
      changedPagesAfterT1: Type.Object(
        { reservation: count, 'low-64k': count, rtas: count, hypervisor: count, unexplained: count },
        closed,
      ),
      intoReservation: Type.Optional(
        Type.Array(Type.Object({ raddr: hex64, writer, changed: Type.Boolean() }, closed)),
      ),
      problems: Type.Array(Type.String()),
    },
    closed,
  ),
);

const role = Type.Enum(SEGMENT_ROLES);
export const Handover: TUnsafe<HandoverReport> = exactly<HandoverReport>()(
  Type.Object(
    {
      segments: Type.Array(
        Type.Object(
          { role, mem: hex64, pages: count, asLoadedAtT1: count, asLoadedAtT2: Type.Optional(count) },
          closed,
        ),
      ),
      notAsLoaded: Type.Array(Type.Object({ raddr: hex64, role }, closed)),
      changed: Type.Optional(
        Type.Array(
          Type.Object(
            {
              raddr: hex64,
              bytes: count,
              span: Type.Optional(count),
              place: Type.Enum([...SEGMENT_ROLES, 'low-64k', 'rtas', 'hypervisor', 'elsewhere']),
              writer,
            },
            closed,
          ),
        ),
      ),
      changedPlaces: Type.Optional(count),
    },
    closed,
  ),
);

export const InstantFacts: TUnsafe<NamedInstantFacts> = exactly<NamedInstantFacts>()(
  Type.Object(
    {
      cpus: Type.Array(
        Type.Object(
          { index: count, state: Type.String(), nia: hex64, msr: hex64, r1: hex64, r3: hex64 },
          closed,
        ),
      ),
      interrupts: Type.Array(
        Type.Object(
          {
            cpu: count,
            xisr: hex64,
            mfrr: count,
            cppr: count,
            unfinished: Type.Boolean(),
            inService: Type.Array(Type.String()),
            pending: Type.Array(Type.String()),
          },
          closed,
        ),
      ),
      hashTable: Type.Optional(
        Type.Object({ valid: count, hypervisor: count, sample: Type.Array(Type.String()) }, closed),
      ),
      hypervisor: Type.Object(
        {
          vpas: Type.Array(
            Type.Object(
              {
                cpu: count,
                kind: Type.Enum(['vpa', 'slb-shadow', 'dispatch-log']),
                raddr: hex64,
                bytes: count,
              },
              closed,
            ),
          ),
          queues: Type.Optional(
            Type.Array(Type.Object({ cpu: cpuIndex, priority: count, raddr: hex64, bytes: count }, closed)),
          ),
          crqs: count,
          tces: count,
          inFlight: count,
        },
        closed,
      ),
    },
    closed,
  ),
);
