/**
 * The built-in guest with one thing wrong each: a fault of its own, one injected into the machine, or a load that must be
 * refused. Just the rules that are named read broken, and say which CPU or address; without a fault none does, and
 * all are judged. Rules that nothing here reaches are broken in test/panic/rules alone (docs/rules.md).
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arraySource, getU32, putU32 } from '../../src/base/bytes.ts';
import {
  buildElf,
  EM_PPC64,
  ET_EXEC,
  elfSymbols,
  PF_R,
  PF_W,
  PF_X,
  PT_LOAD,
  parseElf,
} from '../../src/base/elf/index.ts';
import type { Fault, RuleResult, Trace } from '../../src/panic/contract.ts';
import { type BootOptions, type CrashCommand, runCrash, runKexec } from '../../src/panic/index.ts';
import { imageSource } from '../../src/server/cli/image-source.ts';

const LIMIT = { timeout: 200_000 };
const MIB = 2 ** 20;
const HASH8 = { processor: 'power8', mmu: 'hash' } as const;
const RADIX9 = { processor: 'power9', mmu: 'radix' } as const;
const HASH9 = { processor: 'power9', mmu: 'hash' } as const;
/** `b .` */
const STOP = 0x48000000;
const RESERVATION = 16 * MIB;

type Way = Partial<Pick<CrashCommand, 'processor' | 'mmu' | 'cpus' | 'rma' | 'loadedDump'>> &
  BootOptions & {
    readonly path?: 'crash' | 'kexec';
    /** `kdumpd.fault=` of the production kernel. */
    readonly fault?: string;
    readonly faults?: readonly Fault[];
  };

type Outcome = {
  readonly outcome: string;
  readonly phase: string;
  readonly reason: string;
  readonly rules: ReadonlyMap<string, RuleResult>;
};

let folder: string;
let traces = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kdumpd-test-'));
  writeFileSync(join(folder, 'stub'), words(0x200, [0, 0x60]));
  writeFileSync(join(folder, 'old'), oldAbiKernel());
});
afterAll(() => rmSync(folder, { recursive: true }));

/** CPU 1 panics; or the guest asks for an ordinary kexec. */
async function run(way: Way): Promise<Outcome> {
  const { path = 'crash', fault, faults, processor, mmu, cpus = 2, rma, loadedDump, ...options } = way;
  const append = [options.append, fault === undefined ? undefined : `kdumpd.fault=${fault}`]
    .filter((each) => each !== undefined)
    .join(' ');
  const boot = await imageSource(folder).bootImage('built-in', {
    dump: 'raw',
    ...options,
    ...(options.payload === undefined ? {} : { payload: join(folder, options.payload) }),
    ...(append === '' ? {} : { append }),
  });
  traces += 1;
  const trace = join(folder, `trace-${traces}`);
  const common = {
    boot,
    processor: processor ?? HASH8.processor,
    mmu: mmu ?? HASH8.mmu,
    cpus,
    memory: '128M',
    trace,
    ...(rma === undefined ? {} : { rma }),
  };
  const report =
    path === 'kexec'
      ? await runKexec({ ...common, path, request: { timeoutSeconds: 100 } })
      : await runCrash({
          ...common,
          ...(loadedDump === undefined ? {} : { loadedDump }),
          request: {
            trigger: 'panic',
            onCpu: 1,
            dump: 'raw',
            timeoutSeconds: 100,
            ...(faults === undefined ? {} : { faults }),
          },
        });
  const { rules } = JSON.parse(readFileSync(trace, 'utf8')) as Trace | { rules: [] };
  return {
    outcome: report.outcome,
    phase: report.phase,
    reason: report.reason ?? '',
    rules: new Map(rules.map((rule) => [rule.name, rule])),
  };
}

/** Rules with a verdict, each with its note. */
function withVerdict({ rules }: Outcome, verdict: RuleResult['verdict']): Record<string, string> {
  return Object.fromEntries(
    [...rules.values()].filter((rule) => rule.verdict === verdict).map(({ name, note = '' }) => [name, note]),
  );
}

