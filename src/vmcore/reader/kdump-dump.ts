/** Reads a kdump-compressed dump, whole or cut short. Source: as format/kdump-layout.ts. */

import type { ByteSource } from '../../base/bytes.ts';
import type { ElfNote } from '../../base/elf/index.ts';
import { parseNotes } from '../../base/elf/index.ts';
import { FormatError } from '../../base/errors.ts';
import type { KdumpArea, KdumpHeader, KdumpPageDesc } from '../format/index.ts';
import {
  DUMP_DH_COMPRESSED_INCOMPLETE,
  KDUMP_HEADER,
  KDUMP_PAGE_DESC,
  KDUMP_SUB_HEADER,
  parseKdumpHeader,
  parsePageDesc,
  VMCOREINFO_NOTE_NAME,
  vmcoreError,
} from '../format/index.ts';
import { PageBitmap } from './bitmap.ts';
import { decompressPage } from './decompress.ts';
import { readThrough } from './read-through.ts';
import type { Dump, MemoryExtent, MemoryRange, Problem } from './types.ts';

const DESC = KDUMP_PAGE_DESC.size;
/** Descriptors read at once when all of them are looked at: 1.5 MiB. */
const DESCS_AT_ONCE = 1 << 16;
/** Bytes of notes: a CPU has some hundred, VMCOREINFO some thousand. */
const MAX_NOTES = 1 << 24;
const TOP = 1n << 64n;

/** Opens a kdump-compressed dump. @throws FormatError `vmcore/…` where headers are missing or make no sense. */
export function openKdumpDump(source: ByteSource): Dump {
  return new KdumpDump(source, parseKdumpHeader(source));
}

/** The result of reading every descriptor. */
type Scan = {
  readonly end: number;
  readonly lost: number;
  readonly missing: number;
  readonly bad: number;
  readonly firstBad: string;
};

class KdumpDump implements Dump {
  readonly format = 'kdump-compressed';
  readonly endian: Dump['endian'];
  readonly plain: ByteSource;
  readonly level: number;
  readonly #header: KdumpHeader;
  readonly #ram: PageBitmap;
  readonly #dumped: PageBitmap;
  /** Pages of this file: all, or a part where the dump was split. */
  readonly #start: number;
  readonly #end: number;
  #scan: Scan | undefined;
  /** The page read last: readers of memory come in small steps. */
  #page: { readonly pfn: number; readonly bytes: Uint8Array } | undefined;

  constructor(source: ByteSource, header: KdumpHeader) {
    this.plain = source;
    this.#header = header;
    this.endian = header.endian;
    this.level = header.dumpLevel;
    this.#ram = bitmap(source, header.bitmap1, header.maxPfn);
    this.#dumped = bitmap(source, header.bitmap2, header.maxPfn);
    this.#start = header.split?.start ?? 0;
    this.#end = header.split?.end ?? header.maxPfn;
  }

  extent(): number {
    return this.#look().end;
  }

