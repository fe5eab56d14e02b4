/**
 * Stock Debian in crashes that go wrong: a CPU that never stops, with and without the system reset that would stop it, and a
 * crash kernel that was damaged after it was loaded. Each ends with its reason, or continues and reports what was broken.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stockGuest } from '../../bench/guests/image.ts';
import { arraySource } from '../../src/base/bytes.ts';
import { findSymbols, parseElf } from '../../src/base/elf/index.ts';
import { openPartition } from '../../src/emulator/host/index.ts';
import { bootAppend } from '../../src/images/append.ts';
import { buildCpio } from '../../src/images/cpio.ts';
import { ImportError } from '../../src/images/errors.ts';
import type { ImageRecord } from '../../src/images/image-record.ts';
import { makeConfig } from '../../src/panic/guest/machine.ts';
import { resolveMachine } from '../../src/panic/guest/machine-spec.ts';
import { Session } from '../../src/panic/guest/session.ts';
import { type BootImage, type CrashResult, crash, Lookout, runCrash } from '../../src/panic/index.ts';
import type { RuleResult } from '../../src/panic/trace/index.ts';
import { cpioFile, spinningModule } from '../synth/patched-module.ts';

const TIMEOUT = { timeout: 400_000 };
const DUMP = '-l -d 31';
const MODULE = { stock: 'virtio_blk', ours: 'self_stops' };

/** What a CPU does that panics during another CPU's panic: it waits for ever, with interrupts off. */
const SPIN = 'panic_smp_self_stop';

let folder: string;
let image: ImageRecord | undefined;
let imageFolder = '';
let missing = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kdumpd-test-'));
  try {
    ({ image, folder: imageFolder } = await stockGuest());
  } catch (error) {
    if (!(error instanceof ImportError) || process.env.CI === 'true') throw error;
    missing = `needs Debian's ppc64el packages: ${error.message}`;
  }
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true }));

function file(role: 'kernel' | 'initrd' | 'disk' | 'vmlinux'): string {
  const found = image?.files[role];
  if (found === undefined) throw new Error(`the image has no ${role}`);
  return join(imageFolder, found.file);
}

function addressOf(name: string): bigint {
  const elf = parseElf(arraySource(readFileSync(file('vmlinux'))));
  const symbol = findSymbols(elf, [name]).get(name);
  if (symbol === undefined) throw new Error(`the kernel has no ${name}`);
  return symbol.value;
}

/** @param digest whether purgatory checks the digest, which the stock image leaves out for speed */
function bootImage(
  append: string,
  more: { readonly initrd?: string; readonly digest?: boolean } = {},
): BootImage {
  if (image === undefined) throw new Error('there is no image');
  const record = more.digest === true ? { ...image, kexecOptions: '' } : image;
  return {
    name: 'debian',
    kernel: file('kernel'),
    initrd: more.initrd ?? file('initrd'),
    disk: file('disk'),
    vmlinux: file('vmlinux'),
    append: bootAppend(record, { append, dump: DUMP }),
    agent: true,
  };
}

/** Two CPUs; CPU 1 loads the module and spins with interrupts off from then on; CPU 0 panics. */
async function crashWithSpinner(append: string, refuseSysReset: boolean): Promise<CrashResult> {
  const archive = readFileSync(file('initrd'));
  const stock = cpioFile(archive, `lib/modules/${MODULE.stock}.ko`);
  const data = spinningModule(stock, MODULE.stock, MODULE.ours, addressOf(SPIN));
  const initrd = join(folder, 'initrd');
  // Linux unpacks archives one after the other.
  writeFileSync(initrd, archive);
  writeFileSync(initrd, buildCpio(new Map([['spin.ko', { kind: 'file', data }]])), { flag: 'a' });
  const boot = bootImage(append, { initrd });
  const config = makeConfig(boot, resolveMachine({ cpus: 2, memory: '1G', refuseSysReset }));
  const handle = openPartition(config);
  const session = new Session(handle, true);
  try {
    const lookout = new Lookout(session, boot);
    await lookout.start();
    expect(await session.untilReady(100)).toEqual({ kind: 'ready' });
    // A process that is made from now on would wait for CPU 1 to flush its translations: the console is steered before.
    expect(await session.command('sysrq c 0', 100)).toMatchObject({ ok: true });
    await session.type(0, Buffer.from('taskset -c 1 insmod /spin.ko\r'));
    expect(await session.untilResting(100)).toBe(undefined);
    return await crash(lookout, { trigger: 'sysrq', dump: DUMP }, { loadedDump: DUMP });
  } finally {
    session.close();
    await handle.stop();
    await handle.close();
  }
}

