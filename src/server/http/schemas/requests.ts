/** What a client may ask for. Every request is closed: a field that nobody knows is refused. */

import { type TUnsafe, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Fault, LeaveRequest, PanicRequest, PartitionRequest } from '../../../panic/contract/index.ts';
import { FAULT_INSTANTS, FLIP_TARGETS, MAXIMUM_CPUS } from '../../../panic/contract/index.ts';
import type { ImageImport } from '../shared/ports.ts';
import type { Agrees } from './agrees.ts';
import { closed, IdText } from './scalars.ts';

/** Command lines go to the guest as they are; control characters would end them early. */
const printable = { pattern: '^[^\\u0000-\\u001f\\u007f]*$', maxLength: 2048 };

const partitionRequest = Type.Object(
  {
    name: Type.Optional(IdText),
    image: IdText,
    processor: Type.Optional(Type.Enum(['power8', 'power9'])),
    mmu: Type.Optional(Type.Enum(['hash', 'radix'])),
    firmware: Type.Optional(
      Type.Enum(['flat', 'open-firmware'], {
        description: 'How the kernel is entered: with a flattened tree, or with a client interface',
      }),
    ),
    interrupts: Type.Optional(
      Type.Enum(['xics', 'xive'], { description: 'The interrupt controller; POWER8 has XICS alone' }),
    ),
    diskBus: Type.Optional(Type.Enum(['virtio', 'vscsi'], { description: 'How disks are attached' })),
    cpus: Type.Optional(Type.Integer({ minimum: 1, maximum: MAXIMUM_CPUS })),
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
    {
      kind: Type.Literal('wedge'),
      cpu: Type.Integer({ minimum: 0, maximum: MAXIMUM_CPUS - 1 }),
      at: faultAt,
    },
    { ...closed, description: 'A CPU hangs and takes no interrupt' },
  ),
]);

const panicRequest = Type.Object(
  {
    trigger: Type.Enum(['sysrq', 'nmi', 'panic', 'echo']),
    onCpu: Type.Optional(
      Type.Integer({ minimum: 0, maximum: MAXIMUM_CPUS - 1, description: 'Logical index' }),
    ),
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

const leaveRequest = Type.Object(
  {
    timeoutSeconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 86_400, description: 'Guest seconds until it must be done' }),
    ),
  },
  closed,
);

const agreements: readonly true[] = [
  true satisfies Agrees<PartitionRequest, typeof partitionRequest>,
  true satisfies Agrees<Fault, typeof fault>,
  true satisfies Agrees<PanicRequest, typeof panicRequest>,
  true satisfies Agrees<LeaveRequest, typeof leaveRequest>,
  true satisfies Agrees<ImageImport, typeof imageImport>,
];
void agreements;

export const PartitionRequestSchema: TUnsafe<PartitionRequest> =
  Type.Unsafe<PartitionRequest>(partitionRequest);
export const PanicRequestSchema: TUnsafe<PanicRequest> = Type.Unsafe<PanicRequest>(panicRequest);
export const LeaveRequestSchema: TUnsafe<LeaveRequest> = Type.Unsafe<LeaveRequest>(leaveRequest);
export const ImageImportSchema: TUnsafe<ImageImport> = Type.Unsafe<ImageImport>(imageImport);

const requestCheck = Compile(partitionRequest);

/** What is wrong with a partition's request, field first; undefined: nothing. */
export function partitionRequestProblem(value: unknown): string | undefined {
  if (requestCheck.Check(value)) return undefined;
  const [first] = requestCheck.Errors(value).filter(({ keyword }) => keyword !== 'boolean');
  return first === undefined ? 'it does not fit its schema' : `${first.instancePath} ${first.message}`.trim();
}
