/**
 * Who may execute what: instructions of Book III in privileged state, which is where a guest's kernel runs, and never in
 * hypervisor state. The table is from the sections that it names of Power ISA 2.07B (POWER8) and 3.0B (POWER9), and QEMU
 * 7.2 is asked as well.
 */

import { describe, expect, it } from 'vitest';
import { PROCESSOR_VERSION } from '../../src/emulator/cpu/processor.ts';
import { needsProgram } from '../support/programs.ts';
import { xForm } from '../synth/power-words.ts';
import { type Ending, here, type Processor, type Translation, underQemu } from './privileged-program.ts';

type Right = 'done' | 'hypervisor' | 'illegal';
/** On POWER8, on POWER9 with hash translation, and on POWER9 with radix translation and the guest's own shootdown. */
type Rights = readonly [Right, Right, Right];
type Case = readonly [name: string, word: number, rights: Rights];

const xl = (xo: number): number => ((19 << 26) | (xo << 1)) >>> 0;
/** RB = r28, which is 0; RS = r0. `form` is RIC, PRS and R. */
const tlb = (xo: number, form: number): number => xForm(0, form, 28, xo);
const [TLBIE, TLBIEL] = [306, 274];
const ALL_3: Rights = ['done', 'done', 'done'];
const HYPERVISOR: Rights = ['hypervisor', 'hypervisor', 'hypervisor'];
const POWER9_HYPERVISOR: Rights = ['illegal', 'hypervisor', 'hypervisor'];
const POWER8_HYPERVISOR: Rights = ['hypervisor', 'illegal', 'illegal'];

/** Power ISA 3.0B, Book III, §5.9.3 (translation), §3.3 (power saving), §11 (processor control), §4.4 (caching inhibited). */
const CASES: readonly Case[] = [
  // POWER8 ignores RIC, PRS and R, which are reserved in 2.07.
  ['tlbie', tlb(TLBIE, 0), HYPERVISOR],
  ['tlbie of a process', tlb(TLBIE, 2), ['hypervisor', 'hypervisor', 'done']],
  ['tlbie of a process, radix', tlb(TLBIE, 3), ['hypervisor', 'hypervisor', 'done']],
  ['tlbie of the partition, radix', tlb(TLBIE, 1), HYPERVISOR],
  ['tlbiel', tlb(TLBIEL, 0), ['done', 'done', 'hypervisor']],
  ['tlbiel of a process', tlb(TLBIEL, 2), ALL_3],
  ['tlbiel of a process, radix', tlb(TLBIEL, 3), ALL_3],
  ['tlbiel of the partition, radix', tlb(TLBIEL, 1), ['done', 'done', 'hypervisor']],
  ['tlbiel of everything by address, radix', tlb(TLBIEL, 8 | 3), ['done', 'done', 'illegal']],
  ['tlbiel of page walks by address, radix', tlb(TLBIEL, 4 | 3), ['done', 'done', 'illegal']],
  ['tlbiel of a series, radix', tlb(TLBIEL, 12 | 3), ['done', 'done', 'illegal']],
  ['tlbsync', xForm(0, 0, 0, 566), ['hypervisor', 'hypervisor', 'done']],
  ['slbie', xForm(0, 0, 28, 434), ['done', 'done', 'illegal']],
  ['slbieg', xForm(28, 0, 28, 466), ['illegal', 'done', 'illegal']],
  ['slbia', xForm(0, 0, 0, 498), ALL_3],
  ['slbiag', xForm(28, 0, 0, 850), ['illegal', 'done', 'illegal']],
  ['slbmte', xForm(28, 0, 28, 402), ['done', 'done', 'illegal']],
  ['slbmfee', xForm(6, 0, 28, 915), ['done', 'done', 'illegal']],
  ['slbmfev', xForm(6, 0, 28, 851), ['done', 'done', 'illegal']],
  ['slbfee.', xForm(6, 0, 28, 979, 1), ['done', 'done', 'illegal']],
  ['slbsync', xForm(0, 0, 0, 338), ['illegal', 'done', 'done']],
  ['tlbia, which neither has', xForm(0, 0, 0, 370), ['illegal', 'illegal', 'illegal']],
  ['mfmsr', xForm(6, 0, 0, 83), ALL_3],
  ['mtmsr, L = 1', xForm(28, 1, 0, 146), ALL_3],
  ['mtmsrd, L = 1', xForm(28, 1, 0, 178), ALL_3],
  ['hrfid', xl(274), HYPERVISOR],
  ['stop', xl(370), POWER9_HYPERVISOR],
  ['doze', xl(402), POWER8_HYPERVISOR],
  ['nap', xl(434), POWER8_HYPERVISOR],
  ['sleep', xl(466), POWER8_HYPERVISOR],
  ['rvwinkle', xl(498), POWER8_HYPERVISOR],
  ['msgsnd', xForm(0, 0, 28, 206), HYPERVISOR],
  ['msgclr', xForm(0, 0, 28, 238), HYPERVISOR],
  ['msgsync', xForm(0, 0, 0, 886), POWER9_HYPERVISOR],
  ['msgsndp', xForm(0, 0, 28, 142), ALL_3],
  ['msgclrp', xForm(0, 0, 28, 174), ALL_3],
  ...[
    'lwzcix 789',
    'lhzcix 821',
    'lbzcix 853',
    'ldcix 885',
    'stwcix 917',
    'sthcix 949',
    'stbcix 981',
    'stdcix 1013',
  ].map((each): Case => [each, xForm(6, 0, 7, Number(each.split(' ')[1])), HYPERVISOR]),
];