function ruleOf(
  result: { readonly trace?: { readonly rules: readonly RuleResult[] } },
  name: string,
): RuleResult {
  const rule = result.trace?.rules.find((each) => each.name === name);
  if (rule === undefined) throw new Error(`there is no verdict about ${name}`);
  return rule;
}

describe('stock Debian, CPU 1 spins with interrupts off', () => {
  it(
    'no H_SIGNAL_SYS_RESET, panic=0 → failed; the reason names the CPU and what it does',
    TIMEOUT,
    async (context) => {
      if (missing !== '') return context.skip(missing);
      const result = await crashWithSpinner('panic=0', true);
      expect(result).toMatchObject({ outcome: 'failed', phase: 'handoff' });
      expect(result.reason).toMatch(
        /^CPU 1 never stopped: it is \S+ at panic_smp_self_stop\+0x[0-9a-f]+ with interrupts off; the panicking CPU 0 waits for it without limit$/,
      );
      expect(ruleOf(result, 'stop-reached')).toMatchObject({ verdict: 'broken' });
    },
  );

  it(
    'no H_SIGNAL_SYS_RESET, panic=10 → captured; stop-reached is broken and names the CPU',
    TIMEOUT,
    async (context) => {
      if (missing !== '') return context.skip(missing);
      const result = await crashWithSpinner('panic=10', true);
      expect(result).toMatchObject({ outcome: 'captured', phase: 'dumped' });
      const rule = ruleOf(result, 'stop-reached');
      expect(rule.verdict).toBe('broken');
      expect(rule.note).toMatch(
        /^CPU 1 \(hardware id 1\) was not stopped; last seen: is \S+ at panic_smp_self_stop\+0x/,
      );
    },
  );

  it('with H_SIGNAL_SYS_RESET → captured; the reset stops it all the same', TIMEOUT, async (context) => {
    if (missing !== '') return context.skip(missing);
    const result = await crashWithSpinner('panic=0', false);
    expect(result).toMatchObject({ outcome: 'captured', phase: 'dumped' });
    expect(ruleOf(result, 'stop-reached')).toMatchObject({ verdict: 'held', note: 'by H_SIGNAL_SYS_RESET' });
  });
});

describe('stock Debian', () => {
  it('no H_SIGNAL_SYS_RESET, all CPUs well → Linux stops them by interrupt', TIMEOUT, async (context) => {
    if (missing !== '') return context.skip(missing);
    const trace = join(folder, 'trace');
    const report = await runCrash({
      boot: bootImage(''),
      cpus: 2,
      refuseSysReset: true,
      request: { trigger: 'echo', onCpu: 1, dump: DUMP },
      trace,
    });
    expect(report).toMatchObject({ outcome: 'captured' });
    expect(report.rules.filter(({ verdict }) => verdict === 'broken')).toEqual([]);
    const judged = { trace: JSON.parse(readFileSync(trace, 'utf8')) as { rules: readonly RuleResult[] } };
    expect(ruleOf(judged, 'stop-reached').note).toBe('by an interrupt through the interrupt controller');
  });

  it(
    'a byte of the crash kernel is flipped after the load → failed in purgatory for its digest',
    TIMEOUT,
    async (context) => {
      if (missing !== '') return context.skip(missing);
      const trace = join(folder, 'trace');
      const report = await runCrash({
        boot: bootImage('', { digest: true }),
        cpus: 2,
        request: {
          trigger: 'sysrq',
          onCpu: 1,
          dump: DUMP,
          faults: [{ kind: 'flip', of: 'kernel', offset: 0x123456, at: 't0' }],
        },
        trace,
      });
      expect(report).toMatchObject({ outcome: 'failed', phase: 'purgatory', vmcore: null });
      expect(report.reason).toMatch(
        /^the digest of the loaded image does not match: CPU 1 loops at 0x[0-9a-f]{16} in purgatory .* \(injected: flip:kernel\+0x123456@t0\)$/,
      );
      const { events, instants } = JSON.parse(readFileSync(trace, 'utf8'));
      const fault = events.find((event: { kind: string }) => event.kind === 'fault');
      expect(fault).toMatchObject({ cpu: -1, name: 'flip:kernel+0x123456@t0' });
      expect(fault.insn).toBe(instants.t0.insn);
      expect(instants.t2).toBeUndefined();
    },
  );
});
