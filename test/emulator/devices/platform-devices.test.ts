import { describe, expect, it } from 'vitest';
import { getU16 } from '../../../src/base/bytes.ts';
import { NVRAM_BYTES, Nvram } from '../../../src/emulator/devices/nvram.ts';
import { Rtc } from '../../../src/emulator/devices/rtc.ts';
import { VTY_INPUT_BYTES, Vty } from '../../../src/emulator/devices/vty.ts';
import { FakeClock } from '../../synth/firmware-machine.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const string = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('Rtc', () => {
  it('get: some time after the start → start plus the clock, to the nanosecond', () => {
    const clock = new FakeClock();
    const rtc = new Rtc(clock, Date.UTC(2024, 11, 31, 23, 59, 59));
    clock.ns = 1_000_000_123;
    expect(rtc.get()).toEqual({
      year: 2025,
      month: 1,
      day: 1,
      hour: 0,
      minute: 0,
      second: 0,
      nanosecond: 123,
    });
  });

  it('set: a date → read from then on, running', () => {
    const clock = new FakeClock();
    clock.ns = 5_000_000_000;
    const rtc = new Rtc(clock);
    const date = { year: 2028, month: 2, day: 29, hour: 12, minute: 0, second: 0, nanosecond: 7 };
    expect(rtc.set(date)).toBe(true);
    expect(rtc.get()).toEqual(date);
    clock.ns += 61_000_000_000;
    expect(rtc.get()).toEqual({ ...date, minute: 1, second: 1 });
  });

  it.each([
    { year: 2023, month: 2, day: 29 },
    { year: 2024, month: 13, day: 1 },
    { year: 2024, month: 0, day: 1 },
    { year: 1969, month: 1, day: 1 },
    { year: 0xffff_ffff, month: 1, day: 1 },
    { year: 2024, month: 1, day: 1, hour: 24 },
    { year: 2024, month: 1, day: 1, nanosecond: 1_000_000_000 },
  ])('set: no such date %j → false, unchanged', (fields) => {
    const rtc = new Rtc(new FakeClock());
    const before = rtc.get();
    expect(rtc.set({ hour: 0, minute: 0, second: 0, nanosecond: 0, ...fields })).toBe(false);
    expect(rtc.get()).toEqual(before);
  });
});

describe('Nvram', () => {
  /** Walks the partitions as an operating system does: header, checksum over 16-bit words, length in blocks. */
  function partitions(nvram: Nvram): { signature: number; name: string; bytes: number }[] {
    const found = [];
    for (let at = 0; at < nvram.bytes; ) {
      const header = nvram.read(at, 16);
      const blocks = getU16(header, 2, 'big');
      let sum = (header[0] ?? 0) + blocks;
      for (let i = 4; i < 16; i += 2) sum += getU16(header, i, 'little');
      sum = ((sum & 0xffff) + (sum >> 16)) & 0xffff;
      const folded = (sum >> 8) + (sum << 8);
      expect(header[1]).toBe(((sum + folded) >> 8) & 0xff);
      expect(blocks).toBeGreaterThan(0);
      found.push({
        signature: header[0] ?? 0,
        name: string(header.subarray(4)).replace(/\0+$/, ''),
        bytes: blocks * 16,
      });
      at += blocks * 16;
    }
    return found;
  }

  it('a new one → a system partition and free space, together the whole, with good checksums', () => {
    expect(partitions(new Nvram())).toEqual([
      { signature: 0x70, name: 'common', bytes: 0x1000 },
      { signature: 0x7f, name: 'wwwwwwwwwwww', bytes: NVRAM_BYTES - 0x1000 },
    ]);
  });

  it('write, then a new power cycle from its bytes → the same content', () => {
    const nvram = new Nvram();
    nvram.write(0xfffe, Uint8Array.of(1, 2));
    const next = new Nvram(nvram.read(0, NVRAM_BYTES));
    expect([...next.read(0xfffe, 2)]).toEqual([1, 2]);
  });

  it('has: at and past the end → exact', () => {
    const nvram = new Nvram();
    expect(nvram.has(0xffff, 1)).toBe(true);
    expect(nvram.has(0xffff, 2)).toBe(false);
    expect(nvram.has(0xffff_ffff, 0xffff_ffff)).toBe(false);
  });
});

