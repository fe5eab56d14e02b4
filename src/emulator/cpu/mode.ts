/** What compiled code is made for: the modes of a processor in which the same instruction does something else. */

/** MSR[SF] and MSR[LE]. */
export type Mode = { readonly mode64: boolean; readonly littleEndian: boolean };

/** A small number for each mode. */
export function modeKey(mode: Mode): number {
  return (mode.mode64 ? 1 : 0) | (mode.littleEndian ? 2 : 0);
}
