/**
 * Translation management, Power ISA 3.0B, Book III, §5.9.3: the SLB's instructions for hash translation, tlbie and its
 * kin for radix; and directed doorbells.
 *
 * Under hash translation the page table is the hypervisor's, and so are tlbie and tlbsync; tlbiel is privileged. Under
 * radix the SLB is not used; slbia alone is issued there, and drops nothing.
 */

import { hex64 } from '../../base/hex.ts';
import { EA_REGION } from '../../base/power.ts';
import { EXIT } from '../cpu/exit.ts';
import { CR, XER_SO } from '../cpu/layout.ts';
import { processorModel } from '../cpu/processor.ts';
import type { Vcpu } from '../cpu/vcpu.ts';
import { bits } from '../isa/index.ts';
import { highHalf, lowHalf } from '../mmu/contract.ts';
import { SLB_ENTRIES } from '../mmu/slb.ts';
import type { Special, SpecialHost } from './special-host.ts';

/** RB[56:58], the actual page size, to 4 KiB pages; larger sizes drop everything. */
const PAGES_BY_AP: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [5, 16],
]);
/** The encodings that there are: 4 KiB, 2 MiB, 1 GiB, 64 KiB. */
const RADIX_PAGE_SIZES: ReadonlySet<number> = new Set([0, 1, 2, 5]);

/** Of slbmte's and slbmfee's RB: the index. */
const SLB_INDEX = 0xfffn;
/** ESID of a segment of 256 MiB. */
const ESID = 0xfffffffff0000000n;

export function translationSpecials(s: SpecialHost): [string, Special][] {
  const hash = s.storage.mmu.kind === 'hash';
  return [
    ...(hash ? segmentSpecials(s) : withoutSegments(s)),
    ...(hash ? hashPageSpecials(s) : radixPageSpecials(s)),
    ['tlbsync', () => (hash ? EXIT.privileged : 0)],
    ['slbsync', () => 0],
    ...doorbellSpecials(s),
  ];
}

/**
 * Under hash translation without the guest's own shootdown (LPCR[GTSE] = 0, and POWER8) tlbie is the hypervisor's. tlbiel is
 * privileged: what it drops is this processor's alone. All of it goes, whatever RB and RS name.
 */
function hashPageSpecials(s: SpecialHost): [string, Special][] {
  return [
    ['tlbie', () => EXIT.privileged],
    [
      'tlbiel',
      () => {
        s.storage.mmu.invalidate(s.vcpu().tlb);
        return 0;
      },
    ],
  ];
}

/** RIC of tlbie and tlbiel: the TLB, page walks, everything, a series of pages. RB[54:55], IS: by address, by process. */
const RIC = { walks: 1, all: 2, series: 3 } as const;
const IS = { address: 0, process: 1 } as const;

/** Under radix: of partition scope (PRS = 0) they are the hypervisor's; forms that POWER9 lacks are invalid. */
function radixPageSpecials(s: SpecialHost): [string, Special][] {
  const invalidate = (word: number, everywhere: boolean): number => {
    const rb = s.vcpu().gpr(bits(word, 16, 20));
    if (bits(word, 14, 14) === 0) return EXIT.privileged;
    const radix = bits(word, 15, 15) === 1;
    const ric = bits(word, 12, 13);
    const selector = Number((rb >> 10n) & 3n);
    if (radix && (ric === RIC.series || (ric !== 0 && selector === IS.address))) return EXIT.illegal;
    // There is no cache of page walks.
    if (radix && ric === RIC.walks) return 0;
    const single = radix && selector === IS.address;
    const size = Number((rb >> 5n) & 7n);
    if (single && !RADIX_PAGE_SIZES.has(size)) return EXIT.illegal;
    const pages = single ? PAGES_BY_AP.get(size) : undefined;
    const base = pages === undefined ? undefined : Number(rb & 0xffff_f000n) & ~(pages * 4096 - 1);
    for (const vcpu of everywhere ? s.host.allVcpus() : [s.vcpu()]) {
      if (pages === undefined || base === undefined) s.storage.mmu.invalidate(vcpu.tlb);
      else for (let i = 0; i < pages; i++) vcpu.tlb.flushPage((base + i * 4096) | 0);
    }
    if (everywhere && pages !== undefined && base !== undefined) s.host.translationsDropped?.(base, pages);
    return 0;
  };
  return [
    ['tlbie', (word) => invalidate(word, true)],
    ['tlbiel', (word) => invalidate(word, false)],
  ];
}

