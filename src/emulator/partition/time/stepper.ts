/**
 * Single-step and branch tracing, MSR[SE] and MSR[BE], and CIABR: Power ISA 3.0B, Book III §6.5.15. A vCPU with one of the
 * bits set, or on the page that its CIABR names, is run one instruction at a time; the engine itself knows nothing of it,
 * but comes back when the bits are set or the page is entered.
 */

import { MSR, VECTOR } from '../../../base/power.ts';
import { breaksAt, breaksNear } from '../../cpu/breakpoint.ts';
import { SPR } from '../../cpu/spr.ts';
import type { Vcpu } from '../../cpu/vcpu.ts';
import { effectiveAddress } from '../../engine/effective-address.ts';
import type { Engine, RunEnd } from '../../engine/engine.ts';
import { step } from '../../engine/step.ts';
import { decode, type Row } from '../../isa/index.ts';
import type { Arena } from '../../memory/arena.ts';
import { lowHalf } from '../../mmu/contract.ts';

/** How a step ended, and what it executed: nothing, where the instruction raised an interrupt. */
export type Step = { readonly end: RunEnd; readonly executed: number };

/** SRR1: a trace interrupt; after a load; after a store. */
const TRACED = 1n << 30n;
const AFTER_LOAD = 1n << 28n;
const AFTER_STORE = 1n << 27n;
/** The interrupt is CIABR's: bit 43. */
const AT_BREAKPOINT = 1n << 20n;

export class Stepper {
  readonly #engine: Engine;
  readonly #arena: Arena;
  #stepping = false;

  constructor(engine: Engine, arena: Arena) {
    this.#engine = engine;
    this.#arena = arena;
  }

  /** To be called for each interrupt: a step ends with it. */
  interruptTaken(): void {
    if (this.#stepping) this.#engine.requestStop();
  }

  /** Executes exactly one instruction of the active vCPU. What waits must have been delivered. */
  step(vcpu: Vcpu): Step {
    this.#stepping = true;
    const { nia } = vcpu;
    const near = breaksNear(vcpu);
    try {
      return step(this.#engine, this.#arena, vcpu);
    } finally {
      this.#stepping = false;
      // The next step, too, has to be one.
      if (near) vcpu.tlb.flushPage(lowHalf(nia));
    }
  }

  /** Whether the page that a vCPU enters is that of its breakpoint; not while it is stepped. */
  stopsHere(vcpu: Vcpu): boolean {
    return !this.#stepping && breaksNear(vcpu);
  }

  /** A {@link step} of a vCPU that {@link isTraced}, and the trace interrupt after it. */
  traced(vcpu: Vcpu): Step {
    const { msr } = vcpu;
    const at = vcpu.nia;
    const word = this.#engine.wordAt(at);
    const row = word === undefined ? undefined : decode(word);
    const operand =
      row === undefined || word === undefined || kindOf(row) === 0n
        ? undefined
        : effectiveAddress(vcpu, row, word);
    const result = this.step(vcpu);
    if (result.executed === 0 || row === undefined || row.effect === 'linkage') return result;
    const breaks = breaksAt(vcpu, at, msr);
    const traces = (msr & MSR.SE) !== 0n || ((msr & MSR.BE) !== 0n && row.effect === 'branch');
    if (!breaks && !traces) return result;
    vcpu.setSpr(SPR.SIAR, at);
    if (operand !== undefined) vcpu.setSpr(SPR.SDAR, operand);
    this.#engine.interrupt(vcpu, VECTOR.trace, TRACED | kindOf(row) | (breaks ? AT_BREAKPOINT : 0n));
    return result;
  }
}

/** Whether the vCPU's next instruction may end with a trace interrupt. */
export function isTraced(vcpu: Vcpu): boolean {
  return (vcpu.msr & (MSR.SE | MSR.BE)) !== 0n || breaksNear(vcpu);
}

/** What SRR1 says of the instruction's storage access; cache operations count as the access that they prepare. */
function kindOf({ effect }: Row): bigint {
  switch (effect) {
    case 'load':
    case 'touch-load':
      return AFTER_LOAD;
    case 'store':
    case 'touch-store':
      return AFTER_STORE;
    default:
      return 0n;
  }
}
