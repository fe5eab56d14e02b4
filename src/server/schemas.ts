/**
 * The shapes of REST v1 as typebox schemas: they check requests, shape answers and make the OpenAPI document.
 * Shapes that src/panic/contract.ts and ports.ts already name are held to those types at compile time (`Agrees`
 * below), so that neither can move alone.
 */

import { type Static, type TObject, type TSchema, type TString, type TUnsafe, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import {
  CAPTURE_PHASES,
  type Capture,
  type CapturePhase,
  FAULT_INSTANTS,
  type Fault,
  FLIP_TARGETS,
  type LeaveRequest,
  type Operation,
  type PanicRequest,
  type PartitionRequest,
  type PartitionView,
  type RuleResult,
  type Trace,
} from '../panic/contract.ts';
import type { Health, HealthCheck, ImageImport, ImageView, Page, ScheduleView } from './ports.ts';
import type { Problem } from './problem.ts';

const closed = { additionalProperties: false } as const;
const hex64 = Type.String({ pattern: '^0x[0-9a-f]{16}$', description: '64-bit value' });
const sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const when = Type.String({ format: 'date-time' });
const count = Type.Integer({ minimum: 0 });

/** An id or name in an address: never a path, never longer than a file name. */
const IDENTIFIER = '^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$';
export const IdText: TString = Type.String({ pattern: IDENTIFIER, maxLength: 64 });
export const IdParams: TObject<{ id: TString }> = Type.Object({ id: IdText });
export const NameParams: TObject<{ name: TString }> = Type.Object({ name: IdText });

/** Command lines go to the guest as they are; control characters would end them early. */
const printable = { pattern: '^[^\\u0000-\\u001f\\u007f]*$', maxLength: 2048 };

const processor = Type.Enum(['power8', 'power9']);
const mmu = Type.Enum(['hash', 'radix']);

const partitionRequest = Type.Object(
  {
    name: Type.Optional(IdText),
    image: IdText,
    processor: Type.Optional(processor),
    mmu: Type.Optional(mmu),
    cpus: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
    memory: Type.Optional(
      Type.String({
        pattern: '^[0-9][0-9A-Fa-fxKMG,@]{0,255}$',
        description: 'Sizes with K, M or G; ranges with @: `1G`, `64M,16M@4G`',
      }),
    ),
    append: Type.Optional(
      Type.String({ ...printable, description: "Added to the production kernel's command line" }),
    ),
    crashAppend: Type.Optional(
      Type.String({ ...printable, description: "Added to the crash kernel's command line" }),
    ),
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
    loader: Type.Optional(
      Type.Enum(['stock', 'own'], {
        description: 'Who plans what kexec_load is given: kexec-tools in the guest, or the service',
      }),
    ),
    refuseSysReset: Type.Optional(
      Type.Boolean({ description: 'H_SIGNAL_SYS_RESET answers H_Function: CPUs are stopped by interrupts' }),
    ),
  },
  closed,
);

const faultAt = Type.Optional(
  Type.Enum(FAULT_INSTANTS, { description: 'When it is done; `trigger` unless told' }),
);
const fault = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('flip'),
      of: Type.Enum(FLIP_TARGETS),
      offset: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
      at: faultAt,
    },
    { ...closed, description: 'A byte is inverted' },
  ),
  Type.Object(
    { kind: Type.Literal('wedge'), cpu: Type.Integer({ minimum: 0, maximum: 2047 }), at: faultAt },
    { ...closed, description: 'A CPU hangs and takes no interrupt' },
  ),
]);

const panicRequest = Type.Object(
  {
    trigger: Type.Enum(['sysrq', 'nmi', 'panic', 'echo']),
    onCpu: Type.Optional(Type.Integer({ minimum: 0, maximum: 2047, description: 'Logical index' })),
    dump: Type.String({
      pattern: '^(raw|-[A-Za-z0-9 ,._=/-]{1,255})$',
      description: '`raw`, or makedumpfile options such as `-l -d 31`',
    }),
    timeoutSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400 })),
    faults: Type.Optional(Type.Array(fault, { maxItems: 64, description: 'Injected on purpose' })),
  },
  closed,
);

