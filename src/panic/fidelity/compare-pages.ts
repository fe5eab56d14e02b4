/**
 * Compares the dump with memory of T1 page by page, in pieces: neither is ever held as a whole. The first 64 KiB are compared
 * like all other memory: the crash kernel must have taken them from the backup region.
 */

import { isAllZero } from '../../base/bytes.ts';
import { FormatError } from '../../base/errors.ts';
import type { PartitionHandle } from '../../emulator/host/index.ts';
import type { PackedSymbols } from '../../vmcore/analyse/index.ts';
import { type Dump, type MemoryKind, openDump, type PagedSource } from '../../vmcore/reader/index.ts';
import type { PageCounts, PageKind, WriterFact } from '../trace/index.ts';
import { PAGE } from './differences.ts';
import { mayLeaveOut } from './dump-level.ts';
import { isOfImage, type KernelImage, LiveCounter } from './live-pages.ts';
import type { Owners, Range } from './owners.ts';
import { PageCounter } from './page-counter.ts';
import type { PageKinds } from './page-kinds.ts';

/** Compared at once. A multiple of every kernel's page size; where the dump's bytes lie as memory does, they stay where they are. */
const STRETCH = 2 ** 24;
/** Memory read at once. A multiple of every kernel's page size. */
const PIECE = 2 ** 20;
/** Bytes read from a compressed dump at once: when a part is missing, the whole read is decompressed again. */
const COMPRESSED_PIECE = 2 ** 16;
const SECTOR = 512;

export type CompareInput = {
  readonly handle: Pick<PartitionHandle, 'config' | 'readInstant' | 'compareDisk'>;
  /** Where the dump is, from its first byte on. */
  readonly disk: number;
  readonly paged: PagedSource;
  readonly dump: Dump;
  readonly owners: Owners;
  /** What the kernel used each page for, or why that is not known; absent: nothing was left out. */
  readonly kinds?: PageKinds | string;
  /** At which the filter was asked to work; absent: not known. */
  readonly level?: number;
  readonly image?: KernelImage;
  /** The kernel's, and those that VMCOREINFO names. */
  readonly symbols?: PackedSymbols;
  readonly named?: readonly string[];
  /** What the kernel uses as memory; absent: all of it. */
  readonly owned?: readonly Range[];
  /** Who wrote the page first after T1. */
  readonly writerOf: (raddr: number) => WriterFact | undefined;
};

type Extent = { readonly from: number; readonly to: number; readonly kind: MemoryKind };

/** Opens a dump that is read through `paged`. @throws FormatError where it has no sane headers */
export async function openPaged(paged: PagedSource): Promise<Dump> {
  return await paged.run(() => openDump(paged.source));
}

/** @throws FormatError where the dump cannot be read; Error when the worker dies */
export async function comparePages(input: CompareInput): Promise<PageCounts> {
  const { kinds, level, owned, owners, writerOf } = input;
  const count = new PageCounter({
    owners,
    writerOf,
    live: new LiveCounter(input.image, input.symbols, input.named),
    kindsKnown: typeof kinds === 'object',
    ...(typeof kinds === 'string' ? { kindsUnknown: kinds } : {}),
    ...(level === undefined ? {} : { level }),
    ...(owned === undefined ? {} : { owned }),
  });
  for (const { base, size } of input.handle.config.memory) {
    for (let at = base; at < base + size; at += STRETCH) {
      const to = Math.min(at + STRETCH, base + size);
      for (const extent of await extentsOf(input, at, to)) {
        if (extent.kind === 'data') await compareData(input, count, extent);
        else if (extent.kind === 'excluded') await compareExcluded(input, count, extent);
        else if (extent.kind === 'absent') count.absent(extent.from, extent.to);
        else count.missing(extent.from, extent.to - extent.from);
      }
    }
  }
  return count.result();
}

async function extentsOf({ paged, dump }: CompareInput, from: number, to: number): Promise<Extent[]> {
  return await paged.run(() => {
    const out: Extent[] = [];
    for (let at = from; at < to; ) {
      const { kind, length } = dump.locate(BigInt(at));
      const whole = Number(length - (length % BigInt(PAGE)));
      const end = Math.min(to, at + Math.max(PAGE, whole));
      // A page of which the dump has only a part counts as missing.
      out.push({ from: at, to: end, kind: length < BigInt(PAGE) && kind === 'data' ? 'missing' : kind });
      at = end;
    }
    return out;
  });
}

