/** The image: whether it is a kernel, what its run-at-load word says, and places in a kernel's first bytes. */

import { RUN_AT_LOAD_OFFSET } from '../../../crashkernel/index.ts';
import type { ImageFacts, LoadFacts } from '../../trace/index.ts';
import type { Span } from './spans.ts';

/** Secondaries enter a kernel here, and the copy of its first bytes at address 0 (docs/handoff.md). */
export const SECONDARY_ENTRY = 0x60;
/** The word at 0x5c, from the kernel's first byte. */
export const RUN_AT_LOAD: Span = {
  start: BigInt(RUN_AT_LOAD_OFFSET),
  end: BigInt(RUN_AT_LOAD_OFFSET) + 4n,
};

/** An image that is a kernel is given a tree, or has the marker of one. */
export function isKernel(load: LoadFacts): boolean {
  return load.runAtLoad?.byteOrder !== undefined || load.segments.some(({ role }) => role === 'tree');
}

/** The word as the image reads it at T2; undefined where it was no marker before, or could not be read. */
export function runAtLoadOf({ load, entered }: ImageFacts): number | undefined {
  const order = load?.runAtLoad?.byteOrder;
  return order === undefined || entered?.runAtLoad === undefined
    ? undefined
    : runAtLoadValue(entered.runAtLoad, order);
}

/** @param bytes 4 bytes of memory, hex */
export function runAtLoadValue(bytes: string, order: 'big' | 'little'): number {
  const word = Buffer.from(bytes, 'hex');
  return order === 'little' ? word.readUInt32LE(0) : word.readUInt32BE(0);
}
