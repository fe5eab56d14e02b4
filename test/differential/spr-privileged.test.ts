/**
 * Every special purpose register of POWER8 and POWER9: number, width, who reads, who writes. The list is from Power ISA
 * 3.0B, Book III §4.4.4, the figure of SPR encodings, and 2.07B; of those that are not in it, from QEMU 7.2
 * (target/ppc/cpu_init.c, init_proc_POWER8 and init_proc_POWER9). The table of the machine is compared with it, and QEMU
 * is asked what a kernel may read and write.
 */

import { describe, expect, it } from 'vitest';
import { hasSpr, SPR_ROWS, type SprRow } from '../../src/emulator/cpu/spr.ts';
import { needsProgram } from '../support/programs.ts';
import { mfspr, mtspr } from '../synth/power-words.ts';
import { type Ending, underQemu } from './privileged-program.ts';

/** Number, name, width; who reads and who writes: p, any program; s, the kernel; h, a hypervisor; -, nobody; only one version. */
const ISA = `
1 XER 64 p p, 3 DSCR 64 p p, 8 LR 64 p p, 9 CTR 64 p p, 13 AMR 64 p p, 17 DSCR 64 s s, 18 DSISR 32 s s, 19 DAR 64 s s,
22 DEC 64 s s, 26 SRR0 64 s s, 27 SRR1 64 s s, 28 CFAR 64 s s, 29 AMR 64 s s, 31 ACOP 64 s s 2.07, 48 PIDR 32 s s,
61 IAMR 64 s s, 128 TFHAR 64 p p, 129 TFIAR 64 p p, 130 TEXASR 64 p p, 131 TEXASRU 32 p p, 136 CTRL 32 p -,
144 TIDR 64 s s 3.0, 152 CTRL 32 - s, 153 FSCR 64 s s, 157 UAMOR 64 s s, 159 PSPB 32 s s, 176 DPDES 64 s h,
180 DAWR 64 h h, 186 RPR 64 h h, 187 CIABR 64 h h, 188 DAWRX 32 h h, 190 HFSCR 64 h h, 256 VRSAVE 32 p p,
259 SPRG3 64 p -, 268 TB 64 p -, 269 TBU 32 p -, 272 SPRG0 64 s s, 273 SPRG1 64 s s, 274 SPRG2 64 s s, 275 SPRG3 64 s s,
284 TBL 32 - h, 285 TBU 32 - h, 286 TBU40 64 - h, 287 PVR 32 s -, 304 HSPRG0 64 h h, 305 HSPRG1 64 h h, 306 HDSISR 32 h h,
307 HDAR 64 h h, 308 SPURR 64 s h, 309 PURR 64 s h, 310 HDEC 64 h h, 313 HRMOR 64 h h, 314 HSRR0 64 h h, 315 HSRR1 64 h h,
318 LPCR 64 h h, 319 LPIDR 32 h h, 336 HMER 64 h h, 337 HMEER 64 h h, 338 PCR 64 h h, 339 HEIR 32 h h, 349 AMOR 64 h h,
446 TIR 64 s -, 464 PTCR 64 h h 3.0, 768 SIER 64 p -, 769 MMCR2 64 p p, 770 MMCRA 64 p p, 771 PMC1 32 p p, 772 PMC2 32 p p,
773 PMC3 32 p p, 774 PMC4 32 p p, 775 PMC5 32 p p, 776 PMC6 32 p p, 779 MMCR0 64 p p, 780 SIAR 64 p -, 781 SDAR 64 p -,
782 MMCR1 64 p -, 784 SIER 64 s s, 785 MMCR2 64 s s, 786 MMCRA 64 s s, 787 PMC1 32 s s, 788 PMC2 32 s s, 789 PMC3 32 s s,
790 PMC4 32 s s, 791 PMC5 32 s s, 792 PMC6 32 s s, 795 MMCR0 64 s s, 796 SIAR 64 s s, 797 SDAR 64 s s, 798 MMCR1 64 s s,
800 BESCRS 64 p p, 801 BESCRSU 32 p p, 802 BESCRR 64 p p, 803 BESCRRU 32 p p, 804 EBBHR 64 p p, 805 EBBRR 64 p p,
806 BESCR 64 p p, 815 TAR 64 p p, 816 ASDR 64 h h 3.0, 823 PSSCR 64 s s 3.0, 848 IC 64 s h, 849 VTB 64 s h,
855 PSSCR 64 h h 3.0, 888 TACR 64 s s 2.07, 889 TCSCR 64 s s 2.07, 890 CSIGR 64 s s 2.07, 892 SPMC1 64 s s 2.07,
893 SPMC2 64 s s 2.07, 894 MMCRS 64 s s 2.07, 895 WORT 64 s s, 896 PPR 64 p p, 898 PPR32 32 p p, 1023 PIR 32 s -`;

