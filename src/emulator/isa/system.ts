/** System linkage, MSR and translation management: Power ISA 3.0B, Book III, and `attn`, which ends a bare program. */

import { form, type Row, type RowOptions, rows } from './row.ts';

/** Hypervisor privileged: a guest, which is never in hypervisor state, gets a program interrupt. */
const HYPERVISOR: RowOptions = { privileged: true, special: 'hypervisor' };
/**
 * Transactional memory, Book II chapter 5, which this machine does not offer: MSR[TM] is always 0, and each is a facility
 * unavailable interrupt, in whatever state. treclaim. and trechkpt. are privileged.
 */
const transactional = (mnemonic: string, xo: number, options: RowOptions = {}): readonly Row[] =>
  rows(mnemonic.slice(0, -1), 31, [21, 30, xo], '', 'system', {
    ...options,
    fixed: [[31, 31, 1]],
    special: 'transactional',
  }).map((row) => ({ ...row, mnemonic, record: true }));

export const SYSTEM: readonly Row[] = [
  ...rows('sc', 17, [30, 31, 2], 'LEV', 'linkage', { special: true }),
  ...rows('scv', 17, [30, 31, 1], 'LEV', 'linkage', { special: true, since: '3.0' }),
  ...form.X('rfscv', 19, 82, '', 'linkage', { privileged: true, special: true, since: '3.0' }),
  ...form.X('rfid', 19, 18, '', 'linkage', { privileged: true, special: true }),
  ...form.X('hrfid', 19, 274, '', 'linkage', HYPERVISOR),
  ...form.X('stop', 19, 370, '', 'linkage', { ...HYPERVISOR, since: '3.0' }),
  ...form.X('doze', 19, 402, '', 'linkage', { ...HYPERVISOR, until: '2.07' }),
  ...form.X('nap', 19, 434, '', 'linkage', { ...HYPERVISOR, until: '2.07' }),
  ...form.X('sleep', 19, 466, '', 'linkage', { ...HYPERVISOR, until: '2.07' }),
  ...form.X('rvwinkle', 19, 498, '', 'linkage', { ...HYPERVISOR, until: '2.07' }),
  ...form.X('mtmsr', 31, 146, 'RS L15', 'system', { privileged: true, special: true }),
  ...form.X('mtmsrd', 31, 178, 'RS L15', 'system', { privileged: true, special: true }),
  ...form.X('mfmsr', 31, 83, 'RT', 'registers', { privileged: true }),
  ...form.X('slbie', 31, 434, 'RB', 'system', { privileged: true, special: true }),
  ...form.X('slbieg', 31, 466, 'RS RB', 'system', { privileged: true, special: true, since: '3.0' }),
  ...form.X('slbiag', 31, 850, 'RS L15', 'system', { privileged: true, special: true, since: '3.0' }),
  ...form.X('slbia', 31, 498, 'WORD', 'system', { privileged: true, special: true }),
  ...form.X('slbmte', 31, 402, 'RS RB', 'system', { privileged: true, special: true }),
  ...form.X('slbmfev', 31, 851, 'RT RB', 'system', { privileged: true, special: true }),
  ...form.X('slbmfee', 31, 915, 'RT RB', 'system', { privileged: true, special: true }),
  ...rows('slbfee', 31, [21, 30, 979], 'RT RB', 'system', {
    privileged: true,
    fixed: [[31, 31, 1]],
    special: true,
  }).map((row) => ({
    ...row,
    mnemonic: 'slbfee.',
    record: true,
  })),
  ...form.X('tlbie', 31, 306, 'RB RS WORD', 'system', { privileged: true, special: true }),
  ...form.X('tlbiel', 31, 274, 'RB RS WORD', 'system', { privileged: true, special: true }),
  ...form.X('tlbsync', 31, 566, '', 'system', { privileged: true, special: true }),
  ...form.X('slbsync', 31, 338, '', 'system', { privileged: true, special: true, since: '3.0' }),
  ...form.X('msgsnd', 31, 206, 'RB', 'system', HYPERVISOR),
  ...form.X('msgclr', 31, 238, 'RB', 'system', HYPERVISOR),
  ...form.X('msgsync', 31, 886, '', 'system', { ...HYPERVISOR, since: '3.0' }),
  ...form.X('lwzcix', 31, 789, 'RT RA0 RB', 'system', HYPERVISOR),
  ...form.X('lhzcix', 31, 821, 'RT RA0 RB', 'system', HYPERVISOR),
  ...form.X('lbzcix', 31, 853, 'RT RA0 RB', 'system', HYPERVISOR),
  ...form.X('ldcix', 31, 885, 'RT RA0 RB', 'system', HYPERVISOR),
  ...form.X('stwcix', 31, 917, 'RS RA0 RB', 'system', HYPERVISOR),
  ...form.X('sthcix', 31, 949, 'RS RA0 RB', 'system', HYPERVISOR),
  ...form.X('stbcix', 31, 981, 'RS RA0 RB', 'system', HYPERVISOR),
  ...form.X('stdcix', 31, 1013, 'RS RA0 RB', 'system', HYPERVISOR),
  ...form.X('msgsndp', 31, 142, 'RB', 'system', { privileged: true, special: true }),
  ...form.X('msgclrp', 31, 174, 'RB', 'system', { privileged: true, special: true }),
  ...transactional('tbegin.', 654),
  ...transactional('tend.', 686),
  ...transactional('tabort.', 910),
  ...transactional('tabortwc.', 782),
  ...transactional('tabortwci.', 846),
  ...transactional('tabortdc.', 814),
  ...transactional('tabortdci.', 878),
  ...transactional('tsr.', 750),
  ...form.X('tcheck', 31, 718, 'BF', 'system', { special: 'transactional' }),
  ...transactional('treclaim.', 942, { privileged: true }),
  ...transactional('trechkpt.', 1006, { privileged: true }),
  ...rows('attn', 0, [21, 30, 256], '', 'linkage'),
];
