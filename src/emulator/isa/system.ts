/** System linkage, MSR and translation management: Power ISA 3.0B, Book III, and `attn`, which ends a bare program. */

import { form, type Row, rows } from './row.ts';

export const SYSTEM: readonly Row[] = [
  ...rows('sc', 17, [30, 31, 2], 'LEV'),
  ...rows('scv', 17, [30, 31, 1], 'LEV'),
  ...form.X('rfscv', 19, 82, '', { privileged: true }),
  ...form.X('rfid', 19, 18, '', { privileged: true }),
  ...form.X('hrfid', 19, 274, '', { privileged: true }),
  ...form.X('stop', 19, 370, '', { privileged: true }),
  ...form.X('mtmsr', 31, 146, 'RS L15', { privileged: true }),
  ...form.X('mtmsrd', 31, 178, 'RS L15', { privileged: true }),
  ...form.X('mfmsr', 31, 83, 'RT', { privileged: true }),
  ...form.X('slbie', 31, 434, 'RB', { privileged: true }),
  ...form.X('slbieg', 31, 466, 'RS RB', { privileged: true }),
  ...form.X('slbia', 31, 498, 'WORD', { privileged: true }),
  ...form.X('slbmte', 31, 402, 'RS RB', { privileged: true }),
  ...form.X('slbmfev', 31, 851, 'RT RB', { privileged: true }),
  ...form.X('slbmfee', 31, 915, 'RT RB', { privileged: true }),
  ...rows('slbfee', 31, [21, 30, 979], 'RT RB', { privileged: true, fixed: [[31, 31, 1]] }).map((row) => ({
    ...row,
    mnemonic: 'slbfee.',
    record: true,
  })),
  ...form.X('tlbie', 31, 306, 'RB RS WORD', { privileged: true }),
  ...form.X('tlbiel', 31, 274, 'RB RS WORD', { privileged: true }),
  ...form.X('tlbsync', 31, 566, '', { privileged: true }),
  ...form.X('slbsync', 31, 338, '', { privileged: true }),
  ...form.X('msgsndp', 31, 142, 'RB', { privileged: true }),
  ...form.X('msgclrp', 31, 174, 'RB', { privileged: true }),
  ...rows('attn', 0, [21, 30, 256], ''),
];
