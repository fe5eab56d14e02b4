/** The DMA window's hypercalls. */

import { describe, expect, it } from 'vitest';
import type { FirmwareVcpu } from '../../../../src/emulator/platform/contract/contract.ts';
import {
  DEFAULT_DMA_WINDOW_BYTES,
  PHB_LIOBN,
  TceTable,
  tceHcallFamily,
} from '../../../../src/emulator/platform/pci/index.ts';
import { FakeMemory } from '../../devices/virtio/fakes.ts';

const LIOBN = BigInt(PHB_LIOBN);
const END = BigInt(DEFAULT_DMA_WINDOW_BYTES);
const GET = 0x1c;
const PUT = 0x20;
const STUFF = 0x138;
const INDIRECT = 0x13c;
const OK = { kind: 'status', status: 0 };
const PARAMETER = { kind: 'status', status: -4 };

function set() {
  const memory = new FakeMemory(0x100000);
  const table = new TceTable(memory);
  const family = tceHcallFamily([table], { memory, spend: () => undefined });
  const call = (opcode: number, ...args: bigint[]) =>
    family
      .get(opcode)!
      .handler(undefined as unknown as FirmwareVcpu, [...args, ...new Array(9 - args.length).fill(0n)]);
  const get = (ioba: bigint) => call(GET, LIOBN, ioba);
  return { memory, table, call, get };
}

describe('TCE hypercalls', () => {
  it('H_PUT_TCE, H_GET_TCE: an entry is kept; bits below the page choose nothing', () => {
    const { call, get, table } = set();
    expect(get(0x5000n)).toEqual({ ...OK, returns: [0n] });
    expect(call(PUT, LIOBN, 0x5123n, 0x42003n)).toEqual({ ...OK, returns: undefined });
    expect(get(0x5fffn)).toEqual({ ...OK, returns: [0x42003n] });
    expect(get(0x6000n)).toEqual({ ...OK, returns: [0n] });
    expect(call(PUT, LIOBN, END - 1n, 0x1001n).kind).toBe('status');
    expect(get(END - 0x1000n)).toEqual({ ...OK, returns: [0x1001n] });
    table.reset();
    expect(get(0x5000n)).toEqual({ ...OK, returns: [0n] });
  });

  it('outside the window, on another LIOBN, or mapping what is not memory → H_PARAMETER', () => {
    const { call, get } = set();
    expect(get(END)).toEqual(PARAMETER);
    expect(get(2n ** 63n)).toEqual(PARAMETER);
    expect(call(GET, LIOBN + 1n, 0n)).toEqual(PARAMETER);
    expect(call(PUT, LIOBN, END, 0n)).toEqual(PARAMETER);
    expect(call(PUT, 0n, 0n, 0n)).toEqual(PARAMETER);
    expect(call(PUT, LIOBN, 0n, 0x100001n)).toEqual(PARAMETER);
    expect(call(PUT, LIOBN, 0n, 2n ** 64n - 1n)).toEqual(PARAMETER);
    expect(get(0n)).toEqual({ ...OK, returns: [0n] });
    // Without access bits the address means nothing.
    expect(call(PUT, LIOBN, 0n, 0x100000n)).toEqual(OK);
  });

  it('H_STUFF_TCE fills up to 512; more is H_P4; past the end is H_PARAMETER and fills nothing', () => {
    const { call, get } = set();
    expect(call(STUFF, LIOBN, 0x1000n, 0x7003n, 512n)).toEqual(OK);
    expect(get(0n)).toEqual({ ...OK, returns: [0n] });
    expect(get(0x1000n)).toEqual({ ...OK, returns: [0x7003n] });
    expect(get(0x200000n)).toEqual({ ...OK, returns: [0x7003n] });
    expect(get(0x201000n)).toEqual({ ...OK, returns: [0n] });
    expect(call(STUFF, LIOBN, 0n, 0n, 513n)).toEqual({ kind: 'status', status: -57 });
    expect(call(STUFF, LIOBN, END - 0x1000n, 0x7003n, 2n)).toEqual(PARAMETER);
    expect(get(END - 0x1000n)).toEqual({ ...OK, returns: [0n] });
    expect(call(STUFF, LIOBN, END, 0n, 1n)).toEqual(PARAMETER);
    expect(call(STUFF, 1n, 0n, 0n, 1n)).toEqual(PARAMETER);
  });

  it('H_PUT_TCE_INDIRECT takes a big-endian list, all or nothing', () => {
    const { memory, call, get } = set();
    for (let i = 0; i < 512; i++) memory.writeU64(0x8000 + i * 8, BigInt(((i % 16) << 12) | 3), false);
    expect(call(INDIRECT, LIOBN, 0x10000n, 0x8000n, 512n)).toEqual(OK);
    expect(get(0x10000n)).toEqual({ ...OK, returns: [3n] });
    expect(get(0x20f000n)).toEqual({ ...OK, returns: [0xf003n] });
    memory.writeU64(0x8008, 0x100003n, false);
    expect(call(INDIRECT, LIOBN, 0n, 0x8000n, 2n)).toEqual(PARAMETER);
    expect(get(0n)).toEqual({ ...OK, returns: [0n] });
    expect(call(INDIRECT, LIOBN, 0n, 0x8000n, 513n)).toEqual(PARAMETER);
    expect(call(INDIRECT, LIOBN, 0n, 0x8008n, 1n)).toEqual(PARAMETER);
    expect(call(INDIRECT, LIOBN, 0n, 0x100000n, 1n)).toEqual(PARAMETER);
    expect(call(INDIRECT, LIOBN, 0n, 2n ** 63n, 1n)).toEqual(PARAMETER);
    expect(call(INDIRECT, LIOBN, END, 0x8000n, 0n)).toEqual(PARAMETER);
    expect(call(INDIRECT, LIOBN + 1n, 0n, 0x8000n, 1n)).toEqual(PARAMETER);
    // The option of several tables is not there.
    expect(call(INDIRECT, 2n ** 64n - 1n, 0n, 0x8000n, 1n)).toEqual({ kind: 'status', status: -2 });
  });
});
