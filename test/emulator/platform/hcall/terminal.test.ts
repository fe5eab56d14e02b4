/** Terminals of the partition, by hypercall. */

import { describe, expect, it } from 'vitest';
import { H } from '../../../../src/emulator/platform/contract/status.ts';
import { bench, only } from '../platform-under-test.ts';

const ALL_ONES = 0xffff_ffff_ffff_ffffn;

describe('terminals', () => {
  it('H_PUT_TERM_CHAR → the bytes, most significant first; 0 names the console', () => {
    const { hcall, printed } = bench();
    expect(hcall('H_PUT_TERM_CHAR', 0x71000000, 10, 0x48656c6c6f2c2077n, 0x6f00000000000000n)).toEqual(
      only(0),
    );
    hcall('H_PUT_TERM_CHAR', 0x71000001, 1, 0x41n << 56n);
    hcall('H_PUT_TERM_CHAR', 0, 1, 0x42n << 56n);
    hcall('H_PUT_TERM_CHAR', 0, 0);
    expect(printed).toEqual([
      { vty: 0, text: 'Hello, wo\0' },
      { vty: 1, text: 'A' },
      { vty: 0, text: 'B' },
    ]);
  });

  it('H_GET_TERM_CHAR → count and up to 16 bytes, then none', () => {
    const { hcall, platform } = bench();
    platform.input(1, new TextEncoder().encode('abcdefghijklmnopq'));
    expect(hcall('H_GET_TERM_CHAR', 0x71000001)).toEqual({
      status: 0,
      returns: [16n, 0x6162636465666768n, 0x696a6b6c6d6e6f70n],
    });
    expect(hcall('H_GET_TERM_CHAR', 0x71000001)).toEqual({ status: 0, returns: [1n, 0x71n << 56n, 0n] });
    expect(hcall('H_GET_TERM_CHAR', 0x71000001)).toEqual({ status: 0, returns: [0n, 0n, 0n] });
    expect(hcall('H_GET_TERM_CHAR', 0)).toEqual({ status: 0, returns: [0n, 0n, 0n] });
  });

  it('no such terminal, more than 16 bytes → H_PARAMETER, nothing printed', () => {
    const { hcall, printed } = bench();
    expect(hcall('H_PUT_TERM_CHAR', 0x71000002, 1, 0)).toEqual(only(H.parameter));
    expect(hcall('H_PUT_TERM_CHAR', 0x71000000, 17, 0)).toEqual(only(H.parameter));
    expect(hcall('H_PUT_TERM_CHAR', 0x71000000, ALL_ONES, 0)).toEqual(only(H.parameter));
    expect(hcall('H_GET_TERM_CHAR', ALL_ONES)).toEqual(only(H.parameter));
    expect(printed).toEqual([]);
  });

  it('typed bytes → the terminal’s interrupt', () => {
    const { platform, hcall, cpu, rtas } = bench();
    const [console_] = platform.describe({
      bootHardwareId: 0,
      rma: 0x40_0000,
      bootargs: '',
      rtasBase: 0,
    }).vtys;
    const number = console_?.interrupt ?? 0;
    expect(rtas('ibm,set-xive', [number, 0, 5], 1)).toEqual([0]);
    hcall('H_CPPR', 0xff);
    platform.input(0, Uint8Array.of(0x0f));
    expect(cpu(0).external).toBe(true);
    expect(hcall('H_XIRR')).toEqual({ status: 0, returns: [BigInt(0xff00_0000 + number)] });
  });
});
