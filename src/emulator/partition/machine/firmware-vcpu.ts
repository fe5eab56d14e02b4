/** A vCPU as hypercalls and RTAS see it (platform/contract/contract.ts). */

import { MSR } from '../../../base/power.ts';
import type { RunChange } from '../../contract/events.ts';
import { SPR } from '../../cpu/spr.ts';
import type { Vcpu } from '../../cpu/vcpu.ts';
import type { FirmwareVcpu, VcpuRunState } from '../../platform/contract/contract.ts';

/** What the scheduler does for it. */
export type VcpuServices = {
  /** Ends the running slice after the current instruction. */
  readonly endSlice: () => void;
  /** Whether an interrupt waits that would end a cede. */
  readonly interruptPending: (vcpu: Vcpu) => boolean;
  /** A vCPU comes back from cede without an interrupt. */
  readonly woken: (vcpu: Vcpu) => void;
  readonly changed: (vcpu: Vcpu, change: RunChange) => void;
};

export class PartitionVcpu implements FirmwareVcpu {
  readonly vcpu: Vcpu;
  readonly #services: VcpuServices;

  constructor(vcpu: Vcpu, services: VcpuServices) {
    this.vcpu = vcpu;
    this.#services = services;
  }

  get index(): number {
    return this.vcpu.index;
  }
  get hardwareId(): number {
    return this.vcpu.hardwareId;
  }
  get runState(): VcpuRunState {
    return this.vcpu.state === 'stopped' ? 'stopped' : 'running';
  }
  get msr(): bigint {
    return this.vcpu.msr;
  }
  get nia(): bigint {
    return this.vcpu.cia;
  }
  gpr(n: number): bigint {
    return this.vcpu.gpr(n);
  }
  setGpr(n: number, value: bigint): void {
    this.vcpu.setGpr(n, value);
  }

  start(entry: number, r3: bigint): void {
    const vcpu = this.vcpu;
    vcpu.resetRegisters();
    vcpu.msr = MSR.SF | MSR.ME;
    vcpu.nia = BigInt(entry);
    vcpu.setGpr(3, r3);
    vcpu.state = 'running';
    this.#services.changed(vcpu, 'started');
  }

  enter(address: bigint): void {
    this.vcpu.nia = address;
  }

  stop(): void {
    this.vcpu.state = 'stopped';
    this.#services.changed(this.vcpu, 'stopped');
    this.#services.endSlice();
  }

  cede(): void {
    const vcpu = this.vcpu;
    vcpu.msr = vcpu.msr | MSR.EE;
    if (vcpu.prodded) {
      vcpu.prodded = false;
      return;
    }
    if (this.#services.interruptPending(vcpu)) return;
    vcpu.state = 'ceded';
    this.#services.endSlice();
  }

  prod(): void {
    if (this.vcpu.state === 'ceded') {
      this.vcpu.state = 'running';
      this.#services.woken(this.vcpu);
    } else this.vcpu.prodded = true;
  }

  yieldSlice(): void {
    this.#services.endSlice();
  }

  systemReset(): void {
    if (this.vcpu.state === 'stopped') return;
    this.vcpu.systemReset = true;
    this.#services.changed(this.vcpu, 'system reset');
    this.#services.endSlice();
  }

  setExternalInterrupt(asserted: boolean): void {
    this.vcpu.external = asserted;
  }
  setInterruptLittleEndian(on: boolean): void {
    this.vcpu.interruptLittleEndian = on;
  }
  setInstructionBreakpoint(ciabr: bigint): void {
    this.vcpu.ciabr = ciabr;
    // It must enter its page again, to be executed step by step from there.
    this.vcpu.tlb.flushExecute();
  }
  setSprg0(value: bigint): void {
    this.vcpu.setSpr(SPR.SPRG0, value);
  }
  setAlternateInterruptLocation(ail: 0 | 2 | 3): void {
    this.vcpu.alternateLocation = ail;
  }
}
