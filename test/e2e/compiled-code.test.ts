/** A crash of the built-in guest with its code compiled and without: the same trace, console and vmcore, byte for byte. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type JitOptions, openPartition } from '../../src/emulator/host/index.ts';
import { imageSource } from '../../src/images/image-source.ts';
import { type CrashCommand, runCrash } from '../../src/panic/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'kdumpd-jit-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Machine = Pick<CrashCommand, 'processor' | 'mmu' | 'cpus'>;
type Files = readonly Buffer[];

async function crashed(machine: Machine, jit?: JitOptions): Promise<Files> {
  const boot = await imageSource(folder).bootImage('built-in', { dump: 'raw' });
  const [vmcore, trace, console] = ['vmcore', 'trace', 'console'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const report = await runCrash({
    ...machine,
    boot,
    memory: '128M',
    vmcore,
    trace,
    console,
    request: { trigger: 'panic', dump: 'raw', onCpu: 1 },
    openPartition: (config) => openPartition({ ...config, ...(jit === undefined ? {} : { jit }) }),
  });
  expect(report.outcome, report.reason).toBe('captured');
  return [vmcore, trace, console].map((path) => readFileSync(path));
}

describe('compiled code', () => {
  it.each<[string, Machine]>([
    ['POWER8 hash', { processor: 'power8', mmu: 'hash', cpus: 2 }],
    ['POWER9 radix', { processor: 'power9', mmu: 'radix', cpus: 2 }],
  ])(
    '%s: nearly all of it, what is hot, and none → the same',
    { timeout: 200_000 },
    async (_name, machine) => {
      const interpreted = await crashed(machine);
      for (const jit of [
        { threshold: 1, portion: 16, unexecuted: true },
        { threshold: 3, portion: 200 },
      ]) {
        const compiled = await crashed(machine, jit);
        for (const [i, file] of interpreted.entries()) expect(compiled[i]?.equals(file)).toBe(true);
      }
    },
  );
});
