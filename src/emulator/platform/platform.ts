/**
 * The pseries platform put together: terminals, NVRAM, clock, interrupt controller, hypercalls, RTAS and the tree that
 * tells the guest of them. One platform is one life of a partition: a reboot makes a new one, with the old NVRAM.
 */

import type { FdtNode, PropertyValue } from '../../base/fdt/index.ts';
import { Nvram, Rtc, Vty, type Xics } from '../devices/index.ts';
import type { FirmwareMachine, FirmwareVcpu, HcallFamily, RtasFamily } from './contract.ts';
import { flattenDeviceTree } from './device-tree.ts';
import { interruptHcalls } from './hcall/interrupt.ts';
import { type LogicalOptions, logicalHcalls } from './hcall/logical.ts';
import { partitionHcalls } from './hcall/partition.ts';
import { processTableHcalls } from './hcall/process-table.ts';
import { schedulingHcalls } from './hcall/scheduling.ts';
import { setModeHcalls } from './hcall/set-mode.ts';
import { systemResetHcalls } from './hcall/system-reset.ts';
import { type HcallDispatch, hcallDispatcher, mergeHcalls } from './hcall/table.ts';
import { terminalHcalls } from './hcall/terminal.ts';
import { VpaTable } from './hcall/vpa.ts';
import { createRtas, mergeRtas } from './rtas/call.ts';
import { clockServices } from './rtas/clock.ts';
import { cpuServices } from './rtas/cpus.ts';
import { eventServices } from './rtas/events.ts';
import { interruptServices } from './rtas/interrupt.ts';
import { nvramServices } from './rtas/nvram.ts';
import { powerServices } from './rtas/power.ts';
import { rtasStub } from './rtas/stub.ts';
import { systemParameterServices } from './rtas/system-parameters.ts';
import type { ByteRange, TreeDescription } from './tree/description.ts';
import type { FeatureName } from './tree/features.ts';

/** The interrupt controller's phandle, for interrupt maps. */
export const XICS_PHANDLE = 0x1111;
/** Unit addresses on the virtual I/O bus: console, agent channel, NVRAM. */
export const VTY_UNITS = [0x7100_0000, 0x7100_0001] as const;
export const NVRAM_UNIT = 0x7100_0002;
/** The terminals' interrupts begin here. */
const FIRST_VIO_SOURCE = 0x1100;
const UUID_BYTES = 16;
const RNG_SEED_BYTES = 32;

export type PlatformOptions = {
  readonly machine: FirmwareMachine;
  /** Made from `machine.vcpus`; host bridges allocate their interrupts from the same one. */
  readonly xics: Xics;
  /** What the guest prints: terminal 0 is the console, 1 the agent channel. */
  readonly output: (vty: 0 | 1, bytes: Uint8Array) => void;
  /** The date at power-on, in ms since 1970; absent: a fixed one. */
  readonly startDateMs?: number;
  /** The NVRAM of an earlier life. */
  readonly nvramImage?: Uint8Array;
  /** Families of others: PCI host bridges. */
  readonly hcalls?: readonly HcallFamily[];
  readonly rtas?: readonly RtasFamily[];
  /** The device window that holds a real address, for the guest's uncached accesses by hypercall. */
  readonly mmio?: LogicalOptions['mmio'];
  /** H_SIGNAL_SYS_RESET answers H_Function. */
  readonly refuseSysReset?: boolean;
  /** Told of each RTAS call before it runs, for traces. */
  readonly onRtas?: (vcpu: FirmwareVcpu, name: string, args: readonly number[]) => void;
};

/** How this life begins, and what others add to its tree. Addresses are real, in bytes. */
export type BootDescription = {
  readonly bootHardwareId: number;
  readonly rma: number;
  readonly bootargs: string;
  readonly initrd?: ByteRange;
  /** Where {@link Platform.rtasBlob} is put: below 4 GiB, in the real-mode area, 64 KiB aligned. */
  readonly rtasBase: number;
  /** Host bridges and other nodes at the root. */
  readonly nodes?: readonly FdtNode[];
  readonly rtasProperties?: Readonly<Record<string, PropertyValue>>;
  /** Further names for ibm,hypertas-functions, such as hcall-tce. */
  readonly hypertas?: readonly string[];
  readonly features?: readonly FeatureName[];
};