function segmentSpecials(s: SpecialHost): [string, Special][] {
  const rb = (word: number): bigint => s.vcpu().gpr(bits(word, 16, 20));
  /** What was translated through a segment goes: all of programs' memory, or, for one of the kernel's, everything. */
  const drop = (vcpu: Vcpu, ea: bigint): void => {
    if ((ea & EA_REGION) === 0n) vcpu.tlb.flushPrograms();
    else vcpu.tlb.flushTranslated();
  };
  const invalidate = (vcpus: readonly Vcpu[], ea: bigint): number => {
    for (const vcpu of vcpus) {
      const entry = vcpu.slb.find(lowHalf(ea), highHalf(ea));
      if (entry >= 0) vcpu.slb.invalidate(entry);
      // An entry that another took the place of may have left translations: they go as well.
      drop(vcpu, ea);
    }
    return 0;
  };
  const hinted = processorModel(s.host.processorVersion).isa === '3.0';
  /** An entry's doubleword for slbmfee and slbmfev. */
  const read = (word: number, value: (vcpu: Vcpu, index: number) => bigint): number => {
    const index = Number(rb(word) & SLB_INDEX);
    if (index >= SLB_ENTRIES) return EXIT.illegal;
    s.vcpu().setGpr(bits(word, 6, 10), value(s.vcpu(), index));
    return 0;
  };
  return [
    ['slbie', (word) => invalidate([s.vcpu()], rb(word) & ESID)],
    ['slbieg', (word) => invalidate(s.host.allVcpus(), rb(word) & ESID)],
    [
      'slbiag',
      () => {
        for (const vcpu of s.host.allVcpus()) {
          vcpu.slb.invalidateAll('none');
          vcpu.tlb.flushTranslated();
        }
        return 0;
      },
    ],
    [
      'slbia',
      (word) => {
        const vcpu = s.vcpu();
        // ISA 3.0: 3 is those of class 1, 4 is all, 7 only what was derived from them; others, and 2.07, keep entry 0.
        const hint = hinted ? bits(word, 8, 10) : 0;
        if (hint === 3) {
          vcpu.slb.invalidateAll('class0');
          if (!vcpu.slb.classOneElsewhere) {
            vcpu.tlb.flushPrograms();
            return 0;
          }
        } else if (hint !== 7) vcpu.slb.invalidateAll(hint === 4 ? 'none' : 'first');
        vcpu.tlb.flushTranslated();
        return 0;
      },
    ],
    [
      'slbmte',
      (word) => {
        const vcpu = s.vcpu();
        const index = Number(rb(word) & SLB_INDEX);
        const esid = rb(word) & ~SLB_INDEX;
        const vsid = vcpu.gpr(bits(word, 6, 10));
        if (index < SLB_ENTRIES && vcpu.slb.isReplacedBy(index, esid, vsid)) drop(vcpu, esid);
        return vcpu.slb.write(index, esid, vsid) ? 0 : EXIT.illegal;
      },
    ],
    ['slbmfee', (word) => read(word, (vcpu, index) => vcpu.slb.esid(index))],
    ['slbmfev', (word) => read(word, (vcpu, index) => vcpu.slb.vsid(index))],
    [
      'slbfee',
      (word) => {
        const vcpu = s.vcpu();
        const ea = vcpu.effective(rb(word));
        const entry = vcpu.slb.find(lowHalf(ea), highHalf(ea));
        vcpu.setGpr(bits(word, 6, 10), entry < 0 ? 0n : vcpu.slb.vsid(entry));
        vcpu.set32(CR, (entry < 0 ? 0 : 2) | (vcpu.get32(XER_SO) & 1));
        return 0;
      },
    ],
  ];
}

function withoutSegments(s: SpecialHost): [string, Special][] {
  const absent =
    (mnemonic: string): Special =>
    () => {
      const vcpu = s.vcpu();
      s.host.unsupported({
        kind: 'instruction',
        key: mnemonic,
        where: hex64(vcpu.cia),
        detail: 'no SLB in radix mode',
      });
      return EXIT.illegal;
    };
  const names = ['slbie', 'slbieg', 'slbiag', 'slbmte', 'slbmfev', 'slbmfee', 'slbfee'];
  return [['slbia', () => 0], ...names.map((name): [string, Special] => [name, absent(name)])];
}

function doorbellSpecials(s: SpecialHost): [string, Special][] {
  /** Message type 5: directed privileged doorbell, to thread RB[57:63] of the core. */
  const isDoorbell = (rb: bigint): boolean => ((rb >> 27n) & 31n) === 5n;
  return [
    [
      'msgsndp',
      (word) => {
        const rb = s.vcpu().gpr(bits(word, 16, 20));
        if (isDoorbell(rb)) s.host.doorbell(s.vcpu(), Number(rb & 127n));
        return 0;
      },
    ],
    [
      'msgclrp',
      (word) => {
        const rb = s.vcpu().gpr(bits(word, 16, 20));
        if (isDoorbell(rb)) s.vcpu().doorbell = false;
        return 0;
      },
    ],
  ];
}
