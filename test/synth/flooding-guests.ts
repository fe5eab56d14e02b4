/** Programs of some twenty instructions that emit without end, for test/synth/bare-kernel.ts. Real mode, hypercalls alone. */

import { KERNEL_ENTRY } from './bare-kernel.ts';
import { b, dForm, li, li64, lis, SC1, word } from './power-words.ts';

const H_PUT_TERM_CHAR = 0x58;
const H_RTAS = 0xf000;
const VTYS = [0x7100_0000, 0x7100_0001] as const;
const RTAS_DISPLAY_CHARACTER = 0x2000;

/** Prints the text, of at most 16 characters, again and again; it looks at no answer. */
export function printing(vty: 0 | 1, text: string): number[] {
  const bytes = Buffer.alloc(16);
  bytes.write(text, 'latin1');
  return [
    ...word(4, VTYS[vty]),
    li(5, text.length),
    ...li64(6, bytes.readBigUInt64BE(0)),
    ...li64(7, bytes.readBigUInt64BE(8)),
    li(3, H_PUT_TERM_CHAR),
    SC1,
    b(-8),
  ];
}

/** Makes hypercalls of ever other numbers, that there are not. */
export function unknownCalls(): number[] {
  return [
    lis(10, 2),
    dForm(14, 10, 10, 4), // addi r10,r10,4
    dForm(24, 10, 3, 0), // ori r3,r10,0
    SC1,
    b(-12),
  ];
}

/** Prints `x` by RTAS again and again. The argument buffer is the kernel's end. */
export function rtasCalls(): number[] {
  const code = [
    li(4, 0), // replaced: the buffer
    lis(3, 0),
    dForm(24, 3, 3, H_RTAS),
    SC1,
    b(-12),
  ];
  code[0] = li(4, KERNEL_ENTRY + 4 * code.length);
  return [...code, RTAS_DISPLAY_CHARACTER, 1, 1, 0x78, 0];
}
