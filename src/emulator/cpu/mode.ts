/** The modes that compiled code is made for: in each, the same instruction does something else. */

/** MSR[SF] and MSR[LE]. */
export type Mode = { readonly mode64: boolean; readonly littleEndian: boolean };

/** A small number for each mode. */
export function modeKey(mode: Mode): number {
  return (mode.mode64 ? 1 : 0) | (mode.littleEndian ? 2 : 0);
}

/** Every mode, by its key. Linux passes through all of them: it tries out each byte order and width before its first line. */
export const MODES: readonly Mode[] = [false, true].flatMap((littleEndian) =>
  [false, true].map((mode64) => ({ mode64, littleEndian })),
);
