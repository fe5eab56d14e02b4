/**
 * Loads purgatory, a position-independent big-endian ELF file, and fills in its variables by name.
 *
 * Its first 0x100 bytes become the kernel's, its own first word kept, because the old kernel copies them to address 0
 * where secondaries wait in them. It is entered at offset 0 with r3 = hardware id and r4 = its own address, checks the
 * digest over the regions, backs up low memory and stores run_at_load where panic_kernel is set, writes the boot CPU
 * into the tree, and enters the kernel.
 * Source: docs/handoff.md (`purgatory-patched`, `digest-ok`); 64-bit ELF V2 ABI (R_PPC64_RELATIVE = 22).
 * Left out: every relocation but R_PPC64_RELATIVE.
 */

import { alignUp, arraySource, getU64, putU32, putU64, viewOf } from '../base/bytes.ts';
import {
  type ElfFile,
  EM_PPC64,
  ET_DYN,
  findSymbols,
  PT_DYNAMIC,
  PT_LOAD,
  parseElf,
  readSegment,
} from '../base/elf/index.ts';
import { assert } from '../base/errors.ts';
import { loadError } from './errors.ts';
import { HEAD_BYTES, RUN_AT_LOAD_OFFSET } from './image.ts';
import { PAGE, type Range } from './ranges.ts';

/** The values of purgatory's variables. Addresses are real addresses. */
export type PurgatoryValues = {
  /** Where the kernel is entered. */
  readonly kernel: number;
  readonly dtOffset: number;
  readonly panicKernel: boolean;
  /** The kernel's first 0x100 bytes, with the run-at-load word as the kernel is to find it. */
  readonly head: Uint8Array;
  /** What the digest covers, in this order; at most {@link MAX_REGIONS}. Empty: nothing is checked. */
  readonly regions: readonly Range[];
  /** SHA-256, 32 bytes. */
  readonly digest: Uint8Array;
  /** `source` is saved at `at`. */
  readonly backup?: { readonly source: Range; readonly at: number };
  /** Unit address of the hypervisor terminal on which purgatory prints errors. */
  readonly consoleUnit?: number;
};

/** Purgatory's file, parsed but not relocated yet. */
export type Purgatory = {
  /** Memory that it takes, its stack included: whole pages. */
  readonly memsz: number;
  /** Entry from its start. */
  readonly entry: number;
  /** The image at `base`, filled in. */
  build(base: number, values: PurgatoryValues): Uint8Array;
};

export const MAX_REGIONS = 16;
export const DIGEST_BYTES = 32;
const STACK_BYTES = 0x4000;
const REGION_BYTES = 16;
const NO_CONSOLE = 0xffff_ffff_ffff_ffffn;
const MAX_BYTES = 2 ** 24;
const R_PPC64_RELATIVE = 22n;
const [DT_NULL, DT_RELA, DT_RELASZ, DT_RELAENT] = [0n, 7n, 8n, 9n];
const RELA_BYTES = 24;

/** Variables by name with the size that each must have; `optional` ones are left alone where they are not there. */
const VARIABLES = {
  purgatory_start: { bytes: HEAD_BYTES },
  run_at_load: { bytes: 4 },
  kernel: { bytes: 8 },
  dt_offset: { bytes: 8 },
  stack: { bytes: 8 },
  panic_kernel: { bytes: 4 },
  sha256_regions: { bytes: MAX_REGIONS * REGION_BYTES },
  sha256_digest: { bytes: DIGEST_BYTES },
  sha256_count: { bytes: 4 },
  backup_src: { bytes: 8 },
  backup_dst: { bytes: 8 },
  backup_len: { bytes: 8 },
  console_unit: { bytes: 8, optional: true },
} as const;
type Variable = keyof typeof VARIABLES;

/** @throws FormatError `elf/…`, `load/bad-purgatory` */
export function readPurgatory(bytes: Uint8Array): Purgatory {
  const elf = parseElf(arraySource(bytes));
  const { header } = elf;
  if (header.machine !== EM_PPC64 || header.endian !== 'big' || header.type !== ET_DYN)
    throw bad('it is not a position independent executable for big-endian 64-bit PowerPC');
  const loads = elf.programs.filter(({ type, memsz }) => type === PT_LOAD && memsz > 0);
  const end = Math.max(0, ...loads.map(({ vaddr, memsz }) => Number(vaddr) + memsz));
  if (end === 0 || end > MAX_BYTES)
    throw bad('its segments are of no sensible size', `1 to ${MAX_BYTES}`, `${end}`);
  const image = new Uint8Array(end);
  for (const each of loads) image.set(readSegment(elf, each), Number(each.vaddr));
  if (header.entry !== 0n) throw bad('it is not entered at its start', '0', `${header.entry}`);
  const variables = findVariables(elf, end);
  const relocations = findRelocations(elf, image);
  const memsz = alignUp(alignUp(end, 16) + STACK_BYTES, PAGE);
  return {
    memsz,
    entry: 0,
    build: (base, values) => {
      const out = new Uint8Array(image);
      for (const { at, addend } of relocations) putU64(out, at, BigInt(base) + addend, 'big');
      fill(out, variables, base + memsz, values);
      return out;
    },
  };
}

