/**
 * Invalid forms: words of an instruction whose operands contradict each other, as its section says. Power ISA 3.0B, Book I
 * §1.8.2 lets a processor refuse them as illegal or do anything bounded; this machine, like QEMU 7.2, refuses.
 */

import { bits } from './operands.ts';

const target = (word: number): number => bits(word, 6, 10);
const ra = (word: number): number => bits(word, 11, 15);
const rb = (word: number): number => bits(word, 16, 20);
const isOdd = (word: number): boolean => (target(word) & 1) !== 0;

/** Whether a register is one of `count` from `first` on, around the end. */
export function isAmong(register: number, first: number, count: number): boolean {
  return ((register - first) & 31) < count;
}

export type InvalidForm = (word: number) => boolean;

type Kind =
  | 'updating'
  | 'updatingLoad'
  | 'multiple'
  | 'stringImmediate'
  | 'string'
  | 'oddPair'
  | 'pairLoad'
  | 'reservingPair';
/** By kind. §3.3.2, §3.3.3, §4.6.2 (update), §3.3.5 (multiple), §3.3.6 (string), §3.3.4 and Book II §4.6.2.2 (pairs). */
export const INVALID: Readonly<Record<Kind, InvalidForm>> = {
  /** RA = 0. */
  updating: (word) => ra(word) === 0,
  /** RA = 0 or RA = RT. */
  updatingLoad: (word) => ra(word) === 0 || ra(word) === target(word),
  /** RA among RT to 31, which RA = 0 is with RT = 0. */
  multiple: (word) => ra(word) >= target(word),
  /** RA, also where it stands for 0, among the registers of NB bytes. */
  stringImmediate: (word) => isAmong(ra(word), target(word), Math.ceil((rb(word) || 32) / 4)),
  /** RT = RA or RT = RB. That RA or RB is among the registers of as many bytes as XER says is seen when it is executed. */
  string: (word) => ra(word) === target(word) || rb(word) === target(word),
  /** An odd RS. */
  oddPair: isOdd,
  /** An odd RT, or RT = RA. */
  pairLoad: (word) => isOdd(word) || ra(word) === target(word),
  /** An odd RT, or RT = RA or RB. */
  reservingPair: (word) => isOdd(word) || ra(word) === target(word) || rb(word) === target(word),
};