export type Platform = {
  /** A hypercall: `opcode` is r3, `args` are r4 to r12. */
  readonly hcall: HcallDispatch;
  /** The name of a hypercall, or its number where there is none of that number. */
  hcallName(opcode: number): string;
  /** To be called when a vCPU wakes from H_CEDE, before it runs: keeps its yield count. Cheap when it did not sleep. */
  dispatched(vcpu: FirmwareVcpu): void;
  /** The code to be put at `rtasBase`. */
  readonly rtasBlob: Uint8Array;
  readonly rtasTokens: ReadonlyMap<string, number>;
  /** Types on a terminal. */
  input(vty: 0 | 1, bytes: Uint8Array): void;
  /** The tree as the builder wants it, for those who look. */
  describe(boot: BootDescription): TreeDescription;
  /** The flattened tree for `address`, where it must be put. */
  flatTree(boot: BootDescription, address: number): Uint8Array;
  readonly xics: Xics;
  readonly vpas: VpaTable;
  readonly nvram: Nvram;
  readonly vtys: readonly [Vty, Vty];
};

export function createPlatform(options: PlatformOptions): Platform {
  const { machine, xics } = options;
  const uuid = versionedUuid(machine.randomBytes(UUID_BYTES));
  const rngSeed = machine.randomBytes(RNG_SEED_BYTES);
  const terminal = (index: 0 | 1) => {
    const { number, line } = xics.allocate('msi', FIRST_VIO_SOURCE);
    const vty = new Vty({ unit: VTY_UNITS[index], line, output: (bytes) => options.output(index, bytes) });
    return { vty, interrupt: number };
  };
  const [first, second] = [terminal(0), terminal(1)];
  const vtys = [first.vty, second.vty] as const;
  const nvram = new Nvram(options.nvramImage);
  const vpas = new VpaTable(machine);
  const rtas = createRtas(
    machine,
    mergeRtas([
      clockServices(new Rtc(machine.clock, options.startDateMs)),
      powerServices(machine, first.vty),
      cpuServices(machine),
      eventServices(machine),
      nvramServices(machine, nvram),
      systemParameterServices(machine, uuid),
      interruptServices(xics),
      ...(options.rtas ?? []),
    ]),
    options.onRtas,
  );
  const table = mergeHcalls([
    terminalHcalls(vtys),
    vpas.hcalls(),
    schedulingHcalls(machine, vpas),
    setModeHcalls(machine),
    processTableHcalls(machine),
    systemResetHcalls(machine, options.refuseSysReset),
    partitionHcalls(machine),
    logicalHcalls(machine, options.mmio === undefined ? {} : { mmio: options.mmio }),
    interruptHcalls(machine, xics),
    rtas.hcalls,
    ...(options.hcalls ?? []),
  ]);
  const dispatch = hcallDispatcher(table, machine.unsupported);
  const dispatched = (vcpu: FirmwareVcpu): void => {
    if (vpas.isAway(vcpu)) vpas.enter(vcpu);
  };
  const describe = (boot: BootDescription): TreeDescription => ({
    hardwareIds: machine.vcpus.map((vcpu) => vcpu.hardwareId),
    bootHardwareId: boot.bootHardwareId,
    memory: machine.memory.ranges,
    rma: boot.rma,
    bootargs: boot.bootargs,
    ...(boot.initrd === undefined ? {} : { initrd: boot.initrd }),
    rtasBase: boot.rtasBase,
    rtasTokens: rtas.tokens,
    hypertas: [...(canJoin(machine) ? ['hcall-join'] : []), ...(boot.hypertas ?? [])],
    rtasProperties: boot.rtasProperties ?? {},
    rngSeed,
    uuid,
    vtys: [first, second].map(({ vty, interrupt }) => ({ unit: vty.unit, interrupt })),
    nvram: { unit: NVRAM_UNIT, bytes: nvram.bytes },
    interruptController: XICS_PHANDLE,
    nodes: boot.nodes ?? [],
    ...(boot.features === undefined ? {} : { features: boot.features }),
  });
  return {
    hcall: (vcpu, opcode, args) => {
      // A vCPU that calls is running, whether or not anybody said so.
      dispatched(vcpu);
      return dispatch(vcpu, opcode, args);
    },
    hcallName: (opcode) => table.get(opcode)?.name ?? `0x${opcode.toString(16)}`,
    dispatched,
    rtasBlob: rtasStub(),
    rtasTokens: rtas.tokens,
    input: (vty, bytes) => vtys[vty].input(bytes),
    describe,
    flatTree: (boot, address) => flattenDeviceTree(describe(boot), address),
    xics,
    vpas,
    nvram,
    vtys,
  };
}

function canJoin(machine: FirmwareMachine): boolean {
  return machine.vcpus.every((vcpu) => vcpu.join !== undefined);
}

/** Sixteen random bytes as a version 4 UUID (RFC 9562 §5.4). */
function versionedUuid(random: Uint8Array): Uint8Array {
  const uuid = random.slice();
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x40;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  return uuid;
}
