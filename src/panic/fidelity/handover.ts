/**
 * Compares an ordinary kexec's image page by page: as it was loaded, as it was at its destination at T1, and as the new
 * kernel found it at T2. It also lists what else changed between T1 and T2, with the writer. Digests of the loaded pages
 * are kept instead of the pages, since an image may be as large as memory.
 *
 * Source: Linux 6.1 kernel/kexec_core.c (every page of a segment has a source, what a segment is larger than its file
 * is zeros). Left out: from the load to T1, who wrote a page that is not as loaded.
 */

import { createHash } from 'node:crypto';
import { hex64 } from '../../base/hex.ts';
import type { InstantName, PartitionHandle } from '../../emulator/host/index.ts';
import type { ReadMemory } from '../facts/symbols/index.ts';
import type { HandoverChange, HandoverReport, Place, SegmentRole } from '../trace/index.ts';
import { changesSince } from './all-changes.ts';
import { type NameOf, writerFact } from './changed.ts';
import { differencesBy, PAGE } from './differences.ts';
import { holds, type Range } from './owners.ts';

type Segment = { readonly role: SegmentRole; readonly mem: number; readonly memsz: number };

/** A segment as it was loaded: a digest of each page. */
export type LoadedSegment = Segment & { readonly pages: readonly string[] };

export type HandoverInput = {
  readonly handle: Pick<PartitionHandle, 'readInstant' | 'changes'>;
  readonly loaded: readonly LoadedSegment[];
  /** The instruction count of T2, where memory was kept then; absent: it was not. */
  readonly entered?: number;
  readonly rtas: readonly Range[];
  /** The areas that the hypervisor could write at T1. */
  readonly areas: readonly Range[];
  readonly nameOf: NameOf;
};

const PIECE = 2 ** 20;
const LOW = 0x10000;
const LISTED = 256;

/** @param read memory as the image will lie in it. */
export async function digestSegments(
  segments: readonly Segment[],
  read: ReadMemory,
): Promise<readonly LoadedSegment[]> {
  const out: LoadedSegment[] = [];
  for (const { role, mem, memsz } of segments)
    out.push({ role, mem, memsz, pages: await digests(mem, memsz, read) });
  return out;
}

/** @throws OutsideMemory for a segment that is not RAM; Error where memory was not kept at T1 */
export async function compareHandover(input: HandoverInput): Promise<HandoverReport> {
  const { handle, loaded, entered } = input;
  const segments: HandoverReport['segments'][number][] = [];
  const unlike: HandoverReport['notAsLoaded'][number][] = [];
  for (const segment of loaded) {
    const atT1 = await unlikePages(segment, 't1', handle);
    const atT2 = entered === undefined ? undefined : await unlikePages(segment, 't2', handle);
    segments.push({
      role: segment.role,
      mem: hex64(segment.mem),
      pages: segment.pages.length,
      asLoadedAtT1: segment.pages.length - atT1.length,
      ...(atT2 === undefined ? {} : { asLoadedAtT2: segment.pages.length - atT2.length }),
    });
    unlike.push(...atT1.map((raddr) => ({ raddr: hex64(raddr), role: segment.role })));
  }
  const changes = entered === undefined ? {} : await changesUpTo(input, entered);
  return {
    segments,
    notAsLoaded: unlike.slice(0, LISTED),
    ...changes,
  };
}

async function digests(mem: number, memsz: number, read: ReadMemory): Promise<string[]> {
  const out: string[] = [];
  for (let at = 0; at < memsz; at += PIECE) {
    const bytes = await read(mem + at, Math.min(PIECE, memsz - at));
    for (let i = 0; i < bytes.length; i += PAGE)
      out.push(
        createHash('sha1')
          .update(bytes.subarray(i, i + PAGE))
          .digest('base64'),
      );
  }
  return out;
}

/** Real addresses of the pages that differ from what was loaded. Page 0 may differ: the copy of the entry is written over it. */
async function unlikePages(
  { mem, memsz, pages }: LoadedSegment,
  at: InstantName,
  handle: HandoverInput['handle'],
): Promise<readonly number[]> {
  const then = await digests(mem, memsz, (raddr, length) => handle.readInstant(at, raddr, length));
  return pages.flatMap((page, i) => (page === then[i] || mem + i * PAGE === 0 ? [] : [mem + i * PAGE]));
}

/** The memory that was written after T1 and differs at T2: the first places, and how many there are. */
async function changesUpTo(
  input: HandoverInput,
  entered: number,
): Promise<{ readonly changed: readonly HandoverChange[]; readonly changedPlaces: number }> {
  const { handle, nameOf } = input;
  const changed: HandoverChange[] = [];
  let changedPlaces = 0;
  for await (const change of changesSince(handle, 't1')) {
    if (change.first.insn >= entered) continue;
    const [was, is] = await Promise.all([
      handle.readInstant('t1', change.raddr, PAGE),
      handle.readInstant('t2', change.raddr, PAGE),
    ]);
    for (const { key, ...bytes } of differencesBy(change.raddr, was, is, (raddr) => placeOf(input, raddr))) {
      changedPlaces++;
      if (changed.length < LISTED) changed.push({ ...bytes, place: key, writer: writerFact(change, nameOf) });
    }
  }
  return { changed, changedPlaces };
}

function placeOf({ loaded, rtas, areas }: HandoverInput, raddr: number): Place {
  const segment = loaded.find(({ mem, memsz }) => raddr >= mem && raddr < mem + memsz);
  if (segment !== undefined) return segment.role;
  if (raddr < LOW) return 'low-64k';
  if (holds(rtas, raddr)) return 'rtas';
  return holds(areas, raddr) ? 'hypervisor' : 'elsewhere';
}
