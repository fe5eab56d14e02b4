/** Plans that sleep: what wakes them, what lets them sleep again, and that the guest runs as without them. */

import { describe, expect, it } from 'vitest';
import type { EventMatch, ObservePlan } from '../../../src/emulator/host/index.ts';
import { KEXEC_LOAD_CALL } from '../../../src/panic/facts/index.ts';
import { bareKernel, KERNEL_ENTRY } from '../../synth/bare-kernel.ts';
import { BuiltInGuest } from '../../synth/built-in-guest.ts';
import { ATTN, dForm, li, lis, NOP, SC1, xForm } from '../../synth/power-words.ts';

const at = (word: number): number => KERNEL_ENTRY + 4 * word;
const store = (offset: number): number => dForm(36, 5, 4, offset);
/** The MSR with problem state: the kernel has gone on as usual. */
const toUser = [xForm(6, 0, 0, 83), dForm(24, 6, 6, 0x4000), xForm(6, 0, 0, 178)];

const MARK = { hook: 1, panic: 2, entry: 3, word: 4, low: 5 } as const;
const atMark = (mark: number): EventMatch => ({ kind: 'fetch', mark });

const WORDS = [
  lis(4, 0x20),
  li(5, 0x11),
  NOP, // 2: the hook
  store(0), // 3: before anything
  NOP, // 4: the panic
  store(0), // 5
  NOP, // 6: the entry, in some plans
  ...toUser, // 7 to 9
  ATTN,
];
const SLEEPS: Partial<ObservePlan> = {
  probes: [
    { raddr: at(2), mark: MARK.hook },
    { raddr: at(4), mark: MARK.panic },
  ],
  stores: [{ raddr: 0x200000, length: 4, mark: MARK.word }],
  instants: [{ name: 't0', at: [atMark(MARK.panic)] }],
  sleep: { wakes: [atMark(MARK.panic)], stays: [atMark(MARK.entry)], reports: [MARK.hook] },
};

function run(plan: Partial<ObservePlan>, words: readonly number[] = WORDS) {
  const { partition, events } = bareKernel(words, plan);
  expect(partition.run(1_000_000)).toBe('ended');
  const told = events.map((event) => [event.kind, 'mark' in event ? event.mark : undefined, event.insn]);
  return { partition, told };
}

describe('a plan that sleeps', () => {
  it('reports the marks that it names, nothing else, until it wakes; the guest goes on → calm, and nothing was', () => {
    const { partition, told } = run(SLEEPS);
    expect(told).toEqual([
      ['fetch', MARK.hook, 2],
      ['fetch', MARK.panic, 4],
      ['store', MARK.word, 5],
      ['calm', undefined, 9],
    ]);
    expect(partition.instant('t0')).toBeUndefined();
    expect(() => partition.readInstant('t0', 0x200000, 4)).toThrow('t0');
  });

  it('what must stay awake came → the instant is kept, and it does not sleep again', () => {
    const probes = [...(SLEEPS.probes ?? []), { raddr: at(6), mark: MARK.entry }];
    const { partition, told } = run({ ...SLEEPS, probes });
    expect(told.slice(1)).toEqual([
      ['fetch', MARK.panic, 4],
      ['store', MARK.word, 5],
      ['fetch', MARK.entry, 6],
    ]);
    expect(partition.instant('t0')?.insn).toBe(4);
    expect(partition.readInstant('t0', 0x200000, 4)[3]).toBe(0x11);
  });

  it('a vCPU that cedes goes on, too', () => {
    const words = [...WORDS.slice(0, 7), li(3, 0xe0), SC1, ATTN];
    const { partition, events } = bareKernel(words, SLEEPS);
    expect(partition.run(1_000_000)).toBe('resting');
    expect(events.at(-1)).toMatchObject({ kind: 'calm', cpu: 0 });
  });

  it('no watched place is entered unseen where it woke within the page', () => {
    const executes = [{ raddr: at(6), length: 4, mark: MARK.low }];
    const { told } = run({
      ...SLEEPS,
      executes,
      sleep: { wakes: [atMark(MARK.panic)], stays: [], reports: [] },
    });
    expect(told.map(([kind]) => kind)).toEqual(['fetch', 'store', 'calm']);
  });
});

describe('a plan that holds', () => {
  const QUIET: ObservePlan = {
    probes: [],
    stores: [],
    executes: [],
    msrMask: 0n,
    vectors: [],
    hcallsExcept: [],
    sleep: { wakes: [], stays: [], reports: [] },
  };

  /** Runs until the guest has answered `load raw`. @returns how the runs came back, and when the load had returned */
  function load(plan: ObservePlan): { readonly outcomes: readonly string[]; readonly insn: number } {
    const guest = new BuiltInGuest({ cpus: 2, systemCalls: [KEXEC_LOAD_CALL] });
    guest.ready();
    guest.put({ crash: guest.plan({ crash: true, digest: false }) });
    guest.partition.observe(plan);
    guest.type(1, 'load raw\n');
    const outcomes: string[] = [];
    for (let left = 1000; !guest.lines.some((line) => /^ok load/.test(line)) && left > 0; left--) {
      const outcome = guest.partition.run(1_000_000);
      if (outcome === 'held') expect(guest.events.at(-1)?.kind).toBe('syscall-return');
      outcomes.push(outcome);
    }
    return { outcomes, insn: guest.events.findLast(({ kind }) => kind === 'syscall-return')?.insn ?? 0 };
  }

  it('a load has returned → the partition stands still once, and the guest did the same as without', () => {
    const held = load({ ...QUIET, holdsAfterCall: true });
    const free = load(QUIET);
    const stops = [held, free].map(({ outcomes }) => outcomes.filter((outcome) => outcome === 'held').length);
    expect(stops).toEqual([1, 0]);
    expect(held.insn).toBe(free.insn);
    expect(held.insn).toBeGreaterThan(0);
  });
});