function words(bytes: number, stops: readonly number[]): Uint8Array {
  const data = new Uint8Array(bytes);
  for (const at of stops) putU32(data, at, STOP, 'big');
  return data;
}

/** A kernel of the ABI that was given up: no marker at 0x5c, a doubleword at 0x18 with a name. */
function oldAbiKernel(): Uint8Array {
  const base = 0xc000000000000000n + BigInt(RESERVATION);
  return buildElf({
    endian: 'big',
    type: ET_EXEC,
    machine: EM_PPC64,
    entry: base,
    segments: [
      {
        type: PT_LOAD,
        flags: PF_R | PF_W | PF_X,
        vaddr: base,
        paddr: BigInt(RESERVATION),
        data: words(0x1000, [0, 0x60]),
        memsz: 0x10000,
      },
    ],
    symbols: [
      { name: '__kdump_flag', value: base + 0x18n, size: 8n, bind: 1, type: 1, other: 0, shndx: 0xfff1 },
    ],
  });
}

const purgatory = readFileSync('guest/prebuilt/purgatory.elf');
const purgatoryElf = parseElf(arraySource(purgatory));
function inPurgatory(name: string): number {
  const symbol = elfSymbols(purgatoryElf).find((each) => each.name === name);
  if (symbol === undefined) throw new Error(`purgatory has no ${name}`);
  return Number(symbol.value);
}
function flip(of: 'kernel' | 'purgatory' | 'tree', offset: number, at?: 'trigger' | 't2'): Fault {
  return { kind: 'flip', of, offset, ...(at === undefined ? {} : { at }) };
}
/**
 * The branch on a digest that differs, the first conditional one behind the loop that compares: with its second byte
 * inverted it counts CTR down, which is 0 there, and is not taken.
 */
function digestBranch(): number {
  const { offset, paddr } = purgatoryElf.programs.find(({ type }) => type === PT_LOAD) ?? {};
  if (offset === undefined || paddr === undefined) throw new Error('purgatory has no segment');
  const word = (at: number): number => getU32(purgatory, Number(offset) + at - Number(paddr), 'big');
  let at = inPurgatory('verify_digest');
  while (word(at) >>> 16 !== 0x4200) at += 4;
  while (word(at) >>> 16 !== 0x4082) at += 4;
  return at;
}
const DIGESTED = 0x12345;
const BOOT_CPU = 28;

describe.concurrent('a healthy built-in guest', () => {
  it.each<[string, Way]>([
    ['power8 hash, 4 CPUs', { ...HASH8, cpus: 4 }],
    ['power9 radix, 4 CPUs', { ...RADIX9, cpus: 4 }],
    ['power9 hash, 4 CPUs', { ...HASH9, cpus: 4 }],
    ['stopped by IPI', { append: 'crashipi=xics' }],
    ['released after the table was cleared', { append: 'release=after' }],
    ['ordinary kexec, hash', { path: 'kexec' }],
    ['ordinary kexec, radix', { ...RADIX9, path: 'kexec' }],
    ['a CPU that spins with interrupts off, under a system reset', { cpus: 4, fault: 'irq-off:2' }],
    ['a second teardown', { fault: 'double-teardown' }],
    ['areas that are left on a crash', { fault: 'late-vpa' }],
  ])('%s → no rule broken, none not evaluated', LIMIT, async (_name, way) => {
    const seen = await run(way);
    expect(seen.outcome).toBe(way.path === 'kexec' ? 'done' : 'captured');
    expect(withVerdict(seen, 'broken')).toEqual({});
    expect(withVerdict(seen, 'not-evaluated')).toEqual({});
    expect(Object.keys(withVerdict(seen, 'held')).length).toBeGreaterThan(18);
  });
});

type Broken = Readonly<Record<string, RegExp>>;

