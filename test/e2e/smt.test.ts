/**
 * Threads of a core: the built-in guest on cores of one, four and eight; and, where long tests were asked for, stock Debian that is taken
 * to SMT 2, to SMT 1 and back as `ppc64_cpu --smt` does, and crashed at each level.
 */

import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stockGuest } from '../../bench/guests/image.ts';
import { openPartition } from '../../src/emulator/host/index.ts';
import { imageSource } from '../../src/images/image-source.ts';
import { makeConfig } from '../../src/panic/guest/machine.ts';
import { resolveMachine } from '../../src/panic/guest/machine-spec.ts';
import { Session } from '../../src/panic/guest/session.ts';
import { crash } from '../../src/panic/handoff/crash.ts';
import { Lookout } from '../../src/panic/handoff/lookout.ts';
import type { RuleResult } from '../../src/panic/trace/index.ts';
import { describeLong } from '../support/long.ts';
import { LIMIT, run } from './mutants.ts';

const CPUS = 8;
const THREADS = 4;
const SECONDS = 600;

function broken(rules: Iterable<RuleResult>): string[] {
  return [...rules].filter(({ verdict }) => verdict === 'broken').map(({ name, note }) => `${name}: ${note}`);
}

describe('the built-in guest', () => {
  it.each([
    { processor: 'power8', mmu: 'hash', cpus: 8, threads: 8, onCpu: 5 },
    { processor: 'power9', mmu: 'radix', cpus: 8, threads: 4, onCpu: 6 },
    { processor: 'power9', mmu: 'hash', cpus: 3, threads: 1, onCpu: 2 },
  ] as const)(
    '$cpus CPUs, $threads threads a core, $processor $mmu → captured, no rule broken',
    LIMIT,
    async (way) => {
      const seen = await run(way);
      expect(seen.outcome, seen.reason).toBe('captured');
      expect(broken(seen.rules.values())).toEqual([]);
    },
  );
});

/** Lines that bring every core to `level` threads, and the topology afterwards. */
function steps(level: number): string {
  const folder = '/sys/devices/system/cpu';
  const each = Array.from({ length: CPUS }, (_, cpu) => cpu);
  const write = (value: 0 | 1, cpus: readonly number[]) =>
    cpus.map((cpu) => `echo ${value} >${folder}/cpu${cpu}/online`);
  return [
    ...write(
      0,
      each.filter((cpu) => cpu % THREADS >= level),
    ),
    ...write(
      1,
      each.filter((cpu) => cpu % THREADS < level),
    ),
    `echo "online: $(cat ${folder}/online)"`,
    `echo "siblings: $(cat ${folder}/cpu[0-7]/topology/thread_siblings_list | sort -u | tr "\\n" " ")"`,
    `echo "done: smt $((${level}))"`,
  ].join('\n');
}

/** Levels that one guest goes through before it is crashed, and what Linux then says of its CPUs. */
const LEVELS = [
  { levels: [], online: undefined, onCpu: 7 },
  { levels: [2], online: '0-1,4-5', siblings: '0-1 4-5', onCpu: 5 },
  { levels: [2, 1], online: '0,4', siblings: '0 4', onCpu: 4 },
  { levels: [2, 1, 4], online: '0-7', siblings: '0-3 4-7', onCpu: 6 },
] as const;

const MACHINES = [
  { processor: 'power9', mmu: 'radix' },
  { processor: 'power9', mmu: 'hash' },
  { processor: 'power8', mmu: 'hash' },
] as const;

describeLong('stock Debian, two cores of four threads', () => {
  const cases = MACHINES.flatMap((machine) => LEVELS.map((level) => ({ ...machine, ...level })));
  it.each(cases)(
    '$processor $mmu, SMT $levels, a crash on CPU $onCpu → captured, no rule broken',
    { timeout: 1_200_000 },
    async ({ processor, mmu, levels, online, onCpu, ...more }) => {
      const root = dirname((await stockGuest()).folder);
      const append = mmu === 'hash' && processor === 'power9' ? { append: 'disable_radix' } : {};
      const image = await imageSource(root).bootImage('debian', { dump: '-l -d 31', ...append });
      const spec = resolveMachine({ processor, mmu, cpus: CPUS, threads: THREADS, memory: '1G' });
      const handle = openPartition(makeConfig(image, spec));
      const session = new Session(handle, true);
      const text = (): string => Buffer.from(session.console).toString('latin1').replaceAll('\r', '');
      try {
        const lookout = new Lookout(session, image);
        await lookout.start();
        expect(await session.untilReady(SECONDS)).toEqual({ kind: 'ready' });
        for (const level of levels) {
          await session.untilResting(SECONDS);
          for (const line of steps(level).split('\n')) {
            await session.type(0, Buffer.from(`${line}\n`, 'latin1'));
            await session.untilResting(SECONDS);
          }
          expect(text()).toContain(`\ndone: smt ${level}\n`);
        }
        if (online !== undefined) {
          expect(
            text()
              .match(/^online: .*$/gm)
              ?.at(-1),
          ).toBe(`online: ${online}`);
          expect(
            text()
              .match(/^siblings: .*$/gm)
              ?.at(-1)
              ?.trim(),
          ).toBe(`siblings: ${'siblings' in more ? more.siblings : ''}`);
        }
        const seen = await crash(
          lookout,
          { trigger: 'panic', onCpu, dump: '-l -d 31' },
          { loadedDump: '-l -d 31' },
        );
        expect(seen.outcome, seen.reason).toBe('captured');
        expect(broken(seen.trace?.rules ?? [])).toEqual([]);
      } finally {
        session.close();
        await handle.close();
      }
    },
  );
});
