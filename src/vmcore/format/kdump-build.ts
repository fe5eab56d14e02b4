/**
 * Writes the kdump-compressed format, version 6. Source: as kdump-layout.ts.
 * Left out: splitting, erase information, streaming; whole dumps in memory, for small dumps and tests.
 */

import type { Endian } from '../../base/bytes.ts';
import { alignUp, isAllZero, latin1Bytes } from '../../base/bytes.ts';
import type { ElfNote } from '../../base/elf/index.ts';
import { buildNotes } from '../../base/elf/index.ts';
import { assert } from '../../base/errors.ts';
import { buildStruct } from '../../base/fields.ts';
import type { KdumpHeader } from './kdump.ts';
import { utsField } from './kdump.ts';
import * as L from './kdump-layout.ts';
import { VMCOREINFO_NOTE_NAME } from './vmcoreinfo.ts';

/** A page of the machine: in the dump, left out by the filter, or lost while writing. */
export type KdumpPage =
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'excluded' }
  | { readonly kind: 'lost' };

export type KdumpSpec = {
  readonly endian: Endian;
  readonly blockSize: number;
  readonly utsname?: Partial<KdumpHeader['utsname']>;
  /** Flags of `status` beside the compression's. */
  readonly status?: number;
  readonly cpus: number;
  readonly dumpLevel: number;
  readonly maxPfn: number;
  readonly notes: readonly ElfNote[];
  /** Pages that are RAM, by page number; all others are holes. */
  readonly pages: ReadonlyMap<number, KdumpPage>;
  /** A DUMP_DH_COMPRESSED_ flag and its function; absent: pages are stored as they are. */
  readonly compression?: { readonly flag: number; readonly compress: (page: Uint8Array) => Uint8Array };
};

/** The whole dump. All-zero pages share their data, as makedumpfile does. */
export function buildKdump(spec: KdumpSpec): Uint8Array {
  const { blockSize, endian } = spec;
  const pfns = [...spec.pages.keys()].sort((a, b) => a - b);
  const dumped = pfns.filter((pfn) => spec.pages.get(pfn)?.kind !== 'excluded');
  const notes = buildNotes(spec.notes, endian);
  const noteAt = blockSize + L.KDUMP_SUB_HEADER.size;
  const subBlocks = alignUp(L.KDUMP_SUB_HEADER.size + notes.length, blockSize) / blockSize;
  const bitmapBytes = alignUp(Math.ceil(spec.maxPfn / 8), blockSize);
  const bitmaps = (1 + subBlocks) * blockSize;
  const descriptors = bitmaps + 2 * bitmapBytes;

  let dataAt = descriptors + dumped.length * L.KDUMP_PAGE_DESC.size;
  let zeroAt: { readonly offset: number; readonly size: number; readonly flags: number } | undefined;
  const pieces: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  const place = (page: Uint8Array): { offset: number; size: number; flags: number } => {
    assert(page.length === blockSize, 'buildKdump: pages are of one block');
    const small = spec.compression?.compress(page);
    const used = small !== undefined && small.length < blockSize ? small : undefined;
    const at = {
      offset: dataAt,
      size: used?.length ?? blockSize,
      flags: used === undefined ? 0 : (spec.compression?.flag ?? 0),
    };
    pieces.push({ at: dataAt, bytes: used ?? page });
    dataAt += at.size;
    return at;
  };
  dumped.forEach((pfn, i) => {
    const page = spec.pages.get(pfn);
    let at = { offset: 0, size: 0, flags: 0 };
    if (page?.kind === 'data') {
      const zero = isAllZero(page.bytes);
      at = zero && zeroAt !== undefined ? zeroAt : place(page.bytes);
      if (zero) zeroAt = at;
    }
    const desc = { offset: BigInt(at.offset), size: at.size, flags: at.flags, page_flags: 0n };
    pieces.push({
      at: descriptors + i * L.KDUMP_PAGE_DESC.size,
      bytes: buildStruct(L.KDUMP_PAGE_DESC, desc, endian),
    });
  });

  const out = new Uint8Array(dataAt);
  out.set(mainHeader(spec, subBlocks, (2 * bitmapBytes) / blockSize));
  out.set(subHeader(spec, notes, noteAt), blockSize);
  out.set(notes, noteAt);
  for (const pfn of pfns) setBit(out, bitmaps, pfn);
  for (const pfn of dumped) setBit(out, bitmaps + bitmapBytes, pfn);
  for (const piece of pieces) out.set(piece.bytes, piece.at);
  return out;
}

function mainHeader(spec: KdumpSpec, subBlocks: number, bitmapBlocks: number): Uint8Array {
  const uts = spec.utsname ?? {};
  return buildStruct(
    L.KDUMP_HEADER,
    {
      signature: latin1Bytes(L.KDUMP_SIGNATURE),
      header_version: L.KDUMP_VERSION,
      sysname: utsField(uts.sysname ?? 'Linux'),
      nodename: utsField(uts.nodename ?? ''),
      release: utsField(uts.release ?? ''),
      version: utsField(uts.version ?? ''),
      machine: utsField(uts.machine ?? (spec.endian === 'little' ? 'ppc64le' : 'ppc64')),
      domainname: utsField(uts.domainname ?? ''),
      tv_sec: 0n,
      tv_usec: 0n,
      status: (spec.status ?? 0) | (spec.compression?.flag ?? 0),
      block_size: spec.blockSize,
      sub_hdr_size: subBlocks,
      bitmap_blocks: bitmapBlocks,
      max_mapnr: Math.min(spec.maxPfn, 0xffff_ffff),
      total_ram_blocks: 0,
      device_blocks: 0,
      written_blocks: 0,
      current_cpu: 0,
      nr_cpus: spec.cpus,
    },
    spec.endian,
  );
}

function subHeader(spec: KdumpSpec, notes: Uint8Array, noteAt: number): Uint8Array {
  const info = vmcoreinfoIn(spec, noteAt);
  return buildStruct(
    L.KDUMP_SUB_HEADER,
    {
      phys_base: 0n,
      dump_level: spec.dumpLevel,
      split: 0,
      start_pfn: 0n,
      end_pfn: 0n,
      offset_vmcoreinfo: BigInt(info?.offset ?? 0),
      size_vmcoreinfo: BigInt(info?.size ?? 0),
      offset_note: notes.length === 0 ? 0n : BigInt(noteAt),
      size_note: BigInt(notes.length),
      offset_eraseinfo: 0n,
      size_eraseinfo: 0n,
      start_pfn_64: 0n,
      end_pfn_64: 0n,
      max_mapnr_64: BigInt(spec.maxPfn),
    },
    spec.endian,
  );
}

/** The descriptor of the VMCOREINFO note lies among the notes; the sub header points at it there. */
function vmcoreinfoIn(spec: KdumpSpec, noteAt: number): { offset: number; size: number } | undefined {
  let at = noteAt;
  for (const note of spec.notes) {
    const whole = buildNotes([note], spec.endian).length;
    if (note.name === VMCOREINFO_NOTE_NAME)
      return { offset: at + whole - alignUp(note.desc.length, 4), size: note.desc.length };
    at += whole;
  }
  return undefined;
}

function setBit(bytes: Uint8Array, base: number, pfn: number): void {
  const at = base + Math.floor(pfn / 8);
  bytes[at] = (bytes[at] ?? 0) | (1 << (pfn % 8));
}
