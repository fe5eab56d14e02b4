/**
 * Builds the pseries platform from its parts: terminals, NVRAM, clock, interrupt controller, hypercalls, RTAS and the
 * device tree that describes them to the guest. A platform lasts for one power cycle: a reboot makes a new one, with the
 * old NVRAM.
 */

import { asU32, type FdtNode, findNode, type PropertyValue } from '../../base/fdt/index.ts';
import { Nvram, type PresentationState, Rtc, Vty, type Xics } from '../devices/index.ts';
import type { Xive } from '../devices/xive/index.ts';
import type { FirmwareMachine, FirmwareVcpu, HcallFamily, RtasFamily } from './contract/contract.ts';
import { HYPERCALL_NS } from './contract/cost.ts';
import { buildDeviceTree, flattenDeviceTree } from './device-tree.ts';
import { hptHcalls } from './hcall/hpt.ts';
import { hptResizeHcalls } from './hcall/hpt-resize.ts';
import { interruptHcalls } from './hcall/interrupt.ts';
import { type LogicalOptions, logicalHcalls } from './hcall/logical.ts';
import { clientHcalls } from './hcall/of-client.ts';
import { partitionHcalls } from './hcall/partition.ts';
import { processTableHcalls } from './hcall/process-table.ts';
import { schedulingHcalls } from './hcall/scheduling.ts';
import { setModeHcalls } from './hcall/set-mode.ts';
import { systemResetHcalls } from './hcall/system-reset.ts';
import { type HcallDispatch, hcallDispatcher, mergeHcalls } from './hcall/table.ts';
import { terminalHcalls } from './hcall/terminal.ts';
import { VpaTable } from './hcall/vpa.ts';
import { xiveHcalls } from './hcall/xive.ts';
import { OpenFirmware } from './of-client/index.ts';
import { createRtas, mergeRtas, type OnRtas } from './rtas/call.ts';
import { clockServices } from './rtas/clock.ts';
import { cpuServices } from './rtas/cpus.ts';
import { eventServices } from './rtas/events.ts';
import { interruptServices } from './rtas/interrupt.ts';
import { type NonMaskable, NonMaskableInterrupts } from './rtas/nmi.ts';
import { nvramServices } from './rtas/nvram.ts';
import { powerServices } from './rtas/power.ts';
import { rtasStub } from './rtas/stub.ts';
import { systemParameterServices } from './rtas/system-parameters.ts';
import type { ByteRange, TreeDescription } from './tree/description.ts';
import type { FeatureName } from './tree/features.ts';

/** The interrupt controller's phandle, for interrupt maps. */
export const XICS_PHANDLE = 0x1111;
/** Unit addresses on the virtual I/O bus: console, agent channel, NVRAM, SCSI adapter. */
export const VTY_UNITS = [0x7100_0000, 0x7100_0001] as const;
export const NVRAM_UNIT = 0x7100_0002;
export const VSCSI_UNIT = 0x7100_0003;
/** The interrupts of the virtual I/O bus begin here. */
export const FIRST_VIO_SOURCE = 0x1100;
const VECTOR_5_PROPERTY = 'ibm,architecture-vec-5';
/** ibm,hypertas-functions of a partition with a hashed page table. */
const HASH_HYPERTAS = ['hcall-pft', 'hcall-bulk', 'hcall-hpt-resize'] as const;
const UUID_BYTES = 16;
const RNG_SEED_BYTES = 32;

