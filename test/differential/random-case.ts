/**
 * One random case under construction (qemu-user.ts): its code in units that are executed whole or not at all, and what is
 * known of the registers at each place, so that addresses stay in the case's memory and operands of instructions with
 * undefined results can be chosen.
 *
 * Branches go forward only, to the start of a unit. What lies between a branch and its target may be skipped: whatever is
 * written there is unknown after it (a *shadow*).
 */

import type { RandomSource } from './random-source.ts';

/** Register numbers beside the GPRs, for knowledge. */
export const LR = 32;
export const CTR = 33;
export const TAR = 34;
export const XER_COUNT = 35;
const REGISTERS = 36;

/** The address of a unit, decided when a branch first uses it. */
export type Label = { unit: number | undefined };

type Shadow = { readonly end: number; readonly written: Set<number> };
type Fixup = {
  readonly word: number;
  readonly label: Label;
  readonly mask: number;
  readonly absolute: boolean;
};

export type Environment = {
  readonly random: RandomSource;
  readonly little: boolean;
  readonly codeAddress: number;
  readonly memoryAddress: number;
};

export class CaseBuilder {
  readonly random: RandomSource;
  readonly little: boolean;
  readonly memory: number;
  readonly codeAddress: number;
  readonly words: number[] = [];
  /** Values, and addresses that branches may use, by register. */
  readonly #values: (bigint | undefined)[] = new Array(REGISTERS).fill(undefined);
  readonly #labels: (Label | undefined)[] = new Array(REGISTERS).fill(undefined);
  /** Registers that hold an XER without reserved bits. */
  readonly validXer: Set<number> = new Set();
  /** Registers that hold decimal digits only. */
  readonly validBcd: Set<number> = new Set();
  /** Registers that held addresses in the beginning, and pairs whose sum was one. */
  readonly pointers: number[] = [];
  readonly smalls: number[] = [];
  readonly pairs: (readonly [number, number])[] = [];
  readonly #units: number[] = [];
  readonly #fixups: Fixup[] = [];
  #shadows: Shadow[] = [];

  constructor(environment: Environment) {
    this.random = environment.random;
    this.little = environment.little;
    this.memory = environment.memoryAddress;
    this.codeAddress = environment.codeAddress;
  }

  value(register: number): bigint | undefined {
    return this.#values[register];
  }
  /** The value as an address that may be near the memory, or undefined. */
  near(register: number): number | undefined {
    const value = this.#values[register];
    if (value === undefined || value >= 0x8000_0000n) return undefined;
    const number = Number(value);
    return number >= this.memory - 0x8000 && number < this.memory + 0x8000 ? number : undefined;
  }
  /** A label in a register that a branch from the next unit can go to. */
  usableLabel(register: number): Label | undefined {
    const label = this.#labels[register];
    return label !== undefined && (label.unit === undefined || label.unit > this.#units.length)
      ? label
      : undefined;
  }
  labelOf(register: number): Label | undefined {
    return this.#labels[register];
  }

  /** Something writes a register: what is known of it now. */
  write(register: number, known: { readonly value?: bigint; readonly label?: Label } = {}): void {
    this.#values[register] = known.value === undefined ? undefined : BigInt.asUintN(64, known.value);
    this.#labels[register] = known.label;
    this.validXer.delete(register);
    this.validBcd.delete(register);
    for (const shadow of this.#shadows) shadow.written.add(register);
  }

  /** Adds instructions that belong together. */
  unit(...words: number[]): void {
    this.#units.push(this.words.length);
    for (const word of words) this.words.push(word >>> 0);
  }

  /** A place one to four units after the next one, or the one that the label has already. */
  bind(label: Label = { unit: undefined }): Label {
    label.unit ??= this.#units.length + 1 + this.random.below(4);
    return label;
  }

  /** As {@link bind}, for a branch that has been added as the last unit. */
  bindAfterUnit(label: Label): void {
    label.unit ??= this.#units.length + this.random.below(4);
  }

  /** Adds a branch to a label: `mask` says which low bits hold the distance or, when absolute, the address. */
  branch(word: number, label: Label, mask: number, absolute: boolean): void {
    this.#fixups.push({ word: this.words.length, label, mask, absolute });
    this.unit(word);
    this.shadow(label);
  }

  /** What follows may be skipped up to the label. */
  shadow(label: Label): void {
    if ((label.unit as number) > this.#units.length)
      this.#shadows.push({ end: label.unit as number, written: new Set() });
  }

  /** Fills in the branches. @returns the address of a label; labels past the end are the end. */
  finish(): (label: Label) => number {
    const address = (label: Label): number => this.codeAddress + 4 * this.#position(label);
    for (const { word, label, mask, absolute } of this.#fixups) {
      const target = absolute ? address(label) : 4 * (this.#position(label) - word);
      this.words[word] = (((this.words[word] as number) & ~mask) | (target & mask)) >>> 0;
    }
    return address;
  }

  #position(label: Label): number {
    return this.#units[label.unit ?? this.#units.length] ?? this.words.length;
  }

  /** To be called before the next unit is chosen: forgets what a branch to here may have skipped. */
  settle(): void {
    const here = this.#units.length;
    const closed = this.#shadows.filter((each) => each.end <= here);
    if (closed.length === 0) return;
    this.#shadows = this.#shadows.filter((each) => each.end > here);
    for (const shadow of closed) for (const register of shadow.written) this.write(register);
  }
}