describe.concurrent('a mutant of the built-in guest', () => {
  const NOT_STOPPED: Broken = {
    'stop-reached': /^CPU 2 \(hardware id 8\) was not stopped; last seen: run is \S+ at \S+\+0x/,
    'secondaries-parked': /^CPU 2 \(hardware id 8\) was not in real mode/,
    'slaves-at-0x60': /^CPU 2 \(hardware id 8\) did not come to 0x60/,
    'slaves-noticed': /^CPU 2 \(hardware id 8\) had not left its old wait loop when CPU 1 overwrote 0x0{16} /,
  };
  /** It runs over the old kernel, and finds no notes there. */
  const MOVED: Broken = {
    'crash-elsewhere': /^it did not stay: CPU 1 wrote to 0x0000000000010000$/,
    'memory-intact': /at 0x0000000000013090 by CPU 1 at 0x/,
    'registers-saved': /CPU 0 saved its registers, and the dump has none/,
    'vmcore-complete': /at 0x0000000000013090 by CPU 1 at 0x/,
  };
  it.each<[string, Way, Broken]>([
    [
      'irq-off under an IPI, panic=10',
      { cpus: 4, fault: 'irq-off:2', append: 'crashipi=xics panic=10' },
      { ...NOT_STOPPED, 'interrupts-quiet': /CPU 2 has an IPI of priority 4 that was not masked/ },
    ],
    ['wedge', { cpus: 4, faults: [{ kind: 'wedge', cpu: 2 }] }, NOT_STOPPED],
    [
      'slow-slave',
      { fault: 'slow-slave' },
      {
        'slaves-at-0x60':
          /^CPU 0 \(hardware id 0\) did not come to 0x60; last seen: run is running at kexec_wait\+0x/,
        'slaves-noticed':
          /^CPU 0 \(hardware id 0\) had not left its old wait loop when CPU 1 overwrote 0x0{16} /,
      },
    ],
    [
      'thread-id-secondary',
      { cpus: 4, fault: 'thread-id-secondary' },
      { 'thread-identity': /^CPU 2 \(hardware id 8\) named thread 1 in H_IPI/ },
    ],
    [
      'no-eoi',
      { fault: 'no-eoi', append: 'crashipi=xics' },
      { 'interrupts-quiet': /^CPU 0 accepted interrupt 0x0{15}2 and did not end it$/ },
    ],
    [
      'no-eoi, ordinary kexec',
      { path: 'kexec', fault: 'no-eoi' },
      { 'interrupts-quiet': /^CPU 1 accepted interrupt 0x0{15}2 and did not end it$/ },
    ],
    [
      'wild-store',
      { crashAppend: 'kdumpd.fault=wild-store:0xc00000' },
      {
        'memory-intact':
          /^after T1 changed: 8 bytes at 0x0{10}c00000 by CPU 1 at 0x\w+ \(real_mode_store\+0x/,
        'vmcore-complete': /8 bytes at 0x0{10}c00000 by CPU 1 at 0x/,
      },
    ],
    [
      'no-notes',
      { fault: 'no-notes' },
      {
        'stop-reached': /^CPU 0 \(hardware id 0\) did not save its registers/,
        'registers-saved': /^CPU 0 answered, and the dump has no registers of it; CPU 1 answered/,
      },
    ],
    [
      'shutdown-on-panic',
      { fault: 'shutdown-on-panic' },
      { 'panic-skips-shutdown': /^executed: machine_shutdown on CPU 1$/ },
    ],
    [
      'keep-page-tables',
      { fault: 'keep-page-tables' },
      { 'page-tables-cleared': /^8 entries are valid at T1: 32768: 0x/ },
    ],
    [
      'stack-dynamic',
      { path: 'kexec', fault: 'stack-dynamic' },
      { 'static-only': /^CPU 0 had its stack at 0xc0{8}[1-9a-f]\w{6}, which is not static$/ },
    ],
    [
      'no-prepare',
      { fault: 'no-prepare' },
      {
        'hooks-paired': /^the load of a crash image .* was accepted, but machine_kexec_prepare did not run$/,
      },
    ],
    [
      'no-cleanup, loaded twice',
      { fault: 'no-cleanup', loadedDump: '-l -d 31' },
      { 'hooks-paired': /dropped the image before it, but machine_kexec_cleanup did not run$/ },
    ],
    [
      'no-prepare, an ordinary kernel forced over the running one',
      {
        path: 'kexec',
        fault: 'no-prepare',
        place: { kernel: MIB },
        force: ['overlaps-kernel', 'outside-reservation'],
      },
      {
        'hooks-paired': /an ordinary image .* was accepted, but machine_kexec_prepare did not run$/,
        'load-no-overlap': /^a segment at 0x100000–0x\w+ over the running kernel .* was accepted$/,
      },
    ],
    [
      'late-vpa, ordinary kexec',
      { path: 'kexec', fault: 'late-vpa' },
      {
        'hv-quiet': /^left at T1: vpa of CPU 0 at 0x\w{16}, dispatch-log of CPU 0 at 0x\w{16}, vpa of CPU 1/,
      },
    ],
    [
      'copy-real, where real mode reaches all memory',
      { path: 'kexec', fault: 'copy-real', rma: 128 * MIB },
      {
        'copy-in-virtual': /^translation was not on at copy of kernel by CPU 0 at kexec_copy_flush\+0x/,
      },
    ],
    [
      'purgatory does not set the flag to 1',
      { faults: [flip('purgatory', inPurgatory('run_at_load') + 3)] },
      {
        ...MOVED,
        'run-at-load-set': /^the word is 000000fe in memory, not 1/,
        'slaves-first-256': /^the byte at 0x5f is not that of the entry point$/,
      },
    ],
    [
      'the flag is overwritten when the kernel is entered',
      { faults: [flip('kernel', 0x5f, 't2')] },
      { ...MOVED, 'run-at-load-set': /^the word is 000000fe in memory, not 1/ },
    ],
    [
      'purgatory saves another 64 KiB',
      { faults: [flip('purgatory', inPurgatory('backup_src') + 6)] },
      {
        'slaves-first-256': /^the byte at 0x0 is not that of the entry point$/,
        'backup-64k': /bytes at 0x0{16} by CPU 1 at 0x/,
        'vmcore-complete': /bytes at 0x0{16} by CPU 1 at 0x/,
      },
    ],
    [
      'purgatory does not look at its digest',
      { faults: [flip('kernel', DIGESTED), flip('purgatory', digestBranch() + 1)] },
      { 'digest-ok': /^the digest did not match, and the kernel was entered all the same$/ },
    ],
    [
      'another boot CPU in the tree',
      { faults: [flip('tree', BOOT_CPU + 3, 't2')] },
      { 'boot-cpu-recorded': /^the tree names hardware id 254; the master is CPU 1 \(hardware id 1\)$/ },
    ],
  ])('%s', LIMIT, async (_name, way, expected) => {
    const seen = await run(way);
    expect(seen.outcome, seen.reason).toBe(way.path === 'kexec' ? 'done' : 'captured');
    const broken = withVerdict(seen, 'broken');
    expect(Object.keys(broken).sort()).toEqual(Object.keys(expected).sort());
    for (const [rule, note] of Object.entries(expected)) expect(broken[rule], rule).toMatch(note);
  });
});

type End = {
  readonly phase: string;
  readonly reason: RegExp;
  readonly broken?: Broken;
  /** Rules that hold, and say why. */
  readonly held?: Broken;
};

describe.concurrent('a mutant that is not captured', () => {
  it.each<[string, Way, End]>([
    [
      'irq-off under an IPI, panic=0',
      { cpus: 4, fault: 'irq-off:2', append: 'crashipi=xics panic=0' },
      {
        phase: 'handoff',
        reason: /^CPU 2 never stopped: .* interrupts off; the panicking CPU 1 waits for it without limit$/,
        broken: { 'stop-reached': /^CPU 2 \(hardware id 8\) was not stopped/ },
      },
    ],
    [
      'a byte of the kernel',
      { faults: [flip('kernel', DIGESTED)] },
      {
        phase: 'purgatory',
        reason: /the digest of the loaded image does not match \(injected: flip:kernel\+0x12345@trigger\)$/,
        held: { 'digest-ok': /^the digest did not match, and the kernel was never entered$/ },
      },
    ],
    [
      'wild-store-reserved into what the digest covers last',
      { fault: 'wild-store-reserved:0x2fff000' },
      { phase: 'purgatory', reason: /as it does when the digest of the loaded image does not match$/ },
    ],
    [
      'purgatory hands on another place than the tree',
      { faults: [flip('purgatory', inPurgatory('dt_offset') + 6)] },
      {
        phase: 'crash-kernel',
        reason: /^every CPU stands still in phase crash-kernel: .*CPU 1 parked at panic\+0x/,
        broken: {
          'purgatory-patched': /^it entered the kernel with r3 = 0x\w+, not the tree$/,
          'boot-cpu-recorded': /^r3 does not point to a flattened tree$/,
        },
      },
    ],
    [
      'a crash kernel forced over the running one',
      { place: { kernel: MIB }, force: ['overlaps-kernel', 'outside-reservation'] },
      {
        phase: 'panic',
        reason:
          /^no crash kernel is loaded \(ETXTBSY segment 0 at 0x100000\+0x\w+ lies over the running kernel\)/,
        held: {
          'load-no-overlap': /0x100000/,
          'load-in-reservation': /^a segment at 0x100000–0x\w+ outside of .* was refused with ETXTBSY$/,
        },
      },
    ],
    [
      'a crash kernel forced outside of the reservation',
      { place: { kernel: 64 * MIB }, force: ['outside-reservation'] },
      {
        phase: 'panic',
        reason: /^no crash kernel is loaded \(EADDRNOTAVAIL segment \d at 0x4000000\+0x/,
        held: { 'load-in-reservation': /^a segment at 0x4000000–0x\w+ outside of .* EADDRNOTAVAIL$/ },
      },
    ],
    [
      'a kernel of the old ABI',
      { payload: 'old' },
      {
        phase: 'panic',
        reason: /^no crash kernel is loaded \(load\/old-abi: the image has __kdump_flag at 0x18/,
        held: { 'run-at-load-old-abi': /__kdump_flag/ },
      },
    ],
    [
      'a kernel of the old ABI, forced',
      { payload: 'old', force: ['old-abi'] },
      {
        phase: 'crash-kernel',
        reason: /^every CPU stands still in phase crash-kernel: /,
        broken: { 'run-at-load-old-abi': /__kdump_flag/ },
      },
    ],
    [
      'no kernel but a stub',
      { payload: 'stub' },
      {
        phase: 'crash-kernel',
        reason:
          /^every CPU stands still in phase crash-kernel: CPU 0 parked at 0x0{14}60 .*CPU 1 parked at 0x0{9}1000000 /,
        held: { 'payload-any': /./ },
      },
    ],
  ])('%s', LIMIT, async (_name, way, expected) => {
    const seen = await run(way);
    expect(seen).toMatchObject({ outcome: 'failed', phase: expected.phase });
    expect(seen.reason).toMatch(expected.reason);
    const broken = withVerdict(seen, 'broken');
    expect(Object.keys(broken).sort()).toEqual(Object.keys(expected.broken ?? {}).sort());
    const held = withVerdict(seen, 'held');
    for (const [rule, note] of Object.entries(expected.broken ?? {}))
      expect(broken[rule], rule).toMatch(note);
    for (const [rule, note] of Object.entries(expected.held ?? {})) expect(held[rule], rule).toMatch(note);
  });
});
