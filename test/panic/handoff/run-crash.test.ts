import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FormatError } from '../../../src/base/errors.ts';
import type { PartitionConfig } from '../../../src/emulator/host/index.ts';
import { requireRoomFor } from '../../../src/panic/handoff/output-file.ts';
import { type CrashCommand, exitCodeOf, RULE_NAMES, runCrash } from '../../../src/panic/index.ts';
import {
  BOOT,
  bootWithCrashKernel,
  crashablePartition,
  dump,
  enterKernel,
  handoff,
} from '../../synth/crashing-guest.ts';
import type { GuestScript } from '../../synth/partition-handle.ts';
import { elfDump } from '../../synth/vmcore.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kdumpd-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const CRASH: GuestScript = {
  onStart: (guest) => {
    guest.print('Linux\r\n');
    bootWithCrashKernel(guest);
  },
  onInput: (guest, vty, text) => {
    if (vty !== 0 || text !== '\x0fc') return guest.rest();
    handoff(guest, 1);
    enterKernel(guest, 1);
    setTimeout(() => dump(guest, elfDump()), 20);
  },
};

function command(script: GuestScript, more: Partial<CrashCommand> = {}): CrashCommand {
  return {
    boot: BOOT,
    cpus: 2,
    request: { trigger: 'sysrq', dump: 'raw' },
    openPartition: (config: PartitionConfig) => crashablePartition(script, config),
    ...more,
  };
}

describe('runCrash', () => {
  it('the vmcore → for its owner alone', async () => {
    const vmcore = join(folder, 'v');
    await runCrash(command(CRASH, { vmcore }));
    expect((statSync(vmcore).mode & 0o777).toString(8)).toBe('600');
  });

  it.each(['vmcore', 'trace', 'console'] as const)(
    'a disk that fills while the %s is written → one sentence with the file',
    async (part) => {
      await expect(runCrash(command(CRASH, { [part]: '/dev/full' }))).rejects.toMatchObject({
        name: 'DiskError',
        code: 'disk-full',
        message: '/dev/full could not be written: the disk is full',
      });
    },
  );

  it('requireRoomFor: less room than a file may need → refused with the figures; a device → taken', () => {
    const path = join(folder, 'v');
    expect(() => requireRoomFor(path, 2 ** 52)).toThrow(/v may become 4096 TiB, and .* are free there/);
    expect(() => requireRoomFor(join(folder, 'none', 'v'), 1)).toThrow('ENOENT');
    requireRoomFor(path, 1);
    requireRoomFor('/dev/null', 2 ** 52);
  });

  it('writes vmcore, trace and console, and reports what the contract says', async () => {
    const files = { vmcore: join(folder, 'v'), trace: join(folder, 't'), console: join(folder, 'c') };
    const report = await runCrash(command(CRASH, files));
    expect(Object.keys(report)).toEqual([
      'image',
      'processor',
      'mmu',
      'cpus',
      'outcome',
      'phase',
      'rules',
      'instructions',
      'vmcore',
    ]);
    expect(report).toMatchObject({
      image: 'debian',
      outcome: 'captured',
      phase: 'stored',
      vmcore: { format: 'elf' },
    });
    expect(report.rules.length).toBe(38);
    expect(readFileSync(files.vmcore).equals(elfDump())).toBe(true);
    expect(JSON.parse(readFileSync(files.trace, 'utf8'))).toMatchObject({
      version: 2,
      image: { name: 'debian' },
    });
    expect(readFileSync(files.console, 'utf8')).toBe('Linux\r\n');
    expect(exitCodeOf(report)).toBe(0);
  });

  it('the same again gives the same bytes', async () => {
    const texts: string[] = [];
    for (const name of ['a', 'b']) {
      const report = await runCrash(command(CRASH, { trace: join(folder, name) }));
      texts.push(JSON.stringify(report) + readFileSync(join(folder, name), 'utf8'));
    }
    expect(texts[0]).toBe(texts[1]);
  });

  it('not captured: exit 2 and the reason; a rule broken: exit 1', async () => {
    const report = await runCrash(command({ onStart: (guest) => guest.end({ kind: 'power-off' }) }));
    expect(report).toMatchObject({
      outcome: 'failed',
      phase: 'booting',
      vmcore: null,
      reason: expect.stringContaining('power-off'),
    });
    expect(exitCodeOf(report)).toBe(2);
    expect(report.rules.map(({ name }) => name)).toEqual(RULE_NAMES);
    expect(report.rules.every(({ verdict }) => verdict === 'not-evaluated')).toBe(true);
    expect(exitCodeOf({ ...report, outcome: 'captured', rules: [{ name: 'x', verdict: 'broken' }] })).toBe(1);
  });

  it('options that cannot be: FormatError', async () => {
    await expect(runCrash(command(CRASH, { processor: 'power8', mmu: 'radix' }))).rejects.toThrow(
      FormatError,
    );
    await expect(runCrash(command(CRASH, { memory: 'lots' }))).rejects.toThrow(FormatError);
    await expect(runCrash(command(CRASH, { request: { trigger: 'sysrq', dump: 'tape' } }))).rejects.toThrow(
      FormatError,
    );
  });
});
