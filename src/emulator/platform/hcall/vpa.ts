/**
 * H_REGISTER_VPA: the virtual processor area, SLB shadow and dispatch trace log of each vCPU, and the one field that
 * the hypervisor keeps in the first of them, the yield count.
 *
 * Source: QEMU 7.2 hw/ppc/spapr_hcall.c (subfunctions, alignment, sizes, order of deregistration), Linux 6.1
 * arch/powerpc/include/asm/lppaca.h and hvcall.h (layout, flags). All fields are big-endian. An odd yield count says that the vCPU is not
 * dispatched; spinning vCPUs confer to the holder of a lock by it. Here it is odd from H_CEDE or H_JOIN to waking: a
 * vCPU that merely waits for its slice counts as running. Left out: CMO fields, the SLB shadow's use (nothing loses an
 * SLB).
 */

import { ramAddress, vcpuByHardwareId } from '../contract/addresses.ts';
import type { FirmwareMachine, FirmwareVcpu, HcallFamily, HcallStatus } from '../contract/contract.ts';
import { H, status } from '../contract/status.ts';
import { DISPATCH_LOG_ENTRY_BYTES, type DispatchLog, logDispatch } from './dispatch-log.ts';
import { arg, family } from './table.ts';

/** Offsets and sizes in the VPA. */
const VPA = { size: 4, oldStatus: 9, yieldCount: 0x100, minimumBytes: 640, alignment: 128 } as const;
/** In `oldStatus`: the vCPU shares its processor. Linux takes paravirtual locks where it is set. */
const SHARED_PROCESSOR = 2;
const SLB_SHADOW_MINIMUM_BYTES = 8;
const PAGE = 4096;

/** Bits 16 to 18 of the flags, IBM numbering; all others are reserved. */
const SUBFUNCTION_SHIFT = 45n;
const SUBFUNCTION = {
  registerVpa: 1n,
  registerDtl: 2n,
  registerSlbShadow: 3n,
  deregisterVpa: 5n,
  deregisterDtl: 6n,
  deregisterSlbShadow: 7n,
} as const;

/** What a vCPU has registered: real addresses, undefined for nothing. */
export type VpaState = {
  readonly vpa: number | undefined;
  readonly slbShadow: number | undefined;
  readonly dispatchLog: DispatchLog | undefined;
};

/** An area of a vCPU's, in bytes from a real address. */
export type RegisteredArea = {
  readonly cpu: number;
  readonly kind: 'vpa' | 'slb-shadow' | 'dispatch-log';
  readonly raddr: number;
  readonly bytes: number;
};

const NOTHING: VpaState = { vpa: undefined, slbShadow: undefined, dispatchLog: undefined };

export class VpaTable {
  readonly #machine: FirmwareMachine;
  readonly #states: VpaState[];
  /** For each vCPU, the timebase at which it gave up its processor; undefined while it has one. */
  readonly #awaySince: (bigint | undefined)[];

  constructor(machine: FirmwareMachine) {
    this.#machine = machine;
    this.#states = machine.vcpus.map(() => NOTHING);
    this.#awaySince = machine.vcpus.map(() => undefined);
  }

  state(vcpu: FirmwareVcpu): VpaState {
    return this.#states[vcpu.index] ?? NOTHING;
  }

  /** Everything registered, by vCPU: memory that the hypervisor may write. Sizes as the areas declare them now. */
  areas(): readonly RegisteredArea[] {
    const { vcpus, memory } = this.#machine;
    return vcpus.flatMap((vcpu): RegisteredArea[] => {
      const { vpa, slbShadow, dispatchLog } = this.state(vcpu);
      const cpu = vcpu.index;
      return [
        ...(vpa === undefined
          ? []
          : [{ cpu, kind: 'vpa', raddr: vpa, bytes: memory.readU16(vpa + VPA.size, false) } as const]),
        ...(slbShadow === undefined
          ? []
          : [
              {
                cpu,
                kind: 'slb-shadow',
                raddr: slbShadow,
                bytes: memory.readU32(slbShadow + VPA.size, false),
              } as const,
            ]),
        ...(dispatchLog === undefined ? [] : [{ cpu, kind: 'dispatch-log', ...dispatchLog } as const]),
      ];
    });
  }

  /** Whether the vCPU counts as not dispatched. */
  isAway(vcpu: FirmwareVcpu): boolean {
    return this.#awaySince[vcpu.index] !== undefined;
  }

  /** The vCPU gives up its processor: its yield count becomes odd. */
  leave(vcpu: FirmwareVcpu): void {
    this.#awaySince[vcpu.index] = this.#machine.clock.timebase();
    this.#setParity(vcpu, 1);
  }

