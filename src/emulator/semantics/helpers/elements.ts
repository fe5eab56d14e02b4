/** Elements of the vectors that helpers work on: HELPER holds them 16 bytes each, as little-endian numbers. */

import { HELPER } from '../../cpu/layout.ts';
import type { Format } from './softfloat/index.ts';

/** Element `i`, in the ISA's numbering, of `width` bytes, of operand `n`. */
export function readElement(state: DataView, n: number, i: number, width: number): bigint {
  const at = HELPER + 16 * n + 16 - width * (i + 1);
  switch (width) {
    case 2:
      return BigInt(state.getUint16(at, true));
    case 4:
      return BigInt(state.getUint32(at, true));
    case 8:
      return state.getBigUint64(at, true);
    default:
      return (state.getBigUint64(at + 8, true) << 64n) | state.getBigUint64(at, true);
  }
}

/** As {@link readElement}, of the result. Bits of `value` above the width are dropped. */
export function writeElement(state: DataView, i: number, width: number, value: bigint): void {
  const at = HELPER + 16 - width * (i + 1);
  switch (width) {
    case 2:
      state.setUint16(at, Number(BigInt.asUintN(16, value)), true);
      break;
    case 4:
      state.setUint32(at, Number(BigInt.asUintN(32, value)), true);
      break;
    case 8:
      state.setBigUint64(at, BigInt.asUintN(64, value), true);
      break;
    default:
      state.setBigUint64(at, BigInt.asUintN(64, value), true);
      state.setBigUint64(at + 8, BigInt.asUintN(64, value >> 64n), true);
  }
}

export function clearResult(state: DataView): void {
  state.setBigUint64(HELPER, 0n, true);
  state.setBigUint64(HELPER + 8, 0n, true);
}

export function widthOf(f: Format): number {
  return (1 + f.exponentBits + f.fractionBits) / 8;
}
