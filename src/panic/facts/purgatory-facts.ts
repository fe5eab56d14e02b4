/**
 * Finds the values that the loader patched into purgatory: addresses of other segments, the regions of its digest and
 * the digest. Memory holds no names of its variables, so they are recognised by value: a doubleword that is a segment's
 * address, a list of pairs of a segment's address and size, 32 bytes that are the digest of exactly those regions.
 * Source: kexec-tools 2.0.25 kexec/kexec.c (the digest's regions), kexec/arch/ppc64/kexec-elf-ppc64.c (what is
 * patched), purgatory/purgatory.c; FIPS 180-4 (SHA-256).
 */

import { createHash } from 'node:crypto';
import { type Endian, getU64 } from '../../base/bytes.ts';
import { hex64 } from '../../base/hex.ts';
import type { PurgatoryFacts, SegmentRole } from '../trace/index.ts';
import type { ReadMemory } from './symbols/index.ts';

type Placed = { readonly role: SegmentRole; readonly mem: number; readonly memsz: number };

const WORD = 8;
const PAIR = 16;
/** As many regions as purgatory's list has room for. */
const MAXIMUM_REGIONS = 16;
const PIECE = 2 ** 20;
/** A purgatory is code and a stack of some KiB. */
const PURGATORY_LIMIT = 2 ** 18;

/** @param read memory as the image will lie in it. */
export async function purgatoryFacts(
  purgatory: Placed,
  segments: readonly Placed[],
  read: ReadMemory,
): Promise<PurgatoryFacts> {
  const bytes = await readPurgatory(purgatory, read);
  const found = (['big', 'little'] as const).map((endian) => ({
    endian,
    knows: knownIn(bytes, segments, endian),
    regions: regionsIn(bytes, segments, endian),
  }));
  const best = found.reduce((a, b) =>
    b.knows.length + b.regions.length > a.knows.length + a.regions.length ? b : a,
  );
  const showsOrder = best.knows.length + best.regions.length > 0;
  const { regions } = best;
  return {
    ...(showsOrder ? { byteOrder: best.endian } : {}),
    knows: best.knows,
    regions: regions.map(({ start, length }) => ({ start: hex64(start), bytes: length })),
    ...(regions.length === 0 ? {} : { digest: await compareDigest(purgatory, regions, read) }),
  };
}

async function readPurgatory(
  { mem, memsz }: Pick<Placed, 'mem' | 'memsz'>,
  read: ReadMemory,
): Promise<Uint8Array> {
  return await read(mem, Math.min(memsz, PURGATORY_LIMIT));
}

function knownIn(bytes: Uint8Array, segments: readonly Placed[], endian: Endian): SegmentRole[] {
  const at = new Map(segments.map(({ mem, role }) => [BigInt(mem), role]));
  const roles = new Set<SegmentRole>();
  for (let i = 0; i + WORD <= bytes.length; i += WORD) {
    const role = at.get(getU64(bytes, i, endian));
    if (role !== undefined) roles.add(role);
  }
  return [...roles].sort();
}

type Region = { readonly start: number; readonly length: number };

/** The longest list of pairs that are a segment's address and a size within it. */
function regionsIn(bytes: Uint8Array, segments: readonly Placed[], endian: Endian): readonly Region[] {
  const sizes = new Map(segments.map(({ mem, memsz }) => [BigInt(mem), memsz]));
  const kernel = segments.find(({ role }) => role === 'kernel')?.mem;
  let best: readonly Region[] = [];
  for (let i = 0; i + PAIR <= bytes.length; i += WORD) {
    const list: Region[] = [];
    for (let at = i; at + PAIR <= bytes.length && list.length < MAXIMUM_REGIONS; at += PAIR) {
      const start = getU64(bytes, at, endian);
      const length = getU64(bytes, at + WORD, endian);
      const limit = sizes.get(start);
      if (limit === undefined || length === 0n || length > BigInt(limit)) break;
      // Each segment is digested once.
      if (list.some((region) => BigInt(region.start) === start)) break;
      list.push({ start: Number(start), length: Number(length) });
    }
    // A list without the kernel's segment is not the digest's: an address followed by a number can be there by chance.
    if (list.length > best.length && list.some(({ start }) => start === kernel)) best = list;
  }
  return best;
}

/** Whether purgatory holds the SHA-256 of the regions' bytes, one after another. */
export async function compareDigest(
  purgatory: { readonly mem: number; readonly memsz: number },
  regions: readonly Region[],
  read: ReadMemory,
): Promise<'equal' | 'different'> {
  const bytes = await readPurgatory(purgatory, read);
  const hash = createHash('sha256');
  for (const { start, length } of regions)
    for (let at = 0; at < length; at += PIECE)
      hash.update(await read(start + at, Math.min(PIECE, length - at)));
  return Buffer.from(bytes).includes(hash.digest()) ? 'equal' : 'different';
}
