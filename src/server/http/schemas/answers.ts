/** What the service shows of its fleet: partitions, operations, captures, traces, images. */

import { type TSchema, Type } from 'typebox';
import type { Capture, CapturePhase, Operation, PartitionView } from '../../../panic/contract/index.ts';
import { CAPTURE_PHASES } from '../../../panic/contract/index.ts';
import type { RuleResult, Trace } from '../../../panic/trace/index.ts';
import type { ImageView } from '../shared/ports.ts';
import type { Agrees } from './agrees.ts';
import { count, hex64, sha256, when } from './scalars.ts';

const partition = Type.Object({
  id: Type.String(),
  name: Type.String(),
  image: Type.String(),
  state: Type.Enum(['stopped', 'starting', 'ready', 'busy', 'crashed', 'failed']),
  reason: Type.Optional(Type.String()),
  processor: Type.Enum(['power8', 'power9']),
  mmu: Type.Enum(['hash', 'radix']),
  firmware: Type.Enum(['flat', 'open-firmware']),
  interrupts: Type.Enum(['xics', 'xive']),
  diskBus: Type.Enum(['virtio', 'vscsi']),
  cpus: count,
  memoryBytes: count,
  instructions: count,
  crashes: count,
});

const operation = Type.Object({
  id: Type.String(),
  kind: Type.Enum(['panic', 'kexec', 'restart', 'start', 'stop', 'reset', 'import']),
  state: Type.Enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
  phase: Type.String(),
  partitionId: Type.Optional(Type.String()),
  captureId: Type.Optional(Type.String()),
  traced: Type.Optional(Type.Literal(true, { description: 'It left a trace: `/operations/:id/trace`' })),
  error: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() })),
  createdAt: when,
  updatedAt: when,
});

const vmcore = Type.Object({
  bytes: count,
  format: Type.Enum(['elf', 'kdump-compressed', 'flattened']),
  sha256,
  incomplete: Type.Optional(Type.Boolean({ description: 'The dump ends early' })),
});

const capture = Type.Object({
  id: Type.String(),
  partitionId: Type.String(),
  image: Type.String(),
  outcome: Type.Enum(['captured', 'failed']),
  phase: Type.Unsafe<CapturePhase>({ type: 'string', enum: [...CAPTURE_PHASES] }),
  reason: Type.Optional(Type.String()),
  signature: Type.Optional(Type.String({ description: 'The same for the same crash: a hash of `cause`' })),
  cause: Type.Optional(
    Type.Object({
      reason: Type.String({ description: 'What was given to panic() or die(); numbers are `#`' }),
      backtrace: Type.Array(Type.String(), { description: 'Functions, innermost first' }),
    }),
  ),
  vmcore: Type.Union([vmcore, Type.Null()]),
  rules: Type.Object({ held: count, broken: count, notReached: count, notApplicable: count }),
  createdAt: when,
});

const rule = Type.Object({
  name: Type.String(),
  verdict: Type.Enum(['held', 'broken', 'not-reached', 'not-applicable', 'not-evaluated']),
  evidence: Type.Optional(Type.Array(count, { description: 'Numbers of events of the trace' })),
  note: Type.Optional(Type.String()),
});

const instant = Type.Object({ event: count, insn: count, tb: hex64, cpu: count });
const trace = Type.Object({
  version: Type.Literal(1),
  machine: Type.Object({
    processor: Type.String(),
    mmu: Type.String(),
    cpus: Type.Array(Type.Object({ index: count, hardwareId: count })),
  }),
  image: Type.Record(Type.String(), Type.Unknown()),
  instants: Type.Object({
    t0: Type.Optional(instant),
    t1: Type.Optional(instant),
    t2: Type.Optional(instant),
    t3: Type.Optional(instant),
    t4: Type.Optional(instant),
  }),
  events: Type.Array(
    Type.Object({
      n: count,
      cpu: count,
      insn: count,
      tb: hex64,
      kind: Type.String(),
      addr: Type.Optional(hex64),
      symbol: Type.Optional(Type.String()),
      regs: Type.Optional(Type.Record(Type.String(), hex64)),
      detail: Type.Optional(Type.String()),
    }),
  ),
  rules: Type.Array(rule),
});

const image = Type.Object({
  name: Type.String(),
  kind: Type.Enum(['debian', 'files', 'built-in']),
  state: Type.Enum(['importing', 'ready', 'failed']),
  detail: Type.Optional(Type.String()),
  kernelRelease: Type.Optional(Type.String()),
  append: Type.Optional(Type.String()),
  files: Type.Array(Type.Object({ role: Type.String(), bytes: count, sha256 })),
});

const agreements: readonly true[] = [
  true satisfies Agrees<PartitionView, typeof partition>,
  true satisfies Agrees<Operation, typeof operation>,
  true satisfies Agrees<Capture, typeof capture>,
  true satisfies Agrees<RuleResult, typeof rule>,
  true satisfies Agrees<Trace, typeof trace>,
  true satisfies Agrees<ImageView, typeof image>,
];
void agreements;

export const FLEET_ANSWERS: Readonly<
  Record<'Partition' | 'Operation' | 'Capture' | 'Rule' | 'Trace' | 'Image', TSchema>
> = {
  Partition: partition,
  Operation: operation,
  Capture: capture,
  Rule: rule,
  Trace: trace,
  Image: image,
};
