/**
 * Compares the dump with memory of T1 page by page, in pieces: neither is ever held as a whole. The first 64 KiB are compared
 * like all other memory: the crash kernel must have taken them from the backup region.
 */

import { isAllZero } from '../../base/bytes.ts';
import { FormatError } from '../../base/errors.ts';
import { hex64 } from '../../base/hex.ts';
import type { PartitionHandle } from '../../emulator/host/index.ts';
import { type Dump, type MemoryKind, openDump, type PagedSource } from '../../vmcore/reader/index.ts';
import type { ChangeFact, FilteredKind, PageCounts, WriterFact } from '../trace/index.ts';
import { differences, equalBytes, PAGE } from './differences.ts';
import { holds, type Owners } from './owners.ts';
import type { PageKinds } from './page-kinds.ts';

/** Compared at once. A multiple of every kernel's page size. */
const PIECE = 2 ** 20;
/** Bytes read from a compressed dump at once: when a part is missing, the whole read is decompressed again. */
const COMPRESSED_PIECE = 2 ** 16;
const LOW = 0x10000;
const LISTED = 256;
const SECTOR = 512;

export type CompareInput = {
  readonly handle: Pick<PartitionHandle, 'config' | 'readInstant' | 'compareDisk'>;
  /** Where the dump is, from its first byte on. */
  readonly disk: number;
  readonly paged: PagedSource;
  readonly dump: Dump;
  readonly owners: Owners;
  /** What the kernel used each page for; absent: unknown. */
  readonly kinds?: PageKinds;
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
  const count = new Counter(input);
  for (const { base, size } of input.handle.config.memory) {
    for (let at = base; at < base + size; at += PIECE) {
      const to = Math.min(at + PIECE, base + size);
      for (const extent of await extentsOf(input, at, to)) {
        if (extent.kind === 'data') await compareData(input, count, extent);
        else if (extent.kind === 'excluded') await compareExcluded(input, count, extent);
        else count.absent(extent);
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

async function compareData(input: CompareInput, count: Counter, { from, to }: Extent): Promise<void> {
  const { handle, paged, dump, disk } = input;
  const offset = dump.offsetOf?.(BigInt(from));
  if (offset !== undefined && offset % SECTOR === 0) {
    const pages = await handle.compareDisk('t1', from, to - from, disk, offset);
    count.present(from, to, pages.length);
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
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      count.missing(at, length);
    }
  }
}

/** Counts the pages that a filter left out. A filter leaves out whole pages of the kernel's page size. */
async function compareExcluded(
  { handle, kinds }: CompareInput,
  count: Counter,
  { from, to }: Extent,
): Promise<void> {
  const size = kinds?.pageSize ?? PAGE;
  let known: { from: number; to: number; bytes: Uint8Array } = { from: -1, to: -1, bytes: new Uint8Array(0) };
  for (let at = from; at < to; at += PAGE) {
    const kind = kinds?.kindOf(at);
    if (kind !== undefined) {
      count.filtered(kind);
      continue;
    }
    const start = at - (at % size);
    if (start < known.from || start + size > known.to) {
      const end = Math.max(start + size, Math.min(start - (start % PIECE) + PIECE, to));
      known = { from: start, to: end, bytes: await handle.readInstant('t1', start, end - start) };
    }
    const page = known.bytes.subarray(start - known.from, start - known.from + size);
    count.filtered(isAllZero(page) ? 'zero' : 'unknown');
  }
}

class Counter {
  readonly #input: CompareInput;
  readonly #filtered: Record<FilteredKind, number> = {
    zero: 0,
    cache: 0,
    private: 0,
    user: 0,
    free: 0,
    poisoned: 0,
    unknown: 0,
  };
  readonly #differing: ChangeFact[] = [];
  readonly #missingRanges: { start: number; end: number }[] = [];
  #total = 0;
  #equal = 0;
  #fromBackup = 0;
  #reservation = 0;
  #differingPages = 0;
  #missing = 0;

  constructor(input: CompareInput) {
    this.#input = input;
  }

  /** Pages that are in the dump, `differing` of them not as they were. */
  present(from: number, to: number, differing: number): void {
    const pages = (to - from) / PAGE;
    const low = Math.max(0, Math.min(to, LOW) - from) / PAGE;
    this.#total += pages;
    this.#fromBackup += low;
    this.#equal += pages - low;
    this.#differingPages += differing;
  }

  /** One of them that {@link present} counted as differing. */
  differs(raddr: number, was: Uint8Array, is: Uint8Array): void {
    if (raddr < LOW) this.#fromBackup--;
    else this.#equal--;
    if (this.#differing.length < LISTED)
      this.#differing.push(...differences(raddr, was, is, this.#input.owners, this.#input.writerOf(raddr)));
  }

  compared(at: number, was: Uint8Array, is: Uint8Array): void {
    const pages = Array.from({ length: was.length / PAGE }, (_, i) => i * PAGE).filter(
      (i) => !equalBytes(was.subarray(i, i + PAGE), is.subarray(i, i + PAGE)),
    );
    this.present(at, at + was.length, pages.length);
    for (const i of pages) this.differs(at + i, was.subarray(i, i + PAGE), is.subarray(i, i + PAGE));
  }

  filtered(kind: FilteredKind): void {
    this.#total++;
    this.#filtered[kind]++;
  }

  /** Pages that the dump's headers do not mention, or that were lost. */
  absent({ from, to, kind }: Extent): void {
    for (let at = from; at < to; at += PAGE) {
      if (kind !== 'absent' || !holds(this.#input.owners.reservation, at)) {
        this.missing(at, PAGE);
        continue;
      }
      this.#total++;
      this.#reservation++;
    }
  }

  missing(at: number, length: number): void {
    this.#total += length / PAGE;
    this.#missing += length / PAGE;
    const last = this.#missingRanges.at(-1);
    if (last?.end === at) last.end = at + length;
    else if (this.#missingRanges.length < LISTED) this.#missingRanges.push({ start: at, end: at + length });
  }

  result(): PageCounts {
    return {
      total: this.#total,
      equal: this.#equal,
      fromBackup: this.#fromBackup,
      reservation: this.#reservation,
      filtered: this.#filtered,
      kindsKnown: this.#input.kinds !== undefined,
      differingPages: this.#differingPages,
      differing: this.#differing.slice(0, LISTED),
      missing: this.#missing,
      missingRanges: this.#missingRanges.map(({ start, end }) => ({
        raddr: hex64(start),
        bytes: end - start,
      })),
    };
  }
}