const MACHINES: readonly (readonly [Processor, Translation])[] = [
  ['power8', 'hash'],
  ['power9', 'hash'],
  ['power9', 'radix'],
];

/** Where QEMU 7.2 says otherwise, by machine, and why. */
const OTHERWISE: ReadonlyMap<string, string> = new Map(
  // The SLB's instructions do nothing of use under radix, where "the results are undefined"; QEMU keeps an SLB there too.
  ['slbie', 'slbieg', 'slbiag', 'slbmte', 'slbmfee', 'slbmfev', 'slbfee.'].map((name) => [
    `power9 radix ${name}`,
    'done',
  ]),
);

function right({ vector, srr1 }: Ending): string {
  if (vector === 0) return 'done';
  if (vector !== 0x700) return `vector ${vector.toString(16)}`;
  return (srr1 & 0x40000n) !== 0n ? 'hypervisor' : (srr1 & 0x80000n) !== 0n ? 'illegal' : 'trap';
}

describe('instructions in privileged state', () => {
  describe.each(MACHINES.map((machine, i) => [...machine, i] as const))(
    '%s, %s',
    (processor, translation, i) => {
      const words = CASES.map(([, word]) => [word]);
      const named = (of: readonly Ending[], change: (name: string, is: string) => string): string[] =>
        of.map((ending, at) => {
          const name = CASES[at]?.[0] ?? '';
          return `${name}: ${change(name, right(ending))}`;
        });
      const wanted = CASES.map(([name, , rights]) => `${name}: ${rights[i]}`);

      it('here: as the table says', () => {
        expect(named(here(PROCESSOR_VERSION[processor], translation, words), (_, is) => is)).toEqual(wanted);
      });

      it('QEMU: as the table says, but for what is listed', async () => {
        needsProgram('qemu-system-ppc64');
        const table = CASES.map(
          ([name, , rights]) =>
            `${name}: ${OTHERWISE.get(`${processor} ${translation} ${name}`) ?? rights[i]}`,
        );
        expect(named(await underQemu(processor, translation, words), (_, is) => is)).toEqual(table);
      }, 60_000);
    },
  );
});
