/** Events of a trace, version 2 (docs/trace.md, whose table of kinds and fields a test holds to these). */

import { type TObject, type TUnsafe, Type } from 'typebox';
import { HCALL_NAMES, type HcallName } from '../../../emulator/contract/index.ts';
import type {
  TraceEvent as NamedEvent,
  Mark as NamedMark,
  MoreEvents as NamedMore,
  TraceEventKind,
} from '../../../panic/trace/index.ts';
import {
  EVENT_KINDS,
  FUNCTIONS,
  KERNEL_PLACES,
  SEGMENT_ROLES,
  SINGLE_PLACES,
} from '../../../panic/trace/index.ts';
import { exactly } from './exact.ts';
import { refer } from './refer.ts';
import { closed, count, cpuIndex, hex64, hexBytes } from './scalars.ts';

export const Mark: TUnsafe<NamedMark> = exactly<NamedMark>()(
  Type.Union(
    [
      Type.Object(
        { at: Type.Enum(SINGLE_PLACES) },
        { ...closed, description: 'A place of which there is one' },
      ),
      Type.Object(
        { at: Type.Literal('note'), cpu: count },
        { ...closed, description: 'The first word of the note that holds the registers of a CPU' },
      ),
      Type.Object(
        { at: Type.Literal('segment'), role: Type.Enum(SEGMENT_ROLES) },
        { ...closed, description: 'An instruction in a segment of the image' },
      ),
      Type.Object(
        { at: Type.Literal('copy'), role: Type.Enum(SEGMENT_ROLES) },
        { ...closed, description: 'The first doubleword of a segment' },
      ),
      Type.Object(
        { at: Type.Literal('function'), name: Type.Enum(FUNCTIONS), in: Type.Enum(KERNEL_PLACES) },
        { ...closed, description: 'The first instruction of a function' },
      ),
    ],
    { description: 'A watched place' },
  ),
);
const mark = refer<NamedMark>('Mark');

const common = {
  n: Type.Integer({ minimum: 0, description: 'Counts the events of a trace from 0' }),
  cpu: cpuIndex,
  insn: Type.Integer({ minimum: 0, description: "The partition's instruction count when it happened" }),
  tb: Type.String({ pattern: '^0x[0-9a-f]{16}$', description: 'The timebase' }),
  text: Type.String({ description: 'For people; programs read the other fields' }),
};
const place = {
  addr: hex64,
  symbol: Type.Optional(Type.String({ description: 'The name of what lies there, with an offset' })),
};
const cpuRegisters = Type.Object({ msr: hex64, r3: hex64 }, closed);
const hcallName = Type.Unsafe<HcallName>({ type: 'string', enum: [...HCALL_NAMES] });