describe('Vty', () => {
  function terminal() {
    const printed: string[] = [];
    let pulses = 0;
    const line = { set: () => expect.unreachable(), pulse: () => void pulses++ };
    const vty = new Vty({ unit: 0x71000000, line, output: (bytes) => void printed.push(string(bytes)) });
    return { vty, printed, pulses: () => pulses };
  }

  it('input → one edge when the queue stops being empty, bytes in order, 16 at a time', () => {
    const { vty, pulses } = terminal();
    vty.input(text('0123456789'));
    vty.input(text('abcdefghij'));
    expect(pulses()).toBe(1);
    expect(vty.waiting).toBe(20);
    expect(string(vty.take())).toBe('0123456789abcdef');
    expect(string(vty.take())).toBe('ghij');
    expect(vty.take()).toHaveLength(0);
    vty.input(text('x'));
    expect(pulses()).toBe(2);
  });

  it('input: no bytes → no edge; a caller’s buffer reused → nothing changes', () => {
    const { vty, pulses } = terminal();
    vty.input(new Uint8Array(0));
    expect(pulses()).toBe(0);
    const buffer = text('abc');
    vty.input(buffer);
    buffer.fill(0);
    expect(string(vty.take())).toBe('abc');
  });

  it('input: no room for all of it → nothing is taken, without an edge; what is read makes room', () => {
    const { vty, pulses } = terminal();
    const most = Uint8Array.from({ length: VTY_INPUT_BYTES }, (_, i) => i % 251);
    expect(vty.input(most.subarray(0, VTY_INPUT_BYTES - 8))).toBe(true);
    expect(vty.input(text('123456789'))).toBe(false);
    expect(vty.waiting).toBe(VTY_INPUT_BYTES - 8);
    expect(vty.input(most.subarray(VTY_INPUT_BYTES - 8))).toBe(true);
    expect([vty.input(text('1')), vty.input(text(''))]).toEqual([false, true]);
    expect([...vty.take()]).toEqual([...most.subarray(0, 16)]);
    expect(vty.input(text('abcdefghijklmnop'))).toBe(true);
    expect(pulses()).toBe(1);
    for (let at = 16; at < VTY_INPUT_BYTES; at += 16) expect(vty.take()).toEqual(most.subarray(at, at + 16));
    expect(string(vty.take())).toBe('abcdefghijklmnop');
    expect(vty.waiting).toBe(0);
    expect(vty.input(most)).toBe(true);
    expect(vty.input(new Uint8Array(VTY_INPUT_BYTES + 1))).toBe(false);
    expect(pulses()).toBe(2);
  });

  it('input: bytes across the end of the ring → in order', () => {
    const { vty } = terminal();
    vty.input(new Uint8Array(VTY_INPUT_BYTES - 5));
    while (vty.waiting > 0) vty.take();
    vty.input(text('0123456789abcdefXY'));
    expect([string(vty.take()), string(vty.take()), vty.waiting]).toEqual(['0123456789abcdef', 'XY', 0]);
  });

  it('input: zero, ^O and high bytes → unchanged', () => {
    const { vty } = terminal();
    vty.input(Uint8Array.of(0, 0x0f, 0x63, 0xff, 0x80));
    expect([...vty.take()]).toEqual([0, 0x0f, 0x63, 0xff, 0x80]);
  });

  it('put → the listener gets the bytes; nothing → nothing', () => {
    const { vty, printed } = terminal();
    vty.put(text('hello'));
    vty.put(new Uint8Array(0));
    expect(printed).toEqual(['hello']);
  });
});