const imageImport = Type.Object(
  {
    kind: Type.Enum(['debian']),
    name: Type.Optional(IdText),
    kernel: Type.Optional(Type.String({ pattern: '^[0-9][A-Za-z0-9.+~-]{0,63}$' })),
  },
  closed,
);

const partition = Type.Object({
  id: Type.String(),
  name: Type.String(),
  image: Type.String(),
  state: Type.Enum(['stopped', 'starting', 'ready', 'busy', 'crashed', 'failed']),
  reason: Type.Optional(Type.String()),
  processor,
  mmu,
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
const leaveRequest = Type.Object(
  {
    timeoutSeconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 86_400, description: 'Guest seconds until it must be done' }),
    ),
  },
  closed,
);

const image = Type.Object({
  name: Type.String(),
  kind: Type.Enum(['debian', 'files', 'built-in']),
  state: Type.Enum(['importing', 'ready', 'failed']),
  detail: Type.Optional(Type.String()),
  kernelRelease: Type.Optional(Type.String()),
  append: Type.Optional(Type.String()),
  files: Type.Array(Type.Object({ role: Type.String(), bytes: count, sha256 })),
});

const healthCheck = Type.Object({
  name: Type.String(),
  ok: Type.Boolean(),
  degraded: Type.Optional(
    Type.Boolean({ description: 'Not ok, but the service does its work with what is left' }),
  ),
  detail: Type.Optional(Type.String()),
  partitions: Type.Optional(
    Type.Array(
      Type.Object({
        id: Type.Optional(Type.String({ description: 'Absent: it could not be made' })),
        name: Type.String(),
        image: Type.String(),
        state: Type.Enum(['missing', 'failed', 'starting']),
        reason: Type.String(),
      }),
      { description: 'The partitions that are not up, and why' },
    ),
  ),
});

const health = Type.Object({
  ready: Type.Boolean({ description: 'Every check is ok or degraded' }),
  status: Type.Enum(['ok', 'degraded', 'unavailable']),
  checks: Type.Array(healthCheck),
});

const schedule = Type.Object({
  id: Type.String(),
  cron: Type.String({ description: 'Minute hour day month weekday, in UTC' }),
  next: Type.Optional(when),
  firings: Type.Array(
    Type.Object({
      fireTime: when,
      state: Type.Enum(['running', 'succeeded', 'failed', 'missed']),
      endedAt: Type.Optional(when),
      error: Type.Optional(Type.String()),
    }),
  ),
});

