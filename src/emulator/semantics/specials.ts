/** The host's parts of instructions: their names, by what semantics make of them, and numbers. What they do is engine/specials' business. */

import { BugError } from '../../base/errors.ts';

/** Only the host's part, and a program interrupt in problem state. */
export const PRIVILEGED_SPECIALS: readonly string[] = [
  'rfscv',
  'rfid',
  'hrfid',
  'stop',
  'mtmsr',
  'mtmsrd',
  'slbie',
  'slbieg',
  'slbia',
  'slbmte',
  'slbmfev',
  'slbmfee',
  'slbfee',
  'tlbie',
  'tlbiel',
  'tlbsync',
  'slbsync',
  'msgsndp',
  'msgclrp',
];

/** Only the host's part: several registers or a string at once, the quadword forms, atomic memory operations, copy and paste. */
export const STORAGE_SPECIALS: readonly string[] = [
  'lmw',
  'stmw',
  'lswi',
  'lswx',
  'stswi',
  'stswx',
  'lq',
  'stq',
  'lqarx',
  'stqcx',
  'lwat',
  'ldat',
  'stwat',
  'stdat',
  'copy',
  'paste',
  'cpabort',
];

/** With something of their own before the host's part. */
const OTHERS: readonly string[] = ['mfspr', 'mtspr', 'sc', 'scv', 'darn'];

/** All of them; a special's number is its place here. */
export const SPECIAL_NAMES: readonly string[] = [...OTHERS, ...PRIVILEGED_SPECIALS, ...STORAGE_SPECIALS];

export function specialId(name: string): number {
  const id = SPECIAL_NAMES.indexOf(name);
  if (id < 0) throw new BugError(`${name} is no special`);
  return id;
}
