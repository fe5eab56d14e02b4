/**
 * Single-step and branch tracing, MSR[SE] and MSR[BE]: Power ISA 3.0B, Book III §6.5.15. A vCPU with one of them set is run
 * one instruction at a time; the engine itself knows nothing of it, but comes back when they are set.
 *
 * Left out: CIABR, which a guest reaches only through its hypervisor.
 */

import { VECTOR } from '../cpu/interrupts.ts';
import { MSR_BE_BIT, MSR_SE_BIT, MSR_SF_BIT } from '../cpu/msr.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import type { Engine, RunEnd } from '../engine/engine.ts';
import { step } from '../engine/step.ts';
import { decode, type Row } from '../isa/index.ts';
import type { Arena } from '../memory/arena.ts';

/** How a step ended, and what it executed: nothing, where the instruction raised an interrupt. */
export type Step = { readonly end: RunEnd; readonly executed: number };

/** SRR1: a trace interrupt; after a load; after a store. */
const TRACED = 1n << 30n;
const AFTER_LOAD = 1n << 28n;
const AFTER_STORE = 1n << 27n;
const SIAR = 796;
const SDAR = 797;

/** These change MSR or leave for another state, and are not traced. */
const UNTRACED = new Set(['rfid', 'hrfid', 'rfscv', 'sc', 'scv', 'stop', 'attn']);
const BRANCHES = /^(b|bc|bclr|bcctr|bctar)l?a?$/;
/** Cache operations, which do not begin with l or st, by what they count as. */
const LIKE_LOADS = new Set(['icbi', 'icbt', 'dcbt', 'dcbst', 'dcbf', 'copy']);
const LIKE_STORES = new Set(['dcbz', 'dcbtst', 'paste']);

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
    try {
      return step(this.#engine, this.#arena, vcpu);
    } finally {
      this.#stepping = false;
    }
  }

  /** A {@link step} of a vCPU that {@link isTraced}, and the trace interrupt after it. */
  traced(vcpu: Vcpu): Step {
    const { msr } = vcpu;
    const at = vcpu.nia;
    const word = this.#engine.wordAt(at);
    const row = word === undefined ? undefined : decode(word);
    const operand = row === undefined || word === undefined ? undefined : operandAddress(vcpu, row, word);
    const result = this.step(vcpu);
    if (result.executed === 0 || row === undefined || UNTRACED.has(row.base)) return result;
    if ((msr & MSR_SE_BIT) === 0n && !BRANCHES.test(row.base)) return result;
    vcpu.setSpr(SIAR, at);
    if (operand !== undefined) vcpu.setSpr(SDAR, operand);
    this.#engine.interrupt(vcpu, VECTOR.trace, TRACED | kindOf(row));
    return result;
  }
}

/** Whether each instruction, or each branch, of the vCPU ends with an interrupt. */
export function isTraced(vcpu: Vcpu): boolean {
  return (vcpu.msr & (MSR_SE_BIT | MSR_BE_BIT)) !== 0n;
}

function kindOf({ base }: Row): bigint {
  if (LIKE_LOADS.has(base) || (base.startsWith('l') && !base.startsWith('lvs'))) return AFTER_LOAD;
  return LIKE_STORES.has(base) || base.startsWith('st') ? AFTER_STORE : 0n;
}

/** The effective address of a storage operand; undefined for an instruction that has none. */
function operandAddress(vcpu: Vcpu, row: Row, word: number): bigint | undefined {
  if (kindOf(row) === 0n) return undefined;
  let ea = 0n;
  for (const operand of row.operands) {
    const value = operand.extract(word);
    if (operand.name === 'RA0') ea += value === 0 ? 0n : vcpu.gpr(Number(value));
    else if (operand.name === 'RA' || operand.name === 'RB') ea += vcpu.gpr(Number(value));
    else if (operand.name === 'D' || operand.name === 'DS' || operand.name === 'DQ') ea += BigInt(value);
  }
  return (vcpu.msr & MSR_SF_BIT) === 0n ? ea & 0xffffffffn : BigInt.asUintN(64, ea);
}
