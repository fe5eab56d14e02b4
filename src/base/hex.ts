/** Formats hexadecimal text for all interfaces. */

/** A 64-bit value as 16 hex digits with `0x`. Negative bigints are taken modulo 2^64. */
export function hex64(value: bigint | number): string {
  return `0x${BigInt.asUintN(64, BigInt(value)).toString(16).padStart(16, '0')}`;
}

/** A 32-bit value as 8 hex digits with `0x`. */
export function hex32(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
}
