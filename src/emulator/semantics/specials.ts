/** The host's parts of instructions: their names and numbers. What they do is engine/specials' business. */

import { BugError } from '../../base/errors.ts';

export const SPECIAL_NAMES: readonly string[] = [
  'mfspr',
  'mtspr',
  'sc',
  'scv',
  'rfscv',
  'rfid',
  'hrfid',
  'stop',
  'mtmsr',
  'mtmsrd',
  'slbie',
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
  'darn',
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
];

export function specialId(name: string): number {
  const id = SPECIAL_NAMES.indexOf(name);
  if (id < 0) throw new BugError(`${name} is no special`);
  return id;
}
