/** Rules judged from what the emulator kept: each held, broken with its reason, or not judged where nothing was kept. */

import { describe, expect, it } from 'vitest';
import { hex64 } from '../../../src/base/hex.ts';
import { judgeRules, type RuleInput, type RuleName } from '../../../src/panic/rules/index.ts';
import type {
  ChangeFact,
  FidelityReport,
  HandoverChange,
  HandoverReport,
  InstantFacts,
  RuleResult,
} from '../../../src/panic/trace/index.ts';
import { endBefore, goodHandoff, inputOf, insertAfter, KERNEL, TREE } from '../../synth/rule-input.ts';
import { eoi, store } from '../../synth/trace-events.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Interrupt = Mutable<InstantFacts['interrupts'][number]>;

const quiet = (cpu: number): Interrupt => ({
  cpu,
  xisr: hex64(0),
  mfrr: 0xff,
  cppr: 0,
  unfinished: false,
  inService: [],
  pending: [],
});

function facts(interrupts: readonly Interrupt[] = [quiet(0), quiet(1)]): Mutable<InstantFacts> {
  return { cpus: [], interrupts, hypervisor: { vpas: [], crqs: 0, tces: 0, inFlight: 0 } };
}

function report(rest: Partial<FidelityReport> = {}): FidelityReport {
  return {
    registers: [
      { cpu: 0, source: 'system-reset', differing: [] },
      { cpu: 1, source: 'save', differing: [] },
    ],
    changedBeforeT1: [],
    changedPagesBeforeT1: 0,
    changedAfterT1: [],
    changedPagesAfterT1: { reservation: 1, 'low-64k': 0, rtas: 0, hypervisor: 0, unexplained: 0 },
    problems: [],
    ...rest,
  };
}

function judged(rule: RuleName, change: Partial<RuleInput>): RuleResult | undefined {
  return judgeRules({ ...inputOf(goodHandoff()), ...change }).find(({ name }) => name === rule);
}

const RULES: readonly RuleName[] = [
  'interrupts-quiet',
  'hv-quiet',
  'memory-intact',
  'vmcore-complete',
  'backup-64k',
  'registers-saved',
];

describe.each(RULES)('%s', (rule) => {
  it('the image was not entered → not reached', () => {
    const handoff = goodHandoff();
    endBefore(handoff, 't1');
    const result = judgeRules(inputOf(handoff)).find(({ name }) => name === rule);
    expect(result).toMatchObject({ verdict: 'not-reached' });
  });

  it('nothing was kept → not evaluated', () => {
    expect(judged(rule, {})).toMatchObject({ verdict: 'not-evaluated' });
  });
});

describe('interrupts-quiet', () => {
  const at = (change: Partial<Interrupt>) =>
    judged('interrupts-quiet', { records: { t1: facts([{ ...quiet(0), ...change }, quiet(1)]) } });

  it('nothing anywhere → held', () => expect(at({})).toMatchObject({ verdict: 'held' }));

  it.each([
    [{ unfinished: true, inService: [hex64(2)] }, `CPU 0 accepted interrupt ${hex64(2)} and did not end it`],
    [{ mfrr: 4 }, 'CPU 0 has an IPI of priority 4 that was not masked'],
    [{ xisr: hex64(0x1100) }, `interrupt ${hex64(0x1100)} is presented to CPU 0`],
  ])('%j → broken', (change, note) => expect(at(change)).toMatchObject({ verdict: 'broken', note }));

  it('a secondary ended an interrupt on the way: the evidence and the note have it', () => {
    const handoff = goodHandoff();
    insertAfter(handoff, 'down-0', 'ends', eoi(0, 2));
    const input = { ...inputOf(handoff), records: { t1: facts() } };
    expect(judgeRules(input).find(({ name }) => name === 'interrupts-quiet')).toMatchObject({
      verdict: 'held',
      note: expect.stringContaining('CPU 0 ended interrupt 0x2'),
      evidence: [7, 12],
    });
  });

  it('a CPU that was not online does not count', () => {
    const handoff = goodHandoff();
    handoff.cpus[0] = { index: 0, hardwareId: 8, online: false };
    const input = { ...inputOf(handoff), records: { t1: facts([{ ...quiet(0), mfrr: 4 }, quiet(1)]) } };
    expect(judgeRules(input).find(({ name }) => name === 'interrupts-quiet')).toMatchObject({
      verdict: 'held',
    });
  });
});

