/** Words of a guest that calls RTAS as the machine's own stub does: by H_RTAS, with its parameter block in memory. */

import { OPCODE } from '../../src/emulator/platform/contract/opcodes.ts';
import { dForm, li, lis, SC1 } from './power-words.ts';

/** Where the parameter block lies, in real memory. */
const BLOCK = 0x6000;

/**
 * Changes r3, r4, r6 and r7.
 * @param cells the block: the token, how many arguments and results there are, the arguments; each less than 0x8000
 */
export function rtasCall(cells: readonly number[]): number[] {
  return [
    li(6, BLOCK),
    ...cells.flatMap((cell, i) => [li(7, cell), dForm(36, 7, 6, 4 * i)]),
    li(4, BLOCK),
    lis(3, 0),
    dForm(24, 3, 3, OPCODE.H_RTAS),
    SC1,
  ];
}
