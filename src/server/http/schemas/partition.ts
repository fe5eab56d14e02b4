/** Partitions: what is shown of one, and what a new one is made from. */

import { type TUnsafe, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { PartitionRequest, PartitionView } from '../../../panic/contract/index.ts';
import { MAXIMUM_CPUS } from '../../../panic/contract/index.ts';
import { ActorRef } from './access.ts';
import { exactly } from './exact.ts';
import { closed, count, IdText, mmu, processor } from './scalars.ts';
import { Unsupported } from './unsupported.ts';

export const Partition: TUnsafe<PartitionView> = exactly<PartitionView>()(
  Type.Object(
    {
      id: Type.String(),
      name: Type.String(),
      image: Type.String(),
      state: Type.Enum(['stopped', 'starting', 'ready', 'busy', 'crashed', 'failed']),
      reason: Type.Optional(Type.String()),
      processor,
      mmu,
      firmware: Type.Enum(['flat', 'open-firmware']),
      interrupts: Type.Enum(['xics', 'xive']),
      diskBus: Type.Enum(['virtio', 'vscsi']),
      cpus: count,
      threads: count,
      memoryBytes: count,
      instructions: count,
      crashes: count,
      hostSeconds: Type.Number({
        minimum: 0,
        description:
          'Seconds that its machine has kept a processor of the host busy since the service started',
      }),
      output: Type.Optional(
        Type.Object(
          {
            consoleBytes: count,
            agentBytes: count,
            agentLines: count,
            busyAnswers: count,
            throttledMs: count,
            unsupported: count,
          },
          {
            ...closed,
            description:
              'What the guest has emitted in this power cycle: bytes and lines; times that a terminal was busy because the guest printed too fast; milliseconds that it had to wait until the service had taken its output; uses of what the machine lacks',
          },
        ),
      ),
      unsupported: Type.Optional(
        Type.Array(Unsupported, {
          description: 'What the guest has used since power-on that the machine lacks; absent: nothing',
        }),
      ),
      createdBy: Type.Optional(ActorRef),
    },
    closed,
  ),
);

/** Less than a boot prints is no limit, but a partition that cannot start. */
const printed = { minimum: 4096, maximum: 2 ** 40 };

const size = { pattern: '^(0x[0-9A-Fa-f]{1,12}|[0-9]{1,15})[KMG]?$' };

/** Command lines go to the guest as they are; control characters would end them early. */
const printable = { pattern: '^[^\\u0000-\\u001f\\u007f]*$', maxLength: 2048 };

export const PartitionRequestSchema: TUnsafe<PartitionRequest> = exactly<PartitionRequest>()(
  Type.Object(
    {
      name: Type.Optional(IdText),
      image: IdText,
      processor: Type.Optional(processor),
      mmu: Type.Optional(mmu),
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
      threads: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: MAXIMUM_CPUS,
          description: 'Threads of each core: 1, 2, 4, and 8 on POWER8; a divisor of cpus',
        }),
      ),
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
        Type.Boolean({
          description: 'H_SIGNAL_SYS_RESET answers H_Function: CPUs are stopped by interrupts',
        }),
      ),
      osTerm: Type.Optional(
        Type.Enum(['return', 'end'], {
          description:
            'What ibm,os-term does, which a kernel calls that panicked: it returns, and the guest continues; or it ends the power cycle',
        }),
      ),
      rma: Type.Optional(Type.String({ ...size, description: 'Size of the real-mode area: `256M`' })),
      dumpDevice: Type.Optional(
        Type.String({
          ...size,
          description: 'Size of the dump device: `2G`; all memory and 64 MiB where it is not given',
        }),
      ),
      limits: Type.Optional(
        Type.Object(
          {
            consoleBytes: Type.Optional(
              Type.Integer({
                ...printed,
                description: 'Bytes that the guest may print on its console before it is stopped',
              }),
            ),
            consoleBytesPerSecond: Type.Optional(
              Type.Integer({
                ...printed,
                description: 'Bytes that the console takes in a second of the guest after a burst',
              }),
            ),
            agentBytes: Type.Optional(
              Type.Integer({
                ...printed,
                description: 'Bytes that the guest may print on its second terminal before it is stopped',
              }),
            ),
          },
          { ...closed, description: 'What the guest may emit; the defaults are in docs/api.md' },
        ),
      ),
    },
    closed,
  ),
);

const requestCheck = Compile(PartitionRequestSchema);

/** What is wrong with a partition's request, field first; undefined: nothing. */
export function partitionRequestProblem(value: unknown): string | undefined {
  if (requestCheck.Check(value)) return undefined;
  const [first] = requestCheck.Errors(value).filter(({ keyword }) => keyword !== 'boolean');
  return first === undefined ? 'it does not fit its schema' : `${first.instancePath} ${first.message}`.trim();
}