const LETTERS = { problem: 'p', privileged: 's', hypervisor: 'h', '-': '-' } as const;

const described = (row: SprRow): string =>
  [row.number, row.name.replace('_WRITE', ''), row.width, LETTERS[row.reads], LETTERS[row.writes], row.only]
    .filter((each) => each !== undefined)
    .join(' ');

/** Numbers whose accesses QEMU 7.2 ends otherwise in privileged state, and why. */
const OTHERWISE: readonly (readonly [why: string, numbers: readonly number[]])[] = [
  ['QEMU does not know the number in this state', [3, 339, 823, 855, 898]],
  ['QEMU lets a kernel set the timebase', [284, 285]],
  ['QEMU lets a kernel write what programs have by this number, read only', [768, 780, 781, 782]],
];
const OTHER: ReadonlySet<number> = new Set(OTHERWISE.flatMap(([, numbers]) => numbers));
/** Registers of which QEMU keeps 64 bits where there are 32, or that it masks, or that count. */
const OTHER_VALUES: ReadonlySet<number> = new Set([
  // XER keeps reserved bits; AMR by 13 is masked by UAMOR in any state, against mtspr's definition; DEC counts.
  ...[1, 13, 22],
  ...[18, 48, 256],
  ...[771, 772, 773, 774, 775, 776, 787, 788, 789, 790, 791, 792],
]);

type May = 'yes' | 'no' | 'facility';
function may({ vector }: Ending): May | string {
  if (vector === 0) return 'yes';
  return vector === 0x700 ? 'no' : vector === 0xf60 ? 'facility' : `vector ${vector.toString(16)}`;
}

describe('special purpose registers in privileged state', () => {
  it('the table: as the architecture lists them', () => {
    expect(SPR_ROWS.map(described)).toEqual(ISA.trim().split(/,\s+/));
  });

  it.each([
    ['power8', '2.07'],
    ['power9', '3.0'],
  ] as const)(
    '%s under QEMU: a kernel may what the table says, and the same bits are kept',
    async (processor, isa) => {
      needsProgram('qemu-system-ppc64');
      const rows = SPR_ROWS.filter((row) => hasSpr(row, isa) && !OTHER.has(row.number));
      const cases = rows.flatMap(({ number }) => [
        [mfspr(6, number)],
        [mtspr(number, 5)],
        [mtspr(number, 5), mfspr(6, number)],
      ]);
      const endings = await underQemu(processor, 'hash', cases);
      const wanted: string[] = [];
      const found: string[] = [];
      rows.forEach((row, i) => {
        const [read, write, both] = endings.slice(3 * i, 3 * i + 3) as [Ending, Ending, Ending];
        const right = (state: SprRow['reads']): May =>
          row.kind === 'unavailable'
            ? 'facility'
            : state === 'problem' || state === 'privileged'
              ? 'yes'
              : 'no';
        const [reads, writes] = [right(row.reads), right(row.writes)];
        const keeps =
          row.kind === 'plain' && reads === 'yes' && writes === 'yes' && !OTHER_VALUES.has(row.number);
        const value = BigInt.asUintN(row.width, 0x0123_4567_89ab_cdefn).toString(16);
        wanted.push(`${row.key} ${reads} ${writes} ${keeps ? value : ''}`);
        found.push(`${row.key} ${may(read)} ${may(write)} ${keeps ? both.r6.toString(16) : ''}`);
      });
      expect(found).toEqual(wanted);
    },
    60_000,
  );
});