const problem = Type.Object(
  {
    type: Type.String({ description: '`urn:kdumpd:problem:` and a kind from docs/api.md' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.Optional(Type.String()),
    instance: Type.Optional(Type.String()),
    requestId: Type.Optional(Type.String()),
    code: Type.Optional(Type.String()),
    errors: Type.Optional(
      Type.Array(Type.Object({ in: Type.String(), pointer: Type.String(), detail: Type.String() })),
    ),
  },
  { description: 'RFC 9457 problem details' },
);

type DeepReadonly<T> = T extends readonly (infer U)[]
  ? readonly DeepReadonly<U>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;
type Agrees<Named, S extends TSchema> = [Named] extends [DeepReadonly<Static<S>>]
  ? [DeepReadonly<Static<S>>] extends [Named]
    ? true
    : false
  : false;
/** Fails to compile when a schema and its named type part. */
const agreements: readonly true[] = [
  true satisfies Agrees<PartitionRequest, typeof partitionRequest>,
  true satisfies Agrees<Fault, typeof fault>,
  true satisfies Agrees<PanicRequest, typeof panicRequest>,
  true satisfies Agrees<LeaveRequest, typeof leaveRequest>,
  true satisfies Agrees<ImageImport, typeof imageImport>,
  true satisfies Agrees<PartitionView, typeof partition>,
  true satisfies Agrees<Operation, typeof operation>,
  true satisfies Agrees<Capture, typeof capture>,
  true satisfies Agrees<RuleResult, typeof rule>,
  true satisfies Agrees<Trace, typeof trace>,
  true satisfies Agrees<ImageView, typeof image>,
  true satisfies Agrees<HealthCheck, typeof healthCheck>,
  true satisfies Agrees<Health, typeof health>,
  true satisfies Agrees<ScheduleView, typeof schedule>,
  true satisfies Agrees<Problem, typeof problem>,
];
void agreements;

export const PartitionRequestSchema: TUnsafe<PartitionRequest> =
  Type.Unsafe<PartitionRequest>(partitionRequest);
export const PanicRequestSchema: TUnsafe<PanicRequest> = Type.Unsafe<PanicRequest>(panicRequest);
export const LeaveRequestSchema: TUnsafe<LeaveRequest> = Type.Unsafe<LeaveRequest>(leaveRequest);
export const ImageImportSchema: TUnsafe<ImageImport> = Type.Unsafe<ImageImport>(imageImport);

/** Answers by name; {@link refer} points at one. Requests are not here: their checker follows no references. */
export const NAMED_SCHEMAS: Readonly<Record<string, TSchema>> = {
  Partition: partition,
  Operation: operation,
  Capture: capture,
  Rule: rule,
  Trace: trace,
  Image: image,
  Health: health,
  Schedule: schedule,
  Problem: problem,
};

function refer<T>(name: keyof typeof NAMED_SCHEMAS & string): TUnsafe<T> {
  return Type.Unsafe<T>({ $ref: `${name}#` });
}

/** Console bytes: text mostly, but whatever the guest wrote. */
export const RawText: TUnsafe<Buffer> = Type.Unsafe<Buffer>({ type: 'string' });

function pageOf<T>(items: TSchema): TUnsafe<Page<T>> {
  return Type.Unsafe<Page<T>>(
    Type.Object({
      items: Type.Array(items),
      next: Type.Optional(Type.String({ description: 'Cursor of the next page; absent on the last' })),
    }),
  );
}

export const PartitionRef: TUnsafe<PartitionView> = refer('Partition');
export const PartitionList: TUnsafe<{ readonly items: readonly PartitionView[] }> = pageOf(
  refer('Partition'),
);
export const OperationRef: TUnsafe<Operation> = refer('Operation');
export const OperationPage: TUnsafe<Page<Operation>> = pageOf(refer('Operation'));
export const CaptureRef: TUnsafe<Capture> = refer('Capture');
export const CapturePage: TUnsafe<Page<Capture>> = pageOf(refer('Capture'));
export const RuleList: TUnsafe<{ readonly items: readonly RuleResult[] }> = pageOf(refer('Rule'));
/** Sent as a text: as it is stored, or as a part of it, where `next` continues. */
export const TraceAnswer: TUnsafe<string> = Type.Unsafe<string>({
  anyOf: [
    { $ref: 'Trace#' },
    Type.Object(
      {
        traceEvents: Type.Array(Type.Object({}, { additionalProperties: true })),
        displayTimeUnit: Type.String(),
        otherData: Type.Object({}, { additionalProperties: true }),
      },
      { description: 'Trace Event Format, where `format` is `perfetto`' },
    ),
  ],
});
export const ImageRef: TUnsafe<ImageView> = refer('Image');
export const ImageList: TUnsafe<{ readonly items: readonly ImageView[] }> = pageOf(refer('Image'));
export const ScheduleList: TUnsafe<{ readonly items: readonly ScheduleView[] }> = pageOf(refer('Schedule'));
export const ProblemRef: TUnsafe<Problem> = refer('Problem');

export const HealthRef: TUnsafe<Health> = refer('Health');

const requestCheck = Compile(partitionRequest);

/** What is wrong with a partition's request, field first; undefined: nothing. */
export function partitionRequestProblem(value: unknown): string | undefined {
  if (requestCheck.Check(value)) return undefined;
  const [first] = requestCheck.Errors(value).filter(({ keyword }) => keyword !== 'boolean');
  return first === undefined ? 'it does not fit its schema' : `${first.instancePath} ${first.message}`.trim();
}
