/** Translation management for a radix guest: tlbie and friends, Power ISA 3.0B, Book III, §5.9.3, and directed doorbells. */

import { EXIT } from '../cpu/exit.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import { bits } from '../isa/index.ts';
import type { Special, SpecialHost } from './specials.ts';

/** RB[56:58], the actual page size, to 4 KiB pages; larger sizes drop everything. */
const PAGES_BY_AP: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [5, 16],
]);

export function translationSpecials(s: SpecialHost): [string, Special][] {
  const invalidate = (vcpus: readonly Vcpu[], word: number): number => {
    const rb = s.vcpu().gpr(bits(word, 16, 20));
    const radix = bits(word, 15, 15) === 1;
    const ric = bits(word, 12, 13);
    const selector = Number((rb >> 10n) & 3n);
    // RIC 1 is the page walk cache alone: there is none.
    if (radix && ric === 1) return 0;
    const pages = radix && ric === 0 && selector === 0 ? PAGES_BY_AP.get(Number((rb >> 5n) & 7n)) : undefined;
    for (const vcpu of vcpus) {
      if (pages === undefined) vcpu.tlb.flushAll();
      else {
        const base = Number(rb & 0xffff_f000n) & ~(pages * 4096 - 1);
        for (let i = 0; i < pages; i++) vcpu.tlb.flushPage((base + i * 4096) | 0);
      }
    }
    return 0;
  };
  /** Segment lookaside buffer instructions: the SLB is not used by a radix guest; slbia alone is issued, and drops nothing here. */
  const segment =
    (mnemonic: string): Special =>
    () => {
      const vcpu = s.vcpu();
      s.host.unsupported({
        kind: 'instruction',
        key: mnemonic,
        where: `0x${vcpu.cia.toString(16).padStart(16, '0')}`,
        detail: 'no SLB in radix mode',
      });
      return EXIT.illegal;
    };
  return [
    ['tlbie', (word) => invalidate(s.host.allVcpus(), word)],
    ['tlbiel', (word) => invalidate([s.vcpu()], word)],
    ['tlbsync', () => 0],
    ['slbsync', () => 0],
    ['slbia', () => 0],
    ...['slbie', 'slbmte', 'slbmfev', 'slbmfee', 'slbfee'].map((name): [string, Special] => [
      name,
      segment(name),
    ]),
    [
      'msgsndp',
      (word) => {
        const rb = s.vcpu().gpr(bits(word, 16, 20));
        // Message type 5: directed privileged doorbell, to thread RB[57:63] of the core.
        if (((rb >> 27n) & 31n) === 5n) s.host.doorbell(s.vcpu(), Number(rb & 127n));
        return 0;
      },
    ],
    [
      'msgclrp',
      (word) => {
        const rb = s.vcpu().gpr(bits(word, 16, 20));
        if (((rb >> 27n) & 31n) === 5n) s.vcpu().doorbell = false;
        return 0;
      },
    ],
  ];
}
