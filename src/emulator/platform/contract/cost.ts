/**
 * What firmware's work takes of the guest's time, in nanoseconds (docs/adr/018): about as many as the host could execute instructions
 * instead. The figures are part of what the guest sees, as the length of an instruction is: they depend on the call alone.
 */

import { BYTES_PER_NS } from '../../devices/bandwidth.ts';

/** Any hypercall, also one that there is not. */
export const HYPERCALL_NS = 500;
/** A call of RTAS or of the client interface, beside the hypercall that it is made by. */
export const FIRMWARE_CALL_NS = 2000;
/** An entry of a list in memory that is read, checked and put into a table. */
export const LISTED_ENTRY_NS = 16;

/** Memory that is filled, copied or searched: as fast as a disk moves it. */
export function bytesNs(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_NS);
}
