/**
 * The XICS interrupt controller of a PAPR partition: one presentation controller (ICP) a server, and the sources (ICS)
 * that it is fed from.
 *
 * Source: QEMU 7.2 hw/intc/xics.c and Linux 6.1 arch/powerpc/kvm/book3s_xics.c (rejection, resending; accepting nothing
 * changes nothing); how Linux uses it: arch/powerpc/sysdev/xics. Priority 0 is the most favoured,
 * 0xff masks. Left out: global interrupt queues (several servers behind one number), linked servers.
 */

import { assert } from '../../base/errors.ts';
import type { InterruptLine } from './contract.ts';
import {
  fresh,
  giveBack,
  type InterruptKind,
  LEAST_FAVOURED,
  type Presentation,
  present,
  presentIpi,
  reject,
  type Source,
  withdraw,
  type XicsServer,
  xirrOf,
} from './xics-presentation.ts';

/** Where numbers of each kind begin unless the caller says otherwise; below are the platform's own sources. */
export const FIRST_LEVEL_SOURCE = 0x1200;
export const FIRST_MSI_SOURCE = 0x1300;
const LAST_SOURCE = 0xffff;

/** One server's presentation registers, for checks of a quiet handoff. */
export type PresentationState = {
  readonly hardwareId: number;
  readonly cppr: number;
  /** The interrupt presented and not yet accepted; 0 for none. */
  readonly xisr: number;
  readonly mfrr: number;
  /** Interrupts accepted and not yet ended (EOI), in order of acceptance. */
  readonly inService: readonly number[];
};

/** A source as RTAS ibm,get-xive shows it, and what is pending in it. */
export type SourceState = {
  readonly number: number;
  readonly kind: InterruptKind;
  readonly server: number;
  readonly priority: number;
  readonly asserted: boolean;
  readonly pending: boolean;
};

export type AllocatedInterrupt = { readonly number: number; readonly line: InterruptLine };

/** Sources and presentation controllers of one partition. Numbers of servers are hardware ids of vCPUs. */
export class Xics {
  readonly #servers = new Map<number, Presentation>();
  readonly #sources = new Map<number, Source>();
  readonly #ended: (number: number, cppr: number) => void;

