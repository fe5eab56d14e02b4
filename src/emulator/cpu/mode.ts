/** The modes that compiled code is made for: in each, the same instruction does something else. */

/** MSR[SF] and MSR[LE]. */
export type Mode = { readonly mode64: boolean; readonly littleEndian: boolean };

/** A small number for each mode. */
export function modeKey(mode: Mode): number {
  return (mode.mode64 ? 1 : 0) | (mode.littleEndian ? 2 : 0);
}