const fetch = Type.Object(
  {
    kind: Type.Literal('fetch'),
    ...common,
    ...place,
    mark,
    raddr: hex64,
    regs: Type.Object(
      { r1: hex64, r3: hex64, r4: hex64, r5: hex64, r6: hex64, lr: hex64, msr: hex64 },
      closed,
    ),
  },
  {
    ...closed,
    description:
      'An instruction at a watched place was executed. `addr` is its effective address, `raddr` its real address',
  },
);
const store = Type.Object(
  {
    kind: Type.Literal('store'),
    ...common,
    addr: hex64,
    mark,
    length: count,
    old: Type.Optional(hexBytes),
    new: Type.Optional(hexBytes),
    symbol: place.symbol,
    regs: Type.Optional(Type.Object({ nia: hex64, r3: hex64 }, closed)),
  },
  {
    ...closed,
    description:
      'Bytes of a watched place were written. `addr` is their real address; `old` and `new` are memory before and after, at most the first 256 bytes; `regs` is the instruction that wrote, absent for a device or the machine itself',
  },
);
const msr = Type.Object(
  {
    kind: Type.Literal('msr'),
    ...common,
    ...place,
    regs: Type.Object({ before: hex64, after: hex64, r3: Type.Optional(hex64) }, closed),
  },
  { ...closed, description: 'MSR[IR] or MSR[DR] changed. `addr` is the instruction that changed it' },
);
const hcall = Type.Object(
  {
    kind: Type.Literal('hcall'),
    ...common,
    ...place,
    name: Type.Optional(hcallName),
    opcode: count,
    regs: Type.Object({ r4: hex64, r5: hex64, r6: hex64, r7: hex64, r8: hex64 }, closed),
    status: Type.Optional(hex64),
  },
  {
    ...closed,
    description:
      'A hypercall. `name` is absent where the machine does not know the opcode, `status` where the call did not return',
  },
);
const rtas = Type.Object(
  {
    kind: Type.Literal('rtas'),
    ...common,
    name: Type.String(),
    args: Type.Array(count),
    message: Type.Optional(Type.String({ description: 'What the guest says by ibm,os-term' })),
  },
  { ...closed, description: 'An RTAS call' },
);
const interrupt = Type.Object(
  {
    kind: Type.Literal('interrupt'),
    ...common,
    ...place,
    vector: count,
    requestedBy: Type.Optional(Type.Enum(['outside', 'guest'])),
    regs: Type.Object({ srr0: hex64, srr1: hex64, r1: hex64, dar: hex64, dsisr: hex64 }, closed),
  },
  {
    ...closed,
    description:
      'An interrupt was taken: system reset, machine check or program; in real mode a storage or segment interrupt as well. `addr` is the vector, `symbol` the code that was interrupted. `requestedBy` says whether the operator or the guest requested a system reset',
  },
);
const eoi = Type.Object(
  {
    kind: Type.Literal('eoi'),
    ...common,
    controller: Type.Enum(['xics', 'xive']),
    source: count,
    cppr: Type.Optional(count),
  },
  {
    ...closed,
    description: 'A CPU ended an interrupt. `cppr` is the priority that an EOI of XICS restores',
  },
);
const syscall = Type.Object(
  {
    kind: Type.Literal('syscall'),
    ...common,
    ...place,
    name: Type.Literal('kexec_load'),
    entry: hex64,
    flags: hex64,
    segments: Type.Optional(Type.Array(Type.Object({ mem: hex64, memsz: count, bufsz: count }, closed))),
  },
  {
    ...closed,
    description: 'A system call was made. `segments` is absent where its list could not be read',
  },
);
const syscallReturn = Type.Object(
  {
    kind: Type.Literal('syscall-return'),
    ...common,
    ...place,
    name: Type.Literal('kexec_load'),
    result: Type.String({ description: '`ok`, or the name of the errno' }),
    regs: Type.Object({ r3: hex64 }, closed),
  },
  { ...closed, description: 'A system call returned' },
);
const reset = Type.Object(
  { kind: Type.Literal('reset'), ...common },
  { ...closed, description: 'The operator sent a system reset to the CPU' },
);
const run = Type.Object(
  {
    kind: Type.Literal('run'),
    ...common,
    ...place,
    change: Type.Enum(['started', 'stopped', 'system reset']),
    regs: cpuRegisters,
  },
  { ...closed, description: 'The state of a CPU changed. `addr` is its next instruction' },
);
const census = Type.Object(
  {
    kind: Type.Literal('census'),
    ...common,
    ...place,
    state: Type.Enum(['stopped', 'running', 'ceded', 'parked', 'wedged']),
    regs: cpuRegisters,
  },
  {
    ...closed,
    description:
      'The state of each other CPU when crash kexec begins, and when the image is entered. `addr` is its next instruction',
  },
);
const disk = Type.Object(
  {
    kind: Type.Literal('disk'),
    ...common,
    write: Type.Enum(['first', 'last']),
    disk: count,
    offset: count,
    length: count,
  },
  { ...closed, description: 'The guest wrote to a disk for the first time, or for the last time' },
);
const fault = Type.Object(
  {
    kind: Type.Literal('fault'),
    ...common,
    name: Type.String(),
    damage: Type.Union([
      Type.Object({ kind: Type.Literal('flip'), raddr: hex64, old: count, new: count }, closed),
      Type.Object({ kind: Type.Literal('wedge'), addr: hex64, msr: hex64, r1: hex64 }, closed),
    ]),
  },
  { ...closed, description: 'Damage that was asked for was done' },
);

/** Each kind by name, for the table of docs/trace.md. */
export const EVENT_SCHEMAS: Readonly<Record<TraceEventKind, TObject>> = {
  fetch,
  store,
  msr,
  hcall,
  rtas,
  interrupt,
  eoi,
  syscall,
  'syscall-return': syscallReturn,
  reset,
  run,
  census,
  disk,
  fault,
};

export const TraceEvent: TUnsafe<NamedEvent> = exactly<NamedEvent>()(
  Type.Union([
    fetch,
    store,
    msr,
    hcall,
    rtas,
    interrupt,
    eoi,
    syscall,
    syscallReturn,
    reset,
    run,
    census,
    disk,
    fault,
  ]),
);

export const MoreEvents: TUnsafe<NamedMore> = exactly<NamedMore>()(
  Type.Object(
    {
      cpu: cpuIndex,
      kind: Type.Optional(Type.Unsafe<TraceEventKind>({ type: 'string', enum: [...EVENT_KINDS] })),
      mark: Type.Optional(mark),
      name: Type.Optional(Type.String({ description: 'The call, where the kind has one' })),
      count,
      since: Type.Optional(
        Type.Integer({
          minimum: 0,
          description: 'Instruction count at the first of them, where it is known',
        }),
      ),
    },
    closed,
  ),
);
