/**
 * Finds the owner of an address after T1 (docs/handoff.md, `memory-intact`): the crash kernel's reservation, the first 64 KiB
 * that it saves and then uses, RTAS's own memory, areas that the hypervisor may write. All other memory must not change.
 */

import type { InstantRecord } from '../../emulator/host/index.ts';
import type { ImageFacts, Owner, RangeFact } from '../trace/index.ts';

export type Range = { readonly start: number; readonly end: number };

export type Owners = {
  readonly reservation: readonly Range[];
  readonly rtas: readonly Range[];
  readonly hypervisor: readonly Range[];
};

const LOW = 0x10000;

/**
 * The reservation comes from the production kernel's crashk_res. Where that is unknown, it is the memory that the tree gives the
 * crash kernel to use and that elfcorehdr does not list as old memory; without those, the segments alone.
 */
export function findOwners(facts: ImageFacts, t1: InstantRecord): Owners {
  const rtas = facts.load?.tree?.rtas;
  const firmware: Range[] =
    rtas?.base === undefined || rtas.bytes === undefined
      ? []
      : [{ start: Number(BigInt(rtas.base)), end: Number(BigInt(rtas.base)) + rtas.bytes }];
  return {
    // Linux lets a reservation lie around RTAS.
    reservation: reservationOf(facts).flatMap((range) => without(range, firmware)),
    rtas: firmware,
    hypervisor: t1.areas.map(({ raddr, bytes }) => ({ start: raddr, end: raddr + bytes })),
  };
}

function reservationOf({ running, load }: ImageFacts): readonly Range[] {
  if (running?.reservation !== undefined) return [toRange(running.reservation)];
  if (load?.tree?.usable !== undefined && load.core !== undefined) {
    const old = [{ start: 0, end: LOW }, ...load.core.ranges.map(toRange)];
    return load.tree.usable.map(toRange).flatMap((range) => without(range, old));
  }
  return (load?.segments ?? []).map(({ mem, bytes }) => toRange({ start: mem, bytes }));
}

export function ownerOf(owners: Owners, raddr: number): Owner {
  if (raddr < LOW) return 'low-64k';
  if (holds(owners.rtas, raddr)) return 'rtas';
  if (holds(owners.reservation, raddr)) return 'reservation';
  return holds(owners.hypervisor, raddr) ? 'hypervisor' : 'unexplained';
}

export function holds(ranges: readonly Range[], raddr: number): boolean {
  return ranges.some(({ start, end }) => raddr >= start && raddr < end);
}

export function toRange({ start, bytes }: RangeFact): Range {
  const at = Number(BigInt(start));
  return { start: at, end: at + bytes };
}

function without(range: Range, holes: readonly Range[]): Range[] {
  return holes.reduce<Range[]>(
    (parts, hole) =>
      parts.flatMap(({ start, end }) =>
        [
          { start, end: Math.min(end, hole.start) },
          { start: Math.max(start, hole.end), end },
        ].filter((part) => part.start < part.end),
      ),
    [range],
  );
}