  /** @param ended called when the guest ends an interrupt that it had accepted (EOI), with the CPPR that it restores */
  constructor(
    servers: readonly XicsServer[],
    ended: (number: number, cppr: number) => void = () => undefined,
  ) {
    this.#ended = ended;
    for (const server of servers) {
      assert(!this.#servers.has(server.hardwareId), 'two interrupt servers with one number');
      this.#servers.set(server.hardwareId, fresh(server));
    }
  }

  /**
   * A new source, masked, at the lowest free number from `first` on.
   * @param first Defaults to 0x1200 for level and 0x1300 for message sources.
   */
  allocate(kind: InterruptKind, first?: number): AllocatedInterrupt {
    let number = first ?? (kind === 'level' ? FIRST_LEVEL_SOURCE : FIRST_MSI_SOURCE);
    while (this.#sources.has(number)) number++;
    assert(number <= LAST_SOURCE, 'interrupt sources are used up');
    const source: Source = {
      number,
      kind,
      server: 0,
      priority: LEAST_FAVOURED,
      savedPriority: LEAST_FAVOURED,
      asserted: false,
      sent: false,
      waiting: false,
    };
    this.#sources.set(number, source);
    return { number, line: this.#lineOf(source) };
  }

  /** Gives a number back. An interrupt from it that is already presented stays so, as one already taken would. */
  release(number: number): void {
    const source = this.#sources.get(number);
    assert(source !== undefined, `interrupt ${number} is not allocated`);
    this.#sources.delete(number);
    for (const icp of this.#servers.values()) if (icp.owner === source) icp.owner = undefined;
  }

  hasServer(hardwareId: number): boolean {
    return this.#servers.has(hardwareId);
  }

  /** @returns undefined when there is no such source. */
  source(number: number): SourceState | undefined {
    const source = this.#sources.get(number);
    if (source === undefined) return undefined;
    const pending = source.kind === 'level' ? source.asserted && !source.sent : source.waiting;
    const { kind, server, priority, asserted } = source;
    return { number, kind, server, priority, asserted, pending };
  }

  presentation(hardwareId: number): PresentationState {
    const { cppr, xisr, mfrr, inService } = this.#icp(hardwareId);
    return { hardwareId, cppr, xisr, mfrr, inService: [...inService] };
  }

  /** Server and priority of a source (ibm,set-xive). @returns whether source and server exist. */
  route(number: number, server: number, priority: number): boolean {
    const source = this.#sources.get(number);
    if (source === undefined || !this.#servers.has(server)) return false;
    source.server = server;
    source.priority = priority;
    source.savedPriority = priority;
    this.#send(source);
    return true;
  }

  /** Masks a source, keeping its priority (ibm,int-off). @returns whether it exists. */
  mask(number: number): boolean {
    const source = this.#sources.get(number);
    if (source === undefined) return false;
    if (source.priority !== LEAST_FAVOURED) source.savedPriority = source.priority;
    source.priority = LEAST_FAVOURED;
    return true;
  }

  /** Gives a source its priority back (ibm,int-on). @returns whether it exists. */
  unmask(number: number): boolean {
    const source = this.#sources.get(number);
    if (source === undefined) return false;
    source.priority = source.savedPriority;
    this.#send(source);
    return true;
  }

  /** XIRR without accepting: CPPR in the top byte, XISR below. */
  poll(hardwareId: number): { readonly xirr: number; readonly mfrr: number } {
    const icp = this.#icp(hardwareId);
    return { xirr: xirrOf(icp), mfrr: icp.mfrr };
  }

  /** Accepts what is presented: XIRR as it was; CPPR becomes the interrupt's priority. Nothing presented: no change. */
  accept(hardwareId: number): number {
    const icp = this.#icp(hardwareId);
    const xirr = xirrOf(icp);
    if (icp.xisr === 0) return xirr;
    icp.inService.push(icp.xisr);
    icp.cppr = icp.pendingPriority;
    withdraw(icp);
    return xirr;
  }

  /** H_CPPR. Becoming more favoured rejects what is presented and no longer passes; less favoured asks again. */
  setCppr(hardwareId: number, cppr: number): void {
    const icp = this.#icp(hardwareId);
    const before = icp.cppr;
    icp.cppr = cppr;
    if (cppr < before) {
      if (icp.xisr !== 0 && cppr <= icp.pendingPriority) reject(icp);
    } else this.#resend(icp);
  }

  /** H_IPI. @returns whether the server exists. */
  setMfrr(hardwareId: number, mfrr: number): boolean {
    const icp = this.#servers.get(hardwareId);
    if (icp === undefined) return false;
    icp.mfrr = mfrr;
    presentIpi(icp);
    return true;
  }

  /** H_EOI: CPPR from the top byte, and the end of the interrupt below it. */
  endOfInterrupt(hardwareId: number, xirr: number): void {
    const icp = this.#icp(hardwareId);
    const number = xirr & 0xff_ffff;
    const at = icp.inService.lastIndexOf(number);
    if (at >= 0) {
      icp.inService.splice(at, 1);
      this.#ended(number, xirr >>> 24);
    }
    const source = this.#sources.get(number);
    if (source !== undefined) source.sent = false;
    this.setCppr(hardwareId, xirr >>> 24);
    // A less favoured CPPR has asked all sources again; an equal or more favoured one still owes this one's answer.
    if (source !== undefined) this.#send(source);
  }

  #icp(hardwareId: number): Presentation {
    const icp = this.#servers.get(hardwareId);
    assert(icp !== undefined, `interrupt server ${hardwareId} does not exist`);
    return icp;
  }

  #lineOf(source: Source): InterruptLine {
    return {
      set: (asserted) => {
        assert(source.kind === 'level', 'set() is for level sources');
        source.asserted = asserted;
        this.#send(source);
      },
      pulse: () => {
        assert(source.kind === 'msi', 'pulse() is for message sources');
        source.waiting = true;
        this.#send(source);
      },
    };
  }

  /** Offers a source's interrupt to its server, if it has one to offer. */
  #send(source: Source): void {
    if (source.priority === LEAST_FAVOURED) return;
    if (source.kind === 'level') {
      if (!source.asserted || source.sent) return;
      source.sent = true;
    } else {
      if (!source.waiting) return;
      source.waiting = false;
    }
    const icp = this.#icp(source.server);
    const passes = source.priority < icp.cppr && (icp.xisr === 0 || source.priority < icp.pendingPriority);
    if (!passes) {
      giveBack(source);
      return;
    }
    reject(icp);
    present(icp, source.number, source.priority, source);
  }

  #resend(icp: Presentation): void {
    presentIpi(icp);
    for (const source of this.#sources.values()) {
      if (source.server === icp.server.hardwareId) this.#send(source);
    }
  }
}
