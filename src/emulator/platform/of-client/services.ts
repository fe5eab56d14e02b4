/**
 * What every client interface service is made of: cells in, cells out, strings and buffers in the client's memory.
 * Source: IEEE 1275-1994 §6.3.1 (the argument array), §6.3.2 (services; -1 is the answer of those that fail).
 */

import { latin1, latin1Bytes } from '../../../base/bytes.ts';
import { assert } from '../../../base/errors.ts';
import type { GuestMemory } from '../../memory/contract.ts';
import type { FirmwareVcpu } from '../contract/contract.ts';

/** -1 as a cell. */
export const FAILED = 0xffff_ffff;
/** A cell that says true. */
export const TRUE = 0xffff_ffff;

/** A service's work: input cells in, return cells out. Fewer are given to a client that asks for fewer. */
export type ServiceHandler = (args: readonly number[], vcpu: FirmwareVcpu) => readonly number[];

export type ClientService = {
  readonly nargs: number;
  /** Whether further arguments may follow, as call-method's. */
  readonly more?: boolean;
  readonly handler: ServiceHandler;
};

export type ClientServices = ReadonlyMap<string, ClientService>;

/** Names and paths are not longer in any tree that there is. */
const LONGEST_TEXT = 1024;

/** The text at `raddr` up to its zero; undefined where it has no end within RAM or reason. */
export function clientText(memory: GuestMemory, raddr: number): string | undefined {
  for (let length = 0; length < LONGEST_TEXT; length++) {
    if (!memory.isRam(raddr + length, 1)) return undefined;
    if (memory.readU8(raddr + length) === 0) return latin1(memory.read(raddr, length));
  }
  return undefined;
}

/**
 * Puts a path into a buffer, its zero too where there is room.
 * @returns the path's length without the zero.
 */
export function putPath(memory: GuestMemory, raddr: number, room: number, path: string): number {
  const bytes = latin1Bytes(`${path}\0`);
  memory.write(raddr, bytes.slice(0, room));
  return bytes.length - 1;
}

export function argument(args: readonly number[], n: number): number {
  const value = args[n];
  assert(value !== undefined, 'a service is given its arguments');
  return value;
}