export type PlatformOptions = {
  /** What the tree says that the processors are; absent: POWER9. Whether they translate by hash is the machine's. */
  readonly processor?: TreeDescription['processor'];
  readonly machine: FirmwareMachine;
  /** Made from `machine.vcpus`; host bridges allocate their interrupts from the same one. */
  readonly xics: Xics;
  /** The partition's interrupt controller in the place of XICS. */
  readonly xive?: Xive;
  /** What the guest prints: terminal 0 is the console, 1 the agent channel. */
  readonly output: (vty: 0 | 1, bytes: Uint8Array) => void;
  /** Whether a terminal takes nothing for now; absent: each always does. */
  readonly isBusy?: (vty: 0 | 1) => boolean;
  /** The date at power-on, in ms since 1970; absent: a fixed one. */
  readonly startDateMs?: number;
  /** The NVRAM of an earlier power cycle. */
  readonly nvramImage?: Uint8Array;
  /** Families of others: PCI host bridges. */
  readonly hcalls?: readonly HcallFamily[];
  readonly rtas?: readonly RtasFamily[];
  /** The device window that holds a real address, for the guest's uncached accesses by hypercall. */
  readonly mmio?: LogicalOptions['mmio'];
  /** H_SIGNAL_SYS_RESET answers H_Function. */
  readonly refuseSysReset?: boolean;
  readonly onRtas?: OnRtas;
};

/** How this power cycle begins, and what others add to its tree. Addresses are real, in bytes. */
export type BootDescription = {
  readonly bootHardwareId: number;
  readonly rma: number;
  readonly bootargs: string;
  readonly initrd?: ByteRange;
  /** Where {@link Platform.rtasBlob} is put: below 4 GiB, in the real-mode area, 64 KiB aligned. */
  readonly rtasBase: number;
  /** Host bridges and other nodes at the root. */
  readonly nodes?: readonly FdtNode[];
  /** Further nodes on the virtual I/O bus. */
  readonly vdevices?: readonly FdtNode[];
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
  /** To be called when a vCPU has taken a system reset or a machine check: a handler that the guest registered takes it instead. */
  nonMaskable(vcpu: FirmwareVcpu, interrupt: NonMaskable): void;
  /** The code to be put at `rtasBase`. */
  readonly rtasBlob: Uint8Array;
  readonly rtasTokens: ReadonlyMap<string, number>;
  /** Types on a terminal. @returns whether it did: one without room for all takes none of them */
  input(vty: 0 | 1, bytes: Uint8Array): boolean;
  /** The tree as the builder wants it, for those who look. */
  describe(boot: BootDescription): TreeDescription;
  /** The flattened tree for `address`, where it must be put. */
  flatTree(boot: BootDescription, address: number): Uint8Array;
  /**
   * Starts Open Firmware for this power cycle instead: the client reads its tree through it and lays it out itself.
   * @param loaded What lies in memory already: the client and its initramfs.
   */
  startOpenFirmware(boot: BootDescription, loaded: readonly ByteRange[]): OpenFirmware;
  /** The interrupt controller's side of a vCPU. */
  presentation(hardwareId: number): PresentationState;
  readonly xics: Xics;
  readonly vpas: VpaTable;
  readonly nvram: Nvram;
  readonly vtys: readonly [Vty, Vty];
};