async function compareData(input: CompareInput, count: PageCounter, { from, to }: Extent): Promise<void> {
  const { handle, paged, dump, disk } = input;
  const offset = dump.offsetOf?.(BigInt(from));
  if (offset !== undefined && offset % SECTOR === 0) {
    const pages = await handle.compareDisk('t1', from, to - from, disk, offset);
    count.present(from, to, pages.length);
    for (let at = from; at < to; at += PAGE) {
      const kept = keptKind(input, at);
      if (kept !== undefined) count.kept(kept);
    }
    for (const page of pages) {
      const was = await handle.readInstant('t1', page, PAGE);
      count.differs(page, was, await paged.run(() => dump.readPhysical(BigInt(page), PAGE)));
    }
    return;
  }
  for (let at = from; at < to; at += COMPRESSED_PIECE) {
    const length = Math.min(COMPRESSED_PIECE, to - at);
    const was = await handle.readInstant('t1', at, length);
    try {
      const is = await paged.run(() => dump.readPhysical(BigInt(at), length));
      count.compared(at, was, is);
      const size = await blockSize(input, at);
      let isZero = false;
      for (let i = 0; i < length; i += PAGE) {
        // A filter asks whether a whole page of the kernel's is zeros.
        const into = (at + i) % size;
        if (i === 0 || into === 0) isZero = isAllZero(was.subarray(i, i + size - into));
        const kept = keptKind(input, at + i, isZero);
        const place = isZero ? await paged.run(() => dump.storedAt?.(BigInt(at + i))) : undefined;
        if (place !== undefined) count.zero(at + i, place, kept);
        else if (kept !== undefined) count.kept(kept);
      }
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      count.missing(at, length);
    }
  }
}

/** Bytes of the pages in which the dump is stored, of which pieces are whole multiples. */
async function blockSize({ paged, dump, kinds }: CompareInput, at: number): Promise<number> {
  const place = await paged.run(() => dump.storedAt?.(BigInt(at)));
  return place?.block ?? (typeof kinds === 'object' ? kinds.pageSize : PAGE);
}

/** The kind for which the level was to leave out a page that is in the dump; undefined: none. */
function keptKind({ kinds, level }: CompareInput, raddr: number, isZero = false): PageKind | undefined {
  if (level === undefined) return undefined;
  const kind = typeof kinds === 'object' ? kinds.kindOf(raddr) : undefined;
  if (kind !== undefined && mayLeaveOut(level, kind)) return kind;
  return isZero && mayLeaveOut(level, 'zero') ? 'zero' : undefined;
}

/** Judges the pages that a filter left out. A filter leaves out whole pages of the kernel's page size. */
async function compareExcluded(
  { handle, kinds, level, image }: CompareInput,
  count: PageCounter,
  { from, to }: Extent,
): Promise<void> {
  const known = typeof kinds === 'object' ? kinds : undefined;
  const size = known?.pageSize ?? PAGE;
  let read: { from: number; to: number; bytes: Uint8Array } = { from: -1, to: -1, bytes: new Uint8Array(0) };
  for (let at = from; at < to; at += PAGE) {
    const kind = known?.kindOf(at);
    if (kind !== undefined && mayLeaveOut(level, kind)) {
      count.filtered(kind);
      continue;
    }
    const start = at - (at % size);
    if (start < read.from || start + size > read.to) {
      const end = Math.max(start + size, Math.min(start - (start % PIECE) + PIECE, to));
      read = { from: start, to: end, bytes: await handle.readInstant('t1', start, end - start) };
    }
    // Nothing is lost with a page of zeros, at any level.
    if (isAllZero(read.bytes.subarray(start - read.from, start - read.from + size))) count.filtered('zero');
    else if (known !== undefined || isOfImage(image, at) === true) count.live(at, kind);
    else count.filtered('unknown');
  }
}