  notes(): ElfNote[] {
    const { notes, vmcoreinfo, endian } = this.#header;
    const found = notes === undefined ? [] : parseNotes(this.#area(notes, 'notes'), endian);
    if (vmcoreinfo !== undefined && !found.some((note) => note.name === VMCOREINFO_NOTE_NAME)) {
      found.push({ name: VMCOREINFO_NOTE_NAME, type: 0, desc: this.#area(vmcoreinfo, 'VMCOREINFO') });
    }
    return found;
  }

  ranges(): MemoryRange[] {
    const out: MemoryRange[] = [];
    const block = BigInt(this.#header.blockSize);
    for (let start = this.#ram.next(0, true); start < this.#ram.known; ) {
      const end = this.#ram.next(start, false);
      const from = Math.max(start, this.#start);
      const dumped = this.#dumped.rank(Math.min(end, this.#end)) - this.#dumped.rank(from);
      out.push({
        paddr: BigInt(start) * block,
        size: BigInt(end - start) * block,
        dumped: BigInt(Math.max(0, dumped)) * block,
      });
      start = this.#ram.next(end, true);
    }
    return out;
  }

  locate(paddr: bigint): MemoryExtent {
    const block = BigInt(this.#header.blockSize);
    const page = paddr / block;
    const until = (pfn: number): bigint => BigInt(pfn) * block - paddr;
    if (page >= BigInt(this.#header.maxPfn)) return { kind: 'absent', length: TOP - paddr };
    const pfn = Number(page);
    if (pfn >= this.#ram.known || pfn >= this.#dumped.known)
      return { kind: 'missing', length: until(this.#header.maxPfn) };
    if (this.#dumped.has(pfn)) return { kind: this.#kindOfDumped(pfn), length: until(pfn + 1) };
    if (this.#ram.has(pfn))
      return {
        kind: 'excluded',
        length: until(Math.min(this.#ram.next(pfn, false), this.#dumped.next(pfn, true))),
      };
    return {
      kind: 'absent',
      length: until(Math.max(pfn + 1, Math.min(this.#ram.next(pfn, true), this.#dumped.next(pfn, true)))),
    };
  }

  storedAt(paddr: bigint): { readonly offset: number; readonly block: number } | undefined {
    const { blockSize } = this.#header;
    const desc = this.#descriptor(Number(paddr / BigInt(blockSize)));
    return desc === undefined ? undefined : { offset: desc.offset, block: blockSize };
  }

  readPhysical(paddr: bigint, length: number): Uint8Array {
    const block = BigInt(this.#header.blockSize);
    return readThrough(this, paddr, length, (at, limit) => {
      const into = Number(at % block);
      return this.#read(Number(at / block)).subarray(into, into + limit);
    });
  }

  problems(): Problem[] {
    const out: Problem[] = [];
    const scan = this.#look();
    if ((this.#header.status & DUMP_DH_COMPRESSED_INCOMPLETE) !== 0)
      out.push({ code: 'vmcore/marked-incomplete', message: 'the header says that the dump is incomplete' });
    if (scan.lost > 0)
      out.push({ code: 'vmcore/lost-pages', message: `${scan.lost} pages were never written` });
    if (scan.missing > 0)
      out.push({ code: 'vmcore/truncated', message: `${scan.missing} pages lie beyond the end of the dump` });
    if (scan.bad > 0)
      out.push({
        code: 'vmcore/bad-page-descriptor',
        message: `${scan.bad} page descriptors make no sense; the first: ${scan.firstBad}`,
      });
    if (this.#dumped.rank(this.#end) === this.#dumped.rank(this.#start))
      out.push({ code: 'vmcore/no-memory', message: 'the dump holds no page' });
    return out;
  }

  /** Descriptors are packed in order of page number: its place is the number of dumped pages before it. */
  #descriptorAt(pfn: number): number {
    return this.#header.descriptors + (this.#dumped.rank(pfn) - this.#dumped.rank(this.#start)) * DESC;
  }

  /** Undefined where the descriptor itself is missing. */
  #descriptor(pfn: number): KdumpPageDesc | undefined {
    const at = this.#descriptorAt(pfn);
    return at + DESC > this.plain.size
      ? undefined
      : parsePageDesc(this.plain.read(at, DESC), this.#header, at);
  }

  #kindOfDumped(pfn: number): 'data' | 'lost' | 'missing' | 'excluded' {
    if (pfn < this.#start || pfn >= this.#end) return 'excluded'; // In another file of a split dump.
    const desc = this.#descriptor(pfn);
    if (desc === undefined) return 'missing';
    if (desc.offset === 0) return 'lost';
    return desc.offset + desc.size > this.plain.size ? 'missing' : 'data';
  }

  #read(pfn: number): Uint8Array {
    if (this.#page?.pfn === pfn) return this.#page.bytes;
    const desc = this.#descriptor(pfn);
    if (desc === undefined) throw vmcoreError('vmcore/memory-missing', 'the page has no descriptor');
    const bytes = decompressPage(this.plain.read(desc.offset, desc.size), desc.flags, this.#header.blockSize);
    this.#page = { pfn, bytes };
    return bytes;
  }

  #area(area: KdumpArea, what: string): Uint8Array {
    if (area.size > MAX_NOTES)
      throw vmcoreError('vmcore/bad-kdump-header', `absurdly large ${what}`, {
        actual: `${area.size} bytes`,
      });
    if (area.offset + area.size > this.plain.size)
      throw vmcoreError('vmcore/truncated', `the dump ends before its ${what}`, { offset: area.offset });
    return this.plain.read(area.offset, area.size);
  }

  #look(): Scan {
    this.#scan ??= this.#lookAtAll();
    return this.#scan;
  }

  #lookAtAll(): Scan {
    const { descriptors, blockSize, notes, vmcoreinfo, eraseinfo } = this.#header;
    const total = this.#dumped.rank(this.#end) - this.#dumped.rank(this.#start);
    let end = Math.max(KDUMP_HEADER.size, blockSize + KDUMP_SUB_HEADER.size, descriptors + total * DESC);
    for (const area of [notes, vmcoreinfo, eraseinfo])
      end = Math.max(end, area === undefined ? 0 : area.offset + area.size);
    const there = Math.max(0, Math.min(total, Math.floor((this.plain.size - descriptors) / DESC)));
    let [lost, missing, bad, firstBad] = [0, total - there, 0, ''];
    for (let first = 0; first < there; first += DESCS_AT_ONCE) {
      const count = Math.min(DESCS_AT_ONCE, there - first);
      const at = descriptors + first * DESC;
      const bytes = this.plain.read(at, count * DESC);
      for (let i = 0; i < count; i++) {
        try {
          const desc = parsePageDesc(bytes.subarray(i * DESC, (i + 1) * DESC), this.#header, at + i * DESC);
          if (desc.offset === 0) lost++;
          else if (desc.offset + desc.size > this.plain.size) missing++;
          end = Math.max(end, desc.offset + desc.size);
        } catch (error) {
          if (!(error instanceof FormatError)) throw error;
          if (bad++ === 0) firstBad = `${error.message} (${error.detail.actual ?? ''})`;
        }
      }
    }
    return { end, lost, missing, bad, firstBad };
  }
}

/** As much of a bitmap as the dump has. */
function bitmap(source: ByteSource, area: KdumpArea, pages: number): PageBitmap {
  const wanted = Math.min(area.size, Math.ceil(pages / 8));
  const there = Math.max(0, Math.min(wanted, source.size - area.offset));
  return new PageBitmap(there === 0 ? new Uint8Array(0) : source.read(area.offset, there), pages);
}
