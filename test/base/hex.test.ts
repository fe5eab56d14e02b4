import { describe, expect, it } from 'vitest';
import { hex32, hex64 } from '../../src/base/hex.ts';

describe('hex64', () => {
  it('hex64: zero → sixteen digits', () => {
    expect(hex64(0)).toBe('0x0000000000000000');
  });

  it('hex64: bigint and number of the same value → the same text', () => {
    expect(hex64(0x60n)).toBe('0x0000000000000060');
    expect(hex64(0x60)).toBe(hex64(0x60n));
  });

  it('hex64: negative bigint → its value modulo 2^64', () => {
    expect(hex64(-1n)).toBe('0xffffffffffffffff');
    expect(hex64(1n << 64n)).toBe('0x0000000000000000');
  });
});

describe('hex32', () => {
  it('hex32: negative number → its value modulo 2^32', () => {
    expect(hex32(-1)).toBe('0xffffffff');
  });

  it('hex32: small number → eight digits', () => {
    expect(hex32(0x5c)).toBe('0x0000005c');
  });
});
