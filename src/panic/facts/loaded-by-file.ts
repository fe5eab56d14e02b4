/**
 * Finds the segments of an image that kexec_file_load loaded: the kernel itself chose them, and keeps them in its struct kimage.
 * Source: Linux 6.1 include/linux/kexec.h (struct kimage up to `segment`, struct kexec_segment), kernel/kexec_core.c (kexec_image,
 * kexec_crash_image point to the loaded images).
 */

import { type Endian, getU64 } from '../../base/bytes.ts';
import { hex64 } from '../../base/hex.ts';
import type { LoadCall } from '../trace/index.ts';
import type { KexecLoad, KexecSegment } from './kexec-image.ts';
import { ifThere, type KernelSymbols, type ReadMemory, realOf } from './symbols/index.ts';

const START = 24;
const COUNT = 56;
const SEGMENTS = 64;
const SEGMENT_BYTES = 32;
const MOST_SEGMENTS = 16;
const LEAST_PAGE = 4096n;
/** More memory than a machine of ours has, many times over. */
const MOST_ADDRESS = 1n << 50n;

/** @returns the load with its entry and segments; undefined where the kernel's memory does not say them */
export async function readLoaded(
  read: ReadMemory,
  kernel: KernelSymbols,
  load: KexecLoad,
): Promise<KexecLoad | undefined> {
  const symbol = kernel.table.find(load.crash ? 'kexec_crash_image' : 'kexec_image');
  const pointer = symbol === undefined ? undefined : await ifThere(read(realOf(symbol), 8));
  if (pointer === undefined) return undefined;
  for (const endian of ['little', 'big'] as const) {
    const address = getU64(pointer, 0, endian);
    if (address >> 60n !== 0xcn) continue;
    const image = await ifThere(read(realOf(address), SEGMENTS + MOST_SEGMENTS * SEGMENT_BYTES));
    const found = image === undefined ? undefined : imageOf(image, endian);
    if (found !== undefined) return { ...load, ...found };
  }
  return undefined;
}

/** Calls as they were, with what was read of the one that loaded `load`. */
export function withLoaded(calls: readonly LoadCall[], load: KexecLoad | undefined): readonly LoadCall[] {
  if (load?.byFile === undefined) return calls;
  const last = calls.findLastIndex(({ crash, result }) => crash === load.crash && result === 'ok');
  return calls.map((call, index) => {
    if (index !== last || call.byFile === undefined) return call;
    const segments = load.segments.map(({ mem, memsz }) => ({ mem: hex64(mem), bytes: memsz }));
    const { unread: _unread, ...byFile } = call.byFile;
    return { ...call, entry: hex64(load.entry), segments, byFile };
  });
}

function imageOf(bytes: Uint8Array, endian: Endian): Pick<KexecLoad, 'entry' | 'segments'> | undefined {
  const word = (at: number): bigint => getU64(bytes, at, endian);
  const count = word(COUNT);
  if (count < 1n || count > BigInt(MOST_SEGMENTS)) return undefined;
  const segments: KexecSegment[] = [];
  for (let i = 0; i < Number(count); i++) {
    const at = SEGMENTS + i * SEGMENT_BYTES;
    const [bufsz, mem, memsz] = [word(at + 8), word(at + 16), word(at + 24)];
    const fits = memsz > 0n && bufsz <= memsz && mem + memsz < MOST_ADDRESS;
    if (!fits || mem % LEAST_PAGE !== 0n) return undefined;
    segments.push({ mem: Number(mem), memsz: Number(memsz), bufsz: Number(bufsz) });
  }
  const entry = Number(word(START));
  return segments.some(({ mem, memsz }) => entry >= mem && entry < mem + memsz)
    ? { entry, segments }
    : undefined;
}
