/**
 * Finds until when a loop waits that reads the timebase. It follows the timebase through the registers of one turn of the
 * loop, through moves, sums and differences, to where it is compared with something that does not change.
 *
 * Left out: loops that use the timebase otherwise, 32-bit comparisons among them. Their end is not known.
 */

import { SPR } from '../../cpu/spr.ts';
import { nanosecondsAt } from '../../cpu/timebase.ts';
import type { Vcpu } from '../../cpu/vcpu.ts';
import type { Row } from '../../isa/index.ts';

const COMPARISONS = new Set(['cmpd', 'cmpld', 'cmpdi', 'cmpldi']);

/** mftb and mfspr of TB and TBU. */
export function readsTimebase(row: Row, word: number): boolean {
  const spr = value(row, word, 'SPR');
  return (row.base === 'mftb' || row.base === 'mfspr') && (spr === SPR.TB || spr === SPR.TBU);
}

export class DelayLoop {
  /** Registers that hold the timebase plus a constant (1), or a constant less the timebase (-1). */
  readonly #holders = new Map<number, 1 | -1>();
  /** The register that the instruction before this one read the timebase into. */
  #reading: number | undefined;
  #read = 0n;
  #known = true;
  #end: bigint | undefined;

  /** Whether the timebase has been compared. */
  get compared(): boolean {
    return this.#end !== undefined;
  }

  /** When the loop sees its end: ns since power-on. Undefined: not known. */
  get untilNs(): number | undefined {
    return this.#known && this.#end !== undefined ? nanosecondsAt(this.#end) : undefined;
  }

  /** The loop's next instruction, before the vCPU executes it. */
  see(vcpu: Vcpu, row: Row, word: number): void {
    if (this.#reading !== undefined) this.#read = vcpu.gpr(this.#reading);
    this.#reading = undefined;
    const register = (name: string): number | undefined => value(row, word, name);
    const sign = (name: string): 1 | -1 | undefined => this.#holders.get(register(name) ?? -1);
    const set = (to: number, holds: 1 | -1 | undefined): void => {
      if (holds === undefined) this.#holders.delete(to);
      else this.#holders.set(to, holds);
    };
    const { base } = row;
    const target = register('RT') ?? -1;
    if (readsTimebase(row, word)) {
      this.#known &&= register('SPR') === SPR.TB;
      this.#reading = target;
      this.#holders.set(target, 1);
    } else if (COMPARISONS.has(base)) this.#compare(vcpu, row, word);
    else if (base === 'or' && register('RS') === register('RB')) set(register('RA') ?? -1, sign('RS'));
    else if (base === 'addi') set(target, sign('RA0'));
    else if ((base === 'add' || base === 'subf') && (sign('RA') === undefined || sign('RB') === undefined)) {
      const subtracted = sign('RA');
      const negated = subtracted === 1 ? -1 : 1;
      set(target, sign('RB') ?? (subtracted === undefined || base === 'add' ? subtracted : negated));
    } else if (row.operands.some(({ name, kind }) => kind.startsWith('gpr') && sign(name) !== undefined))
      this.#known = false;
  }

  /** Where the two sides are equal, the loop ends, or does so one tick later. */
  #compare(vcpu: Vcpu, row: Row, word: number): void {
    const side = (name: string): { value: bigint; sign: number } => {
      const operand = value(row, word, name) ?? 0;
      if (name !== 'RA' && name !== 'RB') return { value: BigInt(operand), sign: 0 };
      return { value: vcpu.gpr(operand), sign: this.#holders.get(operand) ?? 0 };
    };
    const right = row.operands.some(({ name }) => name === 'RB') ? 'RB' : row.base === 'cmpdi' ? 'SI' : 'UI';
    const [a, b] = [side('RA'), side(right)];
    const closing = a.sign - b.sign;
    if (closing !== 1 && closing !== -1) {
      this.#known &&= closing === 0;
      return;
    }
    const ticks = BigInt.asIntN(64, b.value - a.value) * BigInt(closing);
    // The other way round: it has been passed, or is not what is waited for.
    if (ticks <= 0n) return;
    const end = this.#read + ticks;
    if (this.#end === undefined || end < this.#end) this.#end = end;
  }
}

function value(row: Row, word: number, name: string): number | undefined {
  const operand = row.operands.find((each) => each.name === name);
  return operand === undefined ? undefined : Number(operand.extract(word));
}