describe('page-tables-cleared', () => {
  const hash = { processor: 'power8', mmu: 'hash', cpus: goodHandoff().cpus } as const;
  const at = (valid: number, hypervisor: number) =>
    judged('page-tables-cleared', {
      machine: hash,
      records: { t1: { ...facts(), hashTable: { valid, hypervisor, sample: ['3: 0x1 0x2'] } } },
    });

  it('radix → not applicable; a table that was not counted → not evaluated', () => {
    expect(judged('page-tables-cleared', {})).toMatchObject({ verdict: 'not-applicable' });
    expect(judged('page-tables-cleared', { machine: hash })).toMatchObject({ verdict: 'not-evaluated' });
  });

  it("only the hypervisor's entries → held; another one → broken, with a sample", () => {
    expect(at(2, 2)).toMatchObject({ verdict: 'held' });
    expect(at(3, 2)).toMatchObject({ verdict: 'broken', note: '1 entries are valid at T1: 3: 0x1 0x2' });
  });
});

describe('hv-quiet', () => {
  const change = (by: 'device' | 'hypervisor' | 'cpu', owner: 'unexplained' | 'hypervisor') =>
    judged('hv-quiet', {
      records: { t1: facts() },
      fidelity: report({
        changedAfterT1: [
          { raddr: hex64(0x9000), bytes: 4, owner, writer: { by, cpu: -1, nia: hex64(0), insn: 7 } },
        ],
      }),
    });

  it('a device writes to old memory → broken', () =>
    expect(change('device', 'unexplained')).toMatchObject({
      verdict: 'broken',
      note: expect.stringContaining('a device, instruction 7'),
    }));

  it('the hypervisor writes where it may → held, and told; a CPU is not its business', () => {
    expect(change('hypervisor', 'hypervisor')).toMatchObject({
      verdict: 'held',
      note: expect.stringContaining('the hypervisor wrote there'),
    });
    expect(change('cpu', 'unexplained')).toMatchObject({ verdict: 'held' });
  });

  const QUEUE = { cpu: 1, priority: 6, raddr: hex64(0x9000), bytes: 0x1000 };
  const withQueue = () => ({ ...facts(), hypervisor: { ...facts().hypervisor, queues: [QUEUE] } });

  it('an event queue is left: told; with an event in it, or on an ordinary kexec, broken', () => {
    const told = `event queue 6 of CPU 1 at ${hex64(0x9000)}`;
    expect(judged('hv-quiet', { records: { t1: withQueue() }, fidelity: report() })).toMatchObject({
      verdict: 'held',
      note: `left at T1: ${told}`,
    });
    const writer = { by: 'device', cpu: -1, nia: hex64(0), insn: 7 } as const;
    const event = { raddr: hex64(0x9004), bytes: 4, owner: 'unexplained', writer } as const;
    const fidelity = report({ changedAfterT1: [event] });
    expect(judged('hv-quiet', { records: { t1: withQueue() }, fidelity })).toMatchObject({
      verdict: 'broken',
      note: expect.stringMatching(
        new RegExp(`^written for the old kernel: 4 bytes .*; left at T1: ${told}$`),
      ),
    });
    const { image } = inputOf(goodHandoff());
    const left = { image: { ...image, path: 'kexec' as const }, records: { t1: withQueue() } };
    expect(judged('hv-quiet', left)).toMatchObject({ verdict: 'broken', note: `left at T1: ${told}` });
  });

  it('ordinary kexec: an area or a disk request is left → broken; command queues are told; nothing kept → not evaluated', () => {
    const { image, ...rest } = inputOf(goodHandoff());
    const left = (hypervisor: Partial<InstantFacts['hypervisor']>): RuleResult | undefined =>
      judgeRules({
        ...rest,
        image: { ...image, path: 'kexec' },
        records: { t1: { ...facts(), hypervisor: { ...facts().hypervisor, ...hypervisor } } },
      }).find(({ name }) => name === 'hv-quiet');
    expect(left({})).toMatchObject({ verdict: 'held', note: 'nothing left registered' });
    expect(left({ crqs: 1 })).toMatchObject({ verdict: 'held', note: 'left at T1: 1 command queues' });
    expect(left({ inFlight: 2 })).toMatchObject({ verdict: 'broken' });
    expect(left({ vpas: [{ cpu: 1, kind: 'vpa', raddr: hex64(0x9000), bytes: 1024 }] })).toMatchObject({
      verdict: 'broken',
      note: `left at T1: vpa of CPU 1 at ${hex64(0x9000)}`,
    });
    expect(judged('hv-quiet', { image: { ...image, path: 'kexec' } })).toMatchObject({
      verdict: 'not-evaluated',
    });
  });
});

