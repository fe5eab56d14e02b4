/**
 * Runs the built-in guest with one thing wrong: a fault of its own, one injected into the machine, another image or wrong
 * data for the loader; end to end, and judged by its trace. The mutants are in mutants/, by chapter.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { arraySource, getU32 } from '../../src/base/bytes.ts';
import { elfSymbols, PT_LOAD, parseElf } from '../../src/base/elf/index.ts';
import { buildFdt, type FdtTree, parseFdt } from '../../src/base/fdt/index.ts';
import {
  type MachineEvent,
  openPartition,
  type PartitionConfig,
  type PartitionHandle,
} from '../../src/emulator/host/index.ts';
import { imageSource } from '../../src/images/image-source.ts';
import type { Fault } from '../../src/panic/contract/index.ts';
import {
  type BootImage,
  type BootOptions,
  type CrashCommand,
  type RuleName,
  runCrash,
  runKexec,
} from '../../src/panic/index.ts';
import type { RuleResult, Trace } from '../../src/panic/trace/index.ts';

export const LIMIT = { timeout: 200_000 };
/** Guest seconds for each step. */
const SECONDS = 100;
export const MIB: number = 2 ** 20;
export const RESERVATION: number = 16 * MIB;

export type Way = Partial<
  Pick<CrashCommand, 'processor' | 'mmu' | 'cpus' | 'threads' | 'memory' | 'rma' | 'loadedDump'>
> &
  Omit<BootOptions, 'payload'> & {
    readonly path?: 'crash' | 'kexec' | 'restart';
    /** `kdumpd.fault=` of the production kernel. */
    readonly fault?: string;
    readonly faults?: readonly Fault[];
    /** Who panics; default 1. */
    readonly onCpu?: number;
    /** The path of a file to load for a crash. */
    readonly payload?: () => string;
    /** Another image than the built-in one. */
    readonly image?: (image: BootImage) => BootImage;
    /** Wrong facts about the machine, for the loader alone. */
    readonly misread?: (tree: FdtTree) => void;
    /** At the first such event the power is cut: it would go on like that for ever. */
    readonly until?: (event: MachineEvent) => boolean;
  };

export type Outcome = {
  readonly outcome: string;
  readonly phase: string;
  readonly reason: string;
  readonly rules: ReadonlyMap<string, RuleResult>;
  /** Absent: nothing was recorded. */
  readonly trace?: Trace;
};

/** Rules, each with what its note says. */
export type Notes = Readonly<Partial<Record<RuleName, RegExp>>>;

export type Mutant = {
  readonly name: string;
  readonly way: Way;
  /** Absent: it does what it was asked to all the same. */
  readonly failed?: { readonly phase: string; readonly reason: RegExp };
  /** All that are broken. */
  readonly broken?: Notes;
  /** Some that hold. */
  readonly held?: Notes;
};

/** The outcome where nothing went wrong. */
export const DONE = { crash: 'captured', kexec: 'done', restart: 'done' } as const;

let made: string | undefined;

/** Of this test file; gone when it is done. */
function folder(): string {
  made ??= mkdtempSync(join(tmpdir(), 'kdumpd-test-'));
  return made;
}
afterAll(() => {
  if (made !== undefined) rmSync(made, { recursive: true });
});

/** Writes a file for a guest to boot, to load or to be given. @returns its path */
export function fileOf(name: string, bytes: Uint8Array): string {
  const path = join(folder(), name);
  writeFileSync(path, bytes);
  return path;
}

let traces = 0;

/** The guest panics, or asks for an ordinary kexec or a restart. */
export async function run(way: Way): Promise<Outcome> {
  const {
    path = 'crash',
    fault,
    faults,
    image,
    misread,
    payload,
    loadedDump,
    onCpu = 1,
    until,
    ...rest
  } = way;
  const { processor = 'power8', mmu = 'hash', cpus = 2, threads, memory = '128M', rma, ...options } = rest;
  const append = [options.append, fault === undefined ? undefined : `kdumpd.fault=${fault}`]
    .filter((each) => each !== undefined)
    .join(' ');
  const builtIn = await imageSource(folder()).bootImage('built-in', {
    dump: 'raw',
    ...options,
    ...(append === '' ? {} : { append }),
    ...(payload === undefined ? {} : { payload: payload() }),
  });
  traces += 1;
  const trace = join(folder(), `trace-${traces}`);
  const common = {
    boot: image === undefined ? builtIn : image(builtIn),
    processor,
    mmu,
    cpus,
    memory,
    trace,
    ...(rma === undefined ? {} : { rma }),
    ...(threads === undefined ? {} : { threads }),
    openPartition: opener(misread, until),
  };
  const report =
    path === 'crash'
      ? await runCrash({
          ...common,
          ...(loadedDump === undefined ? {} : { loadedDump }),
          request: {
            trigger: 'panic',
            onCpu,
            dump: 'raw',
            timeoutSeconds: SECONDS,
            ...(faults === undefined ? {} : { faults }),
          },
        })
      : await runKexec({ ...common, path, request: { timeoutSeconds: SECONDS } });
  const written = JSON.parse(readFileSync(trace, 'utf8')) as Trace | { rules: [] };
  const { rules } = written;
  return {
    outcome: report.outcome,
    phase: report.phase,
    reason: report.reason ?? '',
    rules: new Map(rules.map((rule) => [rule.name, rule])),
    ...('events' in written ? { trace: written } : {}),
  };
}

