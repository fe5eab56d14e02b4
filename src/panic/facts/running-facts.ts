/**
 * Reads the facts about the production kernel and its machine that rules need: the size of memory and what of it the kernel
 * uses, the end of the kernel's static part, its init section, the crash kernel's reservation.
 * Source: Linux 6.1 kernel/crash_core.c (crashk_res; its first two doublewords are start and end, include/linux/
 * ioport.h; the syntax of crashkernel=), include/asm-generic/sections.h (_end, __init_begin, __init_end).
 */

import { getU64 } from '../../base/bytes.ts';
import { hex64 } from '../../base/hex.ts';
import type { PartitionConfig } from '../../emulator/host/index.ts';
import type { RangeFact, RunningFacts } from '../trace/index.ts';
import { stampOf, withKernelFile } from './kernel-file.ts';
import { ownedMemory } from './owned-memory.ts';
import type { KernelSymbols, ReadMemory } from './symbols/index.ts';
import { ifThere, realOf } from './symbols/index.ts';

/** Of the partition: its memory and real-mode area. */
export type RunningMachine = Pick<PartitionConfig, 'memory' | 'rma'>;

/** The kernel that runs: its command line, its file, and the same with symbols, where they are known. */
export type KernelFiles = { readonly append: string; readonly file?: string; readonly vmlinux?: string };

const RMA_LIMIT = 256 * 2 ** 20;
const UNITS: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };
const RESOURCE_BYTES = 16;
const SYMBOLS = {
  end: '_end',
  reservation: 'crashk_res',
  resources: 'iomem_resource',
  initBegin: '__init_begin',
  initEnd: '__init_end',
} as const;

/**
 * @param kernel its kallsyms may name functions only (CONFIG_KALLSYMS_ALL not set); the rest is in its file with symbols
 * @param production its symbols, at real address 0 and up
 */
export async function runningFacts(
  machine: RunningMachine,
  kernel: KernelFiles,
  production: KernelSymbols,
  read: ReadMemory,
): Promise<RunningFacts> {
  const named = await placesOf(production, kernel);
  const reservation =
    (named.reservation === undefined ? undefined : await reservationAt(named.reservation, read)) ??
    reservationOfWords(kernel.append);
  const owned = named.resources === undefined ? undefined : await ownedMemory(named.resources, read);
  const init = initOf(named);
  const limit = sizeOf(wordOf(kernel.append, 'mem'));
  return {
    memory: machine.memory.map(({ base, size }) => ({ start: hex64(base), bytes: size })),
    rma: machine.rma ?? defaultRma(machine),
    ...(named.end === undefined ? {} : { end: hex64(named.end) }),
    ...(reservation === undefined ? {} : { reservation }),
    ...(owned === undefined ? {} : { owned }),
    ...(init === undefined ? {} : { init }),
    ...(limit === undefined ? {} : { memoryLimit: limit }),
  };
}

/** The smaller of half the memory and 256 MiB, and never more than memory@0 has. */
function defaultRma({ memory }: Pick<RunningMachine, 'memory'>): number {
  const total = memory.reduce((sum, { size }) => sum + size, 0);
  return Math.min(total / 2, RMA_LIMIT, memory[0]?.size ?? 0);
}

function initOf({ initBegin, initEnd }: Places): RangeFact | undefined {
  if (initBegin === undefined || initEnd === undefined || initEnd <= initBegin) return undefined;
  return { start: hex64(initBegin), bytes: initEnd - initBegin };
}

/** Real addresses of {@link SYMBOLS}. */
type Places = Readonly<Record<keyof typeof SYMBOLS, number | undefined>>;

async function placesOf(production: KernelSymbols, { file, vmlinux }: KernelFiles): Promise<Places> {
  const real = (name: string): number | undefined => {
    const address = production.table.find(name);
    return address === undefined ? undefined : realOf(address);
  };
  const own = placesBy(real);
  if (!Object.values(own).includes(undefined)) return own;
  const filed = vmlinux === undefined ? undefined : await placesInFile(vmlinux);
  const either = placesBy((_name, key) => own[key] ?? filed?.[key]);
  if (either.end !== undefined || file === undefined) return either;
  return { ...either, end: await withKernelFile(file, async ({ size }) => size) };
}

/** Places that were found, by kernel: reading symbols is slow, and a fleet boots one kernel many times. */
const filed = new Map<string, Places | undefined>();

async function placesInFile(vmlinux: string): Promise<Places | undefined> {
  const key = stampOf(vmlinux);
  if (!filed.has(key))
    filed.set(key, await withKernelFile(vmlinux, async ({ find }) => placesBy((name) => find(name))));
  return filed.get(key);
}

function placesBy(find: (name: string, key: keyof Places) => number | undefined): Places {
  const place = (key: keyof Places) => find(SYMBOLS[key], key);
  return {
    end: place('end'),
    reservation: place('reservation'),
    resources: place('resources'),
    initBegin: place('initBegin'),
    initEnd: place('initEnd'),
  };
}

/** A struct resource; the byte order is the one in which it makes sense. */
async function reservationAt(raddr: number, read: ReadMemory): Promise<RangeFact | undefined> {
  const bytes = await ifThere(read(raddr, RESOURCE_BYTES));
  if (bytes === undefined) return undefined;
  for (const endian of ['little', 'big'] as const) {
    const start = getU64(bytes, 0, endian);
    const last = getU64(bytes, 8, endian);
    if (last > start && last < 1n << 48n && (last & 0xfffn) === 0xfffn)
      return { start: hex64(start), bytes: Number(last - start + 1n) };
  }
  return undefined;
}

/** The reservation by `crashkernel=SIZE@OFFSET`; undefined without an offset: the kernel then chooses the place. */
function reservationOfWords(append: string): RangeFact | undefined {
  const [size, offset] = (wordOf(append, 'crashkernel') ?? '').split('@').map((part) => sizeOf(part));
  return size === undefined || offset === undefined ? undefined : { start: hex64(offset), bytes: size };
}

/** The value of the last `name=` on a command line. */
function wordOf(append: string, name: string): string | undefined {
  return append
    .split(/\s+/)
    .filter((word) => word.startsWith(`${name}=`))
    .at(-1)
    ?.slice(name.length + 1);
}

/** A number as the kernel reads it: decimal or 0x, with K, M or G. */
function sizeOf(text: string | undefined): number | undefined {
  const match = /^(0x[0-9a-f]+|[0-9]+)([kmg]?)$/i.exec(text ?? '');
  return match === null ? undefined : Number(match[1]) * (UNITS[(match[2] ?? '').toLowerCase()] ?? 1);
}