describe('registers-saved', () => {
  it('equal → held; one register differs, or the dump lacks a note that was written → broken', () => {
    const of = (registers: NonNullable<FidelityReport['registers']>) =>
      judged('registers-saved', { fidelity: report({ registers }) });
    expect(judged('registers-saved', { fidelity: report() })).toMatchObject({
      verdict: 'held',
      note: 'CPU 0: system-reset, CPU 1: save',
    });
    expect(of([{ cpu: 0, source: 'ipi', differing: ['r5: dump 0x1 seen 0x2'] }])).toMatchObject({
      verdict: 'broken',
      note: 'CPU 0 (ipi): r5: dump 0x1 seen 0x2',
    });
    expect(of([{ cpu: 0, source: 'missing', differing: [] }])).toMatchObject({
      verdict: 'broken',
      note: 'CPU 0 saved its registers, and the dump has none',
    });
    const handoff = goodHandoff();
    handoff.steps.delete('save');
    const unsaved = {
      ...inputOf(handoff),
      fidelity: report({ registers: [{ cpu: 0, source: 'missing', differing: [] }] }),
    };
    expect(judgeRules(unsaved).find(({ name }) => name === 'registers-saved')).toMatchObject({
      verdict: 'broken',
      note: 'CPU 0 answered, and the dump has no registers of it',
    });
    expect(of([{ cpu: 5, source: 'missing', differing: [] }])).toMatchObject({
      verdict: 'held',
      note: 'CPU 5 did not answer',
    });
    const more = [{ cpu: 5, kind: 'interrupt', name: '0x100', count: 1, since: 0 } as const];
    const registers = [{ cpu: 5, source: 'missing', differing: [] } as const];
    expect(judged('registers-saved', { fidelity: report({ registers }), more })).toMatchObject({
      verdict: 'not-evaluated',
    });
  });
});

describe('marks of secondaries that come to 0x60 after T1', () => {
  const PAGES = {
    total: 20,
    equal: 0,
    fromBackup: 15,
    reservation: 4,
    filtered: { zero: 0, cache: 0, private: 0, user: 0, free: 0, poisoned: 0, unknown: 0 },
    kindsKnown: false,
    differingPages: 1,
    missing: 0,
    missingRanges: [],
  };
  /** CPU 0 comes late and marks eight bytes at 0x10, by code at `nia`. */
  const marked = (differing: Partial<ChangeFact>, nia = 0x90n) => {
    const handoff = goodHandoff();
    insertAfter(handoff, 't1', 'mark', store(0, 'low', 0x10n, 8, { nia }));
    const change: ChangeFact = { raddr: hex64(0x17), bytes: 1, owner: 'low-64k', ...differing };
    const fidelity = report({ pages: { ...PAGES, differing: [change] } });
    const rules = judgeRules({ ...inputOf(handoff), fidelity });
    return ['backup-64k', 'vmcore-complete'].map((each) => rules.find(({ name }) => name === each));
  };

  it('all that differs was stored by them → held, and told', () => {
    for (const result of marked({}))
      expect(result).toMatchObject({
        verdict: 'held',
        note: expect.stringContaining('marks of secondaries that came to 0x60 after T1'),
      });
  });

  it.each<[string, Partial<ChangeFact>, bigint?]>([
    ['another byte', { raddr: hex64(0x18) }],
    ['more between the first and the last', { bytes: 2, span: 0x100 }],
    ['code that is not the stub', {}, 0x5000n],
  ])('%s → broken', (_what, change, nia) => {
    for (const result of marked(change, nia)) expect(result).toMatchObject({ verdict: 'broken' });
  });

  it('their stores were dropped: a byte that they may have stored → not evaluated; any other → broken', () => {
    const handoff = goodHandoff();
    handoff.more = [{ cpu: 0, kind: 'store', mark: { at: 'low' }, count: 2, since: 0 }];
    const of = (raddr: bigint): readonly (string | undefined)[] => {
      const change: ChangeFact = { raddr: hex64(raddr), bytes: 1, owner: 'low-64k' };
      const fidelity = report({ pages: { ...PAGES, differing: [change] } });
      const rules = judgeRules({ ...inputOf(handoff), fidelity });
      return ['backup-64k', 'vmcore-complete'].map(
        (each) => rules.find(({ name }) => name === each)?.verdict,
      );
    };
    expect(of(0x17n)).toEqual(['not-evaluated', 'not-evaluated']);
    expect(of(0x117n)).toEqual(['broken', 'broken']);
  });
});