  /** The vCPU runs again: its yield count becomes even, and the dispatch is logged. */
  enter(vcpu: FirmwareVcpu): void {
    const since = this.#awaySince[vcpu.index];
    this.#awaySince[vcpu.index] = undefined;
    this.#setParity(vcpu, 0);
    const { vpa, dispatchLog } = this.state(vcpu);
    if (since === undefined || vpa === undefined || dispatchLog === undefined) return;
    const { clock, memory } = this.#machine;
    logDispatch(memory, vcpu, vpa, dispatchLog, since, clock.timebase());
  }

  /** The yield count, or undefined without a VPA. */
  yieldCount(vcpu: FirmwareVcpu): number | undefined {
    const { vpa } = this.state(vcpu);
    return vpa === undefined ? undefined : this.#machine.memory.readU32(vpa + VPA.yieldCount, false);
  }

  hcalls(): HcallFamily {
    return family({
      H_REGISTER_VPA: (_caller, args) => {
        const vcpu = vcpuByHardwareId(this.#machine, arg(args, 1));
        if (vcpu === undefined) return status(H.parameter);
        return status(this.#subfunction(vcpu, arg(args, 0), arg(args, 2)));
      },
    });
  }

  #subfunction(vcpu: FirmwareVcpu, flags: bigint, address: bigint): HcallStatus {
    const state = this.state(vcpu);
    const set = (change: Partial<VpaState>): HcallStatus => {
      this.#states[vcpu.index] = { ...state, ...change };
      return H.success;
    };
    if ((flags & ((1n << SUBFUNCTION_SHIFT) - 1n)) !== 0n) return H.parameter;
    switch (flags >> SUBFUNCTION_SHIFT) {
      case SUBFUNCTION.registerVpa: {
        const bytes = this.#declaredBytes(address, 2);
        if (bytes === undefined || bytes < VPA.minimumBytes) return H.parameter;
        const vpa = Number(address);
        if (vpa % VPA.alignment !== 0 || crossesPage(vpa, bytes)) return H.parameter;
        if (!this.#machine.memory.isRam(vpa, bytes)) return H.parameter;
        set({ vpa });
        this.#initialise(vcpu, vpa);
        return H.success;
      }
      case SUBFUNCTION.registerSlbShadow: {
        const bytes = this.#declaredBytes(address, 4);
        if (bytes === undefined || bytes < SLB_SHADOW_MINIMUM_BYTES) return H.parameter;
        const slbShadow = Number(address);
        if (crossesPage(slbShadow, bytes)) return H.parameter;
        return state.vpa === undefined ? H.resource : set({ slbShadow });
      }
      case SUBFUNCTION.registerDtl: {
        const bytes = this.#declaredBytes(address, 4);
        if (bytes === undefined || bytes < DISPATCH_LOG_ENTRY_BYTES) return H.parameter;
        const raddr = Number(address);
        if (!this.#machine.memory.isRam(raddr, bytes)) return H.parameter;
        return state.vpa === undefined ? H.resource : set({ dispatchLog: { raddr, bytes } });
      }
      case SUBFUNCTION.deregisterVpa:
        // The others hang on the VPA and have to go first.
        if (state.slbShadow !== undefined || state.dispatchLog !== undefined) return H.resource;
        return set({ vpa: undefined });
      case SUBFUNCTION.deregisterDtl:
        return set({ dispatchLog: undefined });
      case SUBFUNCTION.deregisterSlbShadow:
        return set({ slbShadow: undefined });
      default:
        return H.parameter;
    }
  }

  /** The size that an area declares at offset 4; undefined where that is not RAM. */
  #declaredBytes(address: bigint, width: 2 | 4): number | undefined {
    const raddr = ramAddress(this.#machine, address, 4 + width);
    if (raddr === undefined) return undefined;
    const { memory } = this.#machine;
    return width === 2 ? memory.readU16(raddr + VPA.size, false) : memory.readU32(raddr + VPA.size, false);
  }

  #initialise(vcpu: FirmwareVcpu, vpa: number): void {
    const { memory } = this.#machine;
    memory.writeU8(vpa + VPA.oldStatus, memory.readU8(vpa + VPA.oldStatus) | SHARED_PROCESSOR);
    this.#setParity(vcpu, this.isAway(vcpu) ? 1 : 0);
  }

  #setParity(vcpu: FirmwareVcpu, parity: 0 | 1): void {
    const { vpa } = this.state(vcpu);
    const count = this.yieldCount(vcpu);
    if (vpa === undefined || count === undefined || (count & 1) === parity) return;
    this.#machine.memory.writeU32(vpa + VPA.yieldCount, (count + 1) >>> 0, false);
  }
}

function crossesPage(raddr: number, bytes: number): boolean {
  return Math.floor(raddr / PAGE) !== Math.floor((raddr + bytes - 1) / PAGE);
}