function fill(
  out: Uint8Array,
  variables: ReadonlyMap<Variable, number>,
  stack: number,
  values: PurgatoryValues,
): void {
  assert(values.head.length === HEAD_BYTES, 'the head is 0x100 bytes');
  assert(values.regions.length <= MAX_REGIONS, 'purgatory checks 16 regions');
  const at = (name: Variable): number => {
    const offset = variables.get(name);
    assert(offset !== undefined, `${name} was found when purgatory was read`);
    return offset;
  };
  const put = (name: Variable, value: number | bigint): void =>
    VARIABLES[name].bytes === 4
      ? putU32(out, at(name), Number(value), 'big')
      : putU64(out, at(name), BigInt(value), 'big');
  out.set(values.head.subarray(4), at('purgatory_start') + 4);
  put('kernel', values.kernel);
  put('dt_offset', values.dtOffset);
  put('stack', stack);
  put('panic_kernel', values.panicKernel ? 1 : 0);
  put('backup_src', values.backup?.source.start ?? 0);
  put('backup_dst', values.backup?.at ?? 0);
  put('backup_len', values.backup === undefined ? 0 : values.backup.source.end - values.backup.source.start);
  put('sha256_count', values.regions.length);
  out.set(values.digest, at('sha256_digest'));
  const view = viewOf(out);
  values.regions.forEach(({ start, end }, i) => {
    view.setBigUint64(at('sha256_regions') + i * REGION_BYTES, BigInt(start));
    view.setBigUint64(at('sha256_regions') + i * REGION_BYTES + 8, BigInt(end - start));
  });
  if (variables.has('console_unit'))
    put('console_unit', values.consoleUnit === undefined ? NO_CONSOLE : values.consoleUnit);
}

function findVariables(elf: ElfFile, end: number): Map<Variable, number> {
  const symbols = findSymbols(elf, Object.keys(VARIABLES));
  const found = new Map<Variable, number>();
  for (const [name, rule] of Object.entries(VARIABLES) as [
    Variable,
    { readonly bytes: number; readonly optional?: boolean },
  ][]) {
    const symbol = symbols.get(name);
    if (symbol === undefined) {
      if (rule.optional === true) continue;
      throw bad(`it has no symbol ${name}`);
    }
    if (symbol.size !== BigInt(rule.bytes) || symbol.value + symbol.size > BigInt(end))
      throw bad(`${name} is not ${rule.bytes} bytes in it`, `${rule.bytes}`, `${symbol.size}`);
    found.set(name, Number(symbol.value));
  }
  const start = found.get('purgatory_start');
  if (start !== 0 || found.get('run_at_load') !== RUN_AT_LOAD_OFFSET)
    throw bad('purgatory_start and run_at_load are not at 0 and 0x5c');
  return found;
}

type Relocation = { readonly at: number; readonly addend: bigint };

function findRelocations(elf: ElfFile, image: Uint8Array): Relocation[] {
  const dynamic = elf.programs.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return [];
  const entries = readSegment(elf, dynamic);
  const tags = new Map<bigint, bigint>();
  for (let at = 0; at + 16 <= entries.length; at += 16) {
    const tag = getU64(entries, at, 'big');
    if (tag === DT_NULL) break;
    tags.set(tag, getU64(entries, at + 8, 'big'));
  }
  const [start, size, step] = [tags.get(DT_RELA), tags.get(DT_RELASZ), tags.get(DT_RELAENT)];
  if (start === undefined || size === undefined || size === 0n) return [];
  if (step !== BigInt(RELA_BYTES) || size % step !== 0n || start + size > BigInt(image.length))
    throw bad('its relocations are not a table inside it');
  const out: Relocation[] = [];
  for (let i = Number(start); i < Number(start + size); i += RELA_BYTES) {
    const at = getU64(image, i, 'big');
    const info = getU64(image, i + 8, 'big');
    if (info !== R_PPC64_RELATIVE || at + 8n > BigInt(image.length))
      throw bad('it has a relocation that is not R_PPC64_RELATIVE inside it', '22', `${info}`);
    out.push({ at: Number(at), addend: getU64(image, i + 16, 'big') });
  }
  return out;
}

function bad(message: string, expected?: string, actual?: string): Error {
  return loadError('load/bad-purgatory', `purgatory: ${message}`, {
    ...(expected === undefined ? {} : { expected }),
    ...(actual === undefined ? {} : { actual }),
  });
}