export function createPlatform(options: PlatformOptions): Platform {
  const { machine, xics, xive } = options;
  const uuid = versionedUuid(machine.randomBytes(UUID_BYTES));
  const rngSeed = machine.randomBytes(RNG_SEED_BYTES);
  const terminal = (index: 0 | 1) => {
    const { number, line } = (xive ?? xics).allocate('msi', FIRST_VIO_SOURCE);
    const vty = new Vty({
      unit: VTY_UNITS[index],
      line,
      output: (bytes) => options.output(index, bytes),
      isBusy: () => options.isBusy?.(index) === true,
    });
    return { vty, interrupt: number };
  };
  const [first, second] = [terminal(0), terminal(1)];
  const vtys = [first.vty, second.vty] as const;
  const nvram = new Nvram(options.nvramImage);
  const vpas = new VpaTable(machine);
  const nonMaskable = new NonMaskableInterrupts(machine);
  const rtas = createRtas(
    machine,
    mergeRtas([
      clockServices(new Rtc(machine.clock, options.startDateMs)),
      powerServices(machine, first.vty),
      cpuServices(machine),
      eventServices(machine),
      nonMaskable.services(),
      nvramServices(machine, nvram),
      systemParameterServices(machine, uuid),
      ...(xive === undefined ? [interruptServices(xics)] : []),
      ...(options.rtas ?? []),
    ]),
    options.onRtas,
  );
  let openFirmware: OpenFirmware | undefined;
  const table = mergeHcalls([
    terminalHcalls(vtys),
    vpas.hcalls(),
    schedulingHcalls(machine, vpas),
    setModeHcalls(machine),
    processTableHcalls(machine),
    ...(machine.hashTable === undefined
      ? []
      : [hptHcalls(machine, machine.hashTable), hptResizeHcalls(machine, machine.hashTable)]),
    systemResetHcalls(machine, options.refuseSysReset),
    partitionHcalls(machine),
    logicalHcalls(machine, options.mmio === undefined ? {} : { mmio: options.mmio }),
    xive === undefined ? interruptHcalls(machine, xics) : xiveHcalls(machine, xive),
    rtas.hcalls,
    clientHcalls(machine, () => openFirmware),
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
    hypertas: [
      ...(canJoin(machine) ? ['hcall-join'] : []),
      ...(machine.hashTable === undefined ? [] : HASH_HYPERTAS),
      ...(boot.hypertas ?? []),
    ],
    processor: options.processor ?? 'power9',
    ...(machine.hashTable === undefined ? {} : { hashTableShift: machine.hashTable.shift }),
    rtasProperties: boot.rtasProperties ?? {},
    rngSeed,
    uuid,
    vtys: [first, second].map(({ vty, interrupt }) => ({ unit: vty.unit, interrupt })),
    nvram: { unit: NVRAM_UNIT, bytes: nvram.bytes },
    interruptController: XICS_PHANDLE,
    ...(xive === undefined ? {} : { xive: { ipis: xive.ipis } }),
    nodes: boot.nodes ?? [],
    ...(boot.vdevices === undefined ? {} : { vdevices: boot.vdevices }),
    ...(boot.features === undefined ? {} : { features: boot.features }),
  });
  return {
    hcall: (vcpu, opcode, args) => {
      // A vCPU that calls is running, whether or not anybody said so.
      dispatched(vcpu);
      machine.spend(HYPERCALL_NS);
      return dispatch(vcpu, opcode, args);
    },
    hcallName: (opcode) => table.get(opcode)?.name ?? `0x${opcode.toString(16)}`,
    dispatched,
    nonMaskable: (vcpu, interrupt) => nonMaskable.taken(vcpu, interrupt),
    rtasBlob: rtasStub(),
    rtasTokens: rtas.tokens,
    input: (vty, bytes) => vtys[vty].input(bytes),
    describe,
    flatTree: (boot, address) => {
      nonMaskable.rtasBase = boot.rtasBase;
      return flattenDeviceTree(describe(boot), address);
    },
    startOpenFirmware: (boot, loaded) => {
      const description = describe(boot);
      openFirmware = new OpenFirmware({
        machine,
        console: first.vty,
        consolePath: `/vdevice/vty@${first.vty.unit.toString(16)}`,
        tree: (vector5) => {
          const { root } = buildDeviceTree(description);
          if (vector5 !== undefined) findNode(root, '/chosen')?.properties.set(VECTOR_5_PROPERTY, vector5);
          return root;
        },
        processorVersions: architectedVersions(buildDeviceTree(description).root),
        rtasBlob: rtasStub(),
        onRtasPlaced: (base) => {
          nonMaskable.rtasBase = base;
        },
        rma: boot.rma,
        loaded,
      });
      return openFirmware;
    },
    presentation: (hardwareId) => (xive ?? xics).presentation(hardwareId),
    xics,
    vpas,
    nvram,
    vtys,
  };
}

function canJoin(machine: FirmwareMachine): boolean {
  return machine.vcpus.every((vcpu) => vcpu.join !== undefined);
}

/** The processor versions that the CPU nodes say they run as. */
function architectedVersions(root: FdtNode): number[] {
  const versions = findNode(root, '/cpus')?.children.flatMap(
    (cpu) => cpu.properties.get('cpu-version') ?? [],
  );
  return (versions ?? []).map((value) => asU32(value));
}

/** Sixteen random bytes as a version 4 UUID (RFC 9562 §5.4). */
function versionedUuid(random: Uint8Array): Uint8Array {
  const uuid = random.slice();
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x40;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  return uuid;
}
