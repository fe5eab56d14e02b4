/**
 * The built-in guest with one thing wrong each. Just the rules that are named read broken, and say which CPU or address;
 * without a fault none does, and all are judged. Every rule is broken at least once.
 */

import { describe, expect, it } from 'vitest';
import { RULE_NAMES } from '../../src/panic/index.ts';
import { HANDOFF } from './mutants/handoff.ts';
import { LOADING } from './mutants/loading.ts';
import { NEW_KERNEL } from './mutants/new-kernel.ts';
import { WAYS_IN } from './mutants/ways-in.ts';
import { DONE, expectMutant, LIMIT, type Mutant, run, type Way, withVerdict } from './mutants.ts';

const HASH8 = { processor: 'power8', mmu: 'hash' } as const;
const RADIX9 = { processor: 'power9', mmu: 'radix' } as const;
const HASH9 = { processor: 'power9', mmu: 'hash' } as const;

describe.concurrent('a healthy built-in guest', () => {
  it.each<[string, Way]>([
    ['power8 hash, 4 CPUs', { ...HASH8, cpus: 4 }],
    ['power9 radix, 4 CPUs', { ...RADIX9, cpus: 4 }],
    ['power9 hash, 4 CPUs', { ...HASH9, cpus: 4 }],
    ['stopped by IPI', { append: 'crashipi=xics' }],
    ['released after the table was cleared', { append: 'release=after' }],
    ['memory above 4 GiB', { memory: '128M,64M@4G' }],
    ['ordinary kexec, hash', { path: 'kexec' }],
    ['ordinary kexec, radix', { ...RADIX9, path: 'kexec' }],
    ['a CPU that spins with interrupts off, under a system reset', { cpus: 4, fault: 'irq-off:2' }],
    ['a second teardown', { fault: 'double-teardown' }],
    [
      'CPUs that use the destination until they are down, hash',
      { path: 'kexec', cpus: 4, fault: 'busy-destination' },
    ],
    [
      'CPUs that use the destination until they are down, radix',
      { ...RADIX9, path: 'kexec', cpus: 4, fault: 'busy-destination' },
    ],
    ['areas that are left on a crash', { fault: 'late-vpa' }],
    ['the notifiers of a panic first', { cpus: 4, append: 'crash_kexec_post_notifiers' }],
  ])('%s → no rule broken, none not evaluated', LIMIT, async (_name, way) => {
    const seen = await run(way);
    expect(seen.outcome, seen.reason).toBe(DONE[way.path ?? 'crash']);
    expect(withVerdict(seen, 'broken')).toEqual({});
    expect(withVerdict(seen, 'not-evaluated')).toEqual({});
    expect(Object.keys(withVerdict(seen, 'held')).length).toBeGreaterThan(18);
  });
});

const CHAPTERS: readonly (readonly [string, readonly Mutant[]])[] = [
  ['the two ways in', WAYS_IN],
  ['load time', LOADING],
  ['T0 to T1', HANDOFF],
  ['T1 to T4', NEW_KERNEL],
];

describe.concurrent.each(CHAPTERS)('a mutant: %s', (_chapter, mutants) => {
  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))('%s', LIMIT, (_name, mutant) =>
    expectMutant(mutant),
  );
});

describe('a panic that comes to no crash kexec', () => {
  it(
    'another CPU holds the kexec lock → the phase is panic, no rule is broken, CPUs need not have stopped',
    LIMIT,
    async () => {
      const seen = await run({ cpus: 4, fault: 'kexec-locked' });
      expect(seen).toMatchObject({ outcome: 'failed', phase: 'panic' });
      expect(withVerdict(seen, 'broken')).toEqual({});
      expect(withVerdict(seen, 'not-evaluated')).toEqual({});
      expect(withVerdict(seen, 'not-reached')['stop-reached']).toMatch(/^__crash_kexec did not begin/);
    },
  );
});

describe('mutants', () => {
  it('of every rule there is one', () => {
    const broken = CHAPTERS.flatMap(([, mutants]) => mutants).flatMap((each) =>
      Object.keys(each.broken ?? {}),
    );
    expect([...new Set(broken)].sort()).toEqual([...RULE_NAMES].sort());
  });
});
