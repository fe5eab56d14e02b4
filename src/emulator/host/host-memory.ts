/**
 * Whether the host has the memory of a machine. A guest touches its memory little by little, and a host that runs out of it
 * kills the whole daemon: a machine that does not fit is refused before it is powered on.
 */

import { freemem, totalmem } from 'node:os';
import { sizeText } from '../../base/free-room.ts';

export type HostMemory = {
  /** Bytes that programs can have without swapping. */
  readonly available: number;
  /** Bytes that this process may have in all: the host's, or its control group's. */
  readonly limit: number;
};

export function hostMemory(): HostMemory {
  const total = totalmem();
  const constrained = process.constrainedMemory();
  // Without a limit it is 0, or a number beyond any memory.
  return { available: freemem(), limit: constrained > 0 ? Math.min(constrained, total) : total };
}

/** Why a machine of so many bytes does not fit; undefined where it does. */
export function memoryRefusal(needed: number, { available, limit }: HostMemory): string | undefined {
  if (needed > limit)
    return `its memory is ${sizeText(needed)}, and this host gives kdumpd ${sizeText(limit)} in all`;
  if (needed > available)
    return `its memory is ${sizeText(needed)}, and this host has ${sizeText(available)} left`;
  return undefined;
}