describe('vmcore-complete, of a filtered dump', () => {
  const PAGES = {
    total: 20,
    equal: 10,
    fromBackup: 1,
    reservation: 4,
    filtered: { zero: 5, cache: 0, private: 0, user: 0, free: 0, poisoned: 0, unknown: 0 },
    kindsKnown: true,
    level: 31,
    differingPages: 0,
    differing: [],
    missing: 0,
    missingRanges: [],
  };
  const of = (change: object) =>
    judged('vmcore-complete', { fidelity: report({ pages: { ...PAGES, ...change } }) });

  it('what is left out is of the level’s kinds → held; what was kept against the level is counted, and so is memory that is nobody’s', () =>
    expect(of({ kept: { free: 3 }, unowned: 2 })).toMatchObject({
      verdict: 'held',
      note: 'of 20 pages 10 equal, 1 from the backup, 4 reserved, 2 that the kernel never owned, left out: zero 5, kept against the level 31: free 3',
    }));

  it('pages that the kernel used were left out → broken, with symbols, whether kinds are known or not', () => {
    const live = {
      pages: 4400,
      image: { pages: 4398, of: 10367 },
      beyondLevel: { user: 1 },
      ranges: [{ raddr: hex64(0x10000), bytes: 0x2000 }],
      symbolCount: 900,
      symbols: ['linux_banner', 'swapper_pg_dir'],
    };
    for (const kindsKnown of [true, false])
      expect(of({ live, kindsKnown })).toMatchObject({
        verdict: 'broken',
        note: '4400 pages that the kernel used were left out, 4398 of the 10367 of its image, of kinds that this level keeps: user 1, with linux_banner, swapper_pg_dir and 898 more symbols, the first 8192 bytes at 0x0000000000010000',
      });
  });

  it('it is not known what the pages were used for → not evaluated, and why', () =>
    expect(
      of({ kindsKnown: false, kindsUnknown: 'no vmemmap', filtered: { ...PAGES.filtered, unknown: 7 } }),
    ).toMatchObject({
      verdict: 'not-evaluated',
      note: '7 pages were left out, and it is not known what the kernel used them for: no vmemmap',
    }));
});