/** Opens partitions that report another tree than the guest was given, or that an event stops. */
function opener(misread: Way['misread'], until: Way['until']): (config: PartitionConfig) => PartitionHandle {
  return (config) => {
    const handle = openPartition(config);
    if (until !== undefined)
      handle.subscribe((notice) => {
        if (notice.kind === 'machine-event' && until(notice.event)) void handle.stop();
      });
    return misread === undefined ? handle : misreading(handle, misread);
  };
}

function misreading(handle: PartitionHandle, change: (tree: FdtTree) => void): PartitionHandle {
  const machineTree: PartitionHandle['machineTree'] = async () => {
    const blob = await handle.machineTree();
    if (blob === undefined) return undefined;
    const tree = parseFdt(blob);
    change(tree);
    return buildFdt(tree);
  };
  return new Proxy(handle, {
    get: (target, name) => {
      if (name === 'machineTree') return machineTree;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Rules with a verdict, each with its note. */
export function withVerdict({ rules }: Outcome, verdict: RuleResult['verdict']): Record<string, string> {
  return Object.fromEntries(
    [...rules.values()].filter((rule) => rule.verdict === verdict).map(({ name, note = '' }) => [name, note]),
  );
}

/** Just the rules that are named read broken, and say why; it fails where, and for the reason, that is given. */
export async function expectMutant({ way, failed, broken = {}, held = {} }: Mutant): Promise<void> {
  const seen = await run(way);
  if (failed === undefined) expect(seen.outcome, seen.reason).toBe(DONE[way.path ?? 'crash']);
  else expect(seen).toMatchObject({ outcome: 'failed', phase: failed.phase });
  expect(seen.reason).toMatch(failed?.reason ?? /^$/);
  const found = withVerdict(seen, 'broken');
  expect(Object.keys(found).sort()).toEqual(Object.keys(broken).sort());
  for (const [rule, note] of Object.entries(broken)) expect(found[rule], rule).toMatch(note);
  const holds = withVerdict(seen, 'held');
  for (const [rule, note] of Object.entries(held)) expect(holds[rule], rule).toMatch(note);
}

/** A byte of the loaded image that is inverted. */
export function flip(of: 'kernel' | 'purgatory' | 'tree', offset: number, at?: 'trigger' | 't2'): Fault {
  return { kind: 'flip', of, offset, ...(at === undefined ? {} : { at }) };
}

const purgatory = readFileSync('guest/prebuilt/purgatory.elf');
const purgatoryElf = parseElf(arraySource(purgatory));

/** The offset of a variable or a function in purgatory. */
export function inPurgatory(name: string): number {
  const symbol = elfSymbols(purgatoryElf).find((each) => each.name === name);
  if (symbol === undefined) throw new Error(`purgatory has no ${name}`);
  return Number(symbol.value);
}

/** The offset of a variable or a function in the built-in kernel. */
export function inKernel(name: string): number {
  const elf = parseElf(arraySource(readFileSync('guest/prebuilt/kernel.elf')));
  const symbol = elfSymbols(elf).find((each) => each.name === name);
  if (symbol === undefined) throw new Error(`the built-in kernel has no ${name}`);
  return Number(BigInt.asUintN(60, symbol.value));
}

/**
 * The branch on a digest that differs, the first conditional one behind the loop that compares: with its second byte
 * inverted it counts CTR down, which is 0 there, and is not taken.
 */
export function digestBranch(): number {
  const { offset, paddr } = purgatoryElf.programs.find(({ type }) => type === PT_LOAD) ?? {};
  if (offset === undefined || paddr === undefined) throw new Error('purgatory has no segment');
  const word = (at: number): number => getU32(purgatory, Number(offset) + at - Number(paddr), 'big');
  let at = inPurgatory('verify_digest');
  while (word(at) >>> 16 !== 0x4200) at += 4;
  while (word(at) >>> 16 !== 0x4082) at += 4;
  return at;
}

/** The built-in kernel with a word of its code replaced, as production and as crash kernel. */
export function patched(name: string, change: (code: DataView) => void): (image: BootImage) => BootImage {
  return (image) => {
    const bytes = new Uint8Array(readFileSync('guest/prebuilt/kernel.elf'));
    change(new DataView(bytes.buffer));
    const kernel = fileOf(name, bytes);
    if (image.loading === undefined) throw new Error('the built-in image loads by plan');
    return { ...image, kernel, vmlinux: kernel, loading: { ...image.loading, kernel } };
  };
}

/** Where a sequence of instructions is in a file; those that are undefined may be any. */
export function findCode(code: DataView, words: readonly (number | undefined)[]): number {
  for (let at = 0; at + words.length * 4 <= code.byteLength; at += 4)
    if (words.every((word, i) => word === undefined || code.getUint32(at + i * 4) === word)) return at;
  throw new Error('there is no such code');
}