describe('written into the reservation after T1', () => {
  const strays = (entered: boolean, raddr: bigint) => {
    const handoff = goodHandoff();
    if (!entered) endBefore(handoff, 't2');
    const writer = { by: 'cpu', cpu: 0, nia: hex64(0xc1c4), symbol: 'kexec_wait+0x38', insn: 77 } as const;
    const fidelity = report({ intoReservation: [{ raddr: hex64(raddr), writer, changed: true }] });
    const rules = judgeRules({ ...inputOf(handoff), fidelity });
    return (rule: string) => rules.find(({ name }) => name === rule);
  };
  const WHO = /0x0{8}20000000 by CPU 0 at 0x0{12}c1c4 \(kexec_wait\+0x38\), instruction 77/;

  it('memory-intact is broken, whatever came of it', () => {
    for (const entered of [true, false])
      expect(strays(entered, KERNEL)('memory-intact')).toMatchObject({
        verdict: 'broken',
        note: expect.stringMatching(WHO),
      });
  });

  it('digest-ok: where the kernel was not entered it cannot have matched; elsewhere it was right', () => {
    expect(strays(false, KERNEL)('digest-ok')).toMatchObject({
      verdict: 'held',
      note: expect.stringMatching(WHO),
    });
    expect(strays(false, TREE)('digest-ok')).toMatchObject({
      verdict: 'not-reached',
      note: 'the digest was right at T1, but purgatory did not enter the kernel',
    });
    expect(strays(true, KERNEL)('digest-ok')?.note).toMatch(WHO);
  });
});

describe('memory-intact of an ordinary kexec', () => {
  const WRITER = { by: 'cpu', cpu: 1, nia: hex64(0x228a0010), insn: 88 } as const;
  const of = (rest: Partial<HandoverReport> | undefined) => {
    const { image, ...input } = inputOf(goodHandoff());
    const segments = [{ role: 'kernel', mem: hex64(KERNEL), pages: 10, asLoadedAtT1: 10 }] as const;
    const handover = { segments, notAsLoaded: [], changed: [], changedPlaces: 0, ...rest };
    return judgeRules({
      ...input,
      image: { ...image, path: 'kexec' },
      ...(rest === undefined ? {} : { handover }),
    }).find(({ name }) => name === 'memory-intact');
  };
  const changed = (rest: Partial<HandoverChange>) =>
    of({ changed: [{ raddr: hex64(KERNEL), bytes: 4, place: 'kernel', writer: WRITER, ...rest }] });

  it('as loaded; purgatory wrote what it is there to write → held', () => {
    expect(of({})).toMatchObject({
      verdict: 'held',
      note: '10 pages as loaded at T1; changed up to T2: nothing',
    });
    for (const rest of [
      { raddr: hex64(KERNEL + 0x5cn) },
      { raddr: hex64(TREE + 0x1cn), place: 'tree' },
      { place: 'purgatory', bytes: 900 },
      { place: 'low-64k' },
      { place: 'elsewhere' },
    ] as const)
      expect(changed(rest)).toMatchObject({ verdict: 'held' });
  });

  it('a page that is not as loaded, a change by anybody else, or of anything else → broken', () => {
    const segments = [{ role: 'kernel', mem: hex64(KERNEL), pages: 10, asLoadedAtT1: 8 }] as const;
    expect(of({ segments, notAsLoaded: [{ raddr: hex64(KERNEL), role: 'kernel' }] })).toMatchObject({
      verdict: 'broken',
      note: `2 pages were not as loaded at T1, the first in kernel at ${hex64(KERNEL)}`,
    });
    expect(changed({})).toMatchObject({
      verdict: 'broken',
      note: `from T1 to T2 changed: 4 bytes at ${hex64(KERNEL)} (kernel) by CPU 1 at ${WRITER.nia}, instruction 88`,
    });
    for (const rest of [
      { raddr: hex64(KERNEL + 0x5cn), span: 8 },
      { raddr: hex64(TREE + 0x20n), place: 'tree' },
      { place: 'initrd' },
      { place: 'elsewhere', writer: { ...WRITER, nia: hex64(0x5000) } },
      { place: 'elsewhere', writer: { ...WRITER, by: 'device', cpu: -1 } },
    ] as const)
      expect(changed(rest)).toMatchObject({ verdict: 'broken' });
  });

  it('nothing was kept → not evaluated', () => {
    expect(of(undefined)).toMatchObject({ verdict: 'not-evaluated' });
    const { image, ...input } = inputOf(goodHandoff());
    const handover = { segments: [], notAsLoaded: [] };
    expect(
      judgeRules({ ...input, image: { ...image, path: 'kexec' }, handover }).find(
        ({ name }) => name === 'memory-intact',
      ),
    ).toMatchObject({ verdict: 'not-evaluated' });
  });
});
