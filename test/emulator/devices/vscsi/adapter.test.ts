import { describe, expect, it } from 'vitest';
import { getU16, getU32, putU16, putU32, putU64 } from '../../../../src/base/bytes.ts';
import { BURST_BYTES, BYTES_PER_NS } from '../../../../src/emulator/devices/bandwidth.ts';
import { BUFFER, DISK_BYTES, GuestClient, QUEUE, UNIT } from './guest-client.ts';

const READ10 = (lba: number, blocks: number): number[] => [0x28, 0, 0, 0, 0, lba, 0, 0, blocks];
const WRITE10 = (lba: number, blocks: number): number[] => [0x2a, 0, 0, 0, 0, lba, 0, 0, blocks];
const GOOD = { status: 0, flags: 0, inResidual: 0, outResidual: 0, sense: undefined };
const FAULT = '4/47';

describe('the queue', () => {
  it('initialization request → complete, with an interrupt', () => {
    const client = new GuestClient();
    client.send(1, new Uint8Array(0), 0xc0);
    expect(client.take()).toMatchObject({ valid: 0xc0, format: 2 });
    expect(client.pulses).toBe(1);
  });

  it('interrupts not wanted → none', () => {
    const client = new GuestClient();
    client.adapter.queue.signal(false);
    client.send(1, new Uint8Array(0), 0xc0);
    expect(client.pulses).toBe(0);
  });

  it('goes round its page', () => {
    const client = new GuestClient();
    for (let i = 0; i < 600; i++) {
      client.send(1, new Uint8Array(0), 0xc0);
      expect(client.take()?.valid).toBe(0xc0);
    }
  });

  it('full, or unmapped → the message is lost, nothing is overwritten', () => {
    const client = new GuestClient();
    for (let i = 0; i < 300; i++) client.send(1, new Uint8Array(0), 0xc0);
    expect(client.pulses).toBe(256);
    const other = new GuestClient();
    other.map(QUEUE, 1);
    other.send(1, new Uint8Array(0), 0xc0);
    expect(other.pulses).toBe(0);
  });

  it('closed → takes no message; what waits is dropped', () => {
    const client = new GuestClient();
    client.send(1, client.command([0]));
    expect(client.adapter.inFlight).toBe(1);
    client.adapter.close();
    expect(client.adapter.inFlight).toBe(0);
    client.run();
    expect(client.send(1, client.command([0]))).toBe(false);
    expect(client.take()).toBeUndefined();
  });
});

describe('more than the adapter moves at once', () => {
  const COMMANDS = 200;
  const BLOCKS = 4096;
  const BYTES = BLOCKS * 512;
  /** An answer takes the place of its unit: each message has one of its own. */
  const UNITS = 0x2_0000;

  /** Commands of 2 MiB each into a buffer of one page, which every descriptor names. */
  function busy() {
    const client = new GuestClient(2 * BYTES);
    // READ(10) into 1024 descriptors of 2 KiB in an indirect list of which none is in the command.
    const list = 0x4000;
    const bytes = new Uint8Array(1024 * 16);
    for (let i = 0; i < 1024; i++) {
      putU64(bytes, i * 16, BigInt(BUFFER), 'big');
      putU32(bytes, i * 16 + 12, BYTES / 1024, 'big');
    }
    client.put(list, bytes);
    const unit = client.command([0x28, 0, 0, 0, 0, 0, 0, BLOCKS >> 8, BLOCKS & 0xff], { disk: 1 });
    const whole = new Uint8Array(80);
    whole.set(unit);
    whole[5] = 0x02;
    putU64(whole, 48, BigInt(list), 'big');
    putU32(whole, 60, bytes.length, 'big');
    putU32(whole, 64, BYTES, 'big');
    return { client, unit: whole };
  }

  it('no more than a burst at the instant of service, the rest at the rate of the bandwidth, in order', () => {
    const { client, unit } = busy();
    for (let i = 0; i < COMMANDS; i++) {
      putU64(unit, 8, BigInt(i), 'big');
      client.send(1, unit, 0x80, UNITS + 0x100 * i);
    }
    client.clock.advance(10_000);
    const read = (): number => client.disks[1]?.bytesRead ?? 0;
    expect(read()).toBeGreaterThan(BURST_BYTES / 4);
    expect(read()).toBeLessThanOrEqual(BURST_BYTES + BYTES);
    client.clock.advance((COMMANDS * BYTES - BURST_BYTES) / BYTES_PER_NS / 2);
    expect(read()).toBeLessThan(COMMANDS * BYTES);
    client.clock.advance((4 * COMMANDS * BYTES) / BYTES_PER_NS);
    expect(read()).toBe(COMMANDS * BYTES);
    expect(client.adapter.inFlight).toBe(0);
  });

  it('the queue given up in the middle → what waits is dropped', () => {
    const { client, unit } = busy();
    for (let i = 0; i < COMMANDS; i++) client.send(1, unit, 0x80, UNITS + 0x100 * i);
    client.clock.advance(10_000);
    const before = client.disks[1]?.bytesRead;
    expect(client.adapter.inFlight).toBeGreaterThan(0);
    client.adapter.close();
    expect(client.clock.pending).toBe(0);
    client.run();
    expect(client.disks[1]?.bytesRead).toBe(before);
  });

  it('more messages than any client has under way → dropped, and taken again once some were worked on', () => {
    const client = new GuestClient();
    let taken = 0;
    while (taken < 1000 && client.send(1, client.command([0]))) taken++;
    expect(taken).toBe(256);
    client.run();
    expect(client.send(1, client.command([0]))).toBe(true);
  });
});

describe('login and management', () => {
  const login = (bytes: number, formats: number): Uint8Array => {
    const unit = new Uint8Array(64);
    putU64(unit, 8, 9n, 'big');
    putU32(unit, 16, bytes, 'big');
    putU16(unit, 24, formats, 'big');
    return unit;
  };

  it('login → so many requests at once', () => {
    const client = new GuestClient();
    client.send(1, login(256, 6));
    client.run();
    expect(client.take()).toEqual({ valid: 0x80, format: 1, status: 0, tag: 9n });
    const answer = client.at(UNIT, 52);
    expect([answer[0], getU32(answer, 4, 'big'), getU16(answer, 24, 'big')]).toEqual([0xc0, 22, 6]);
  });

  it.each([
    ['longer units', 257, 6, 0x1_0002],
    ['other formats', 64, 0x10, 0x1_0004],
  ])('login that wants %s → rejected', (_what, bytes, formats, reason) => {
    const client = new GuestClient();
    client.send(1, login(bytes, formats));
    client.run();
    expect([client.at(UNIT, 1)[0], getU32(client.at(UNIT, 8), 4, 'big')]).toEqual([0xc2, reason]);
  });

  const mad = (type: number, length: number): Uint8Array => {
    const unit = new Uint8Array(24);
    putU32(unit, 0, type, 'big');
    putU16(unit, 6, length, 'big');
    putU64(unit, 16, BigInt(BUFFER), 'big');
    return unit;
  };

  it('adapter info → version, largest transfer', () => {
    const client = new GuestClient();
    client.send(2, mad(3, 148));
    client.run();
    expect(client.take()).toMatchObject({ format: 2, status: 0 });
    expect(getU16(client.at(UNIT, 24), 4, 'big')).toBe(0);
    expect(Buffer.from(client.at(BUFFER, 4)).toString()).toBe('16.a');
    expect(getU32(client.at(BUFFER, 148), 116, 'big')).toBe(2 * 1024 * 1024);
  });

  it('capabilities → none of those asked for; the rest as it was', () => {
    const client = new GuestClient();
    client.put(BUFFER, new Uint8Array(92).fill(0x55));
    client.send(2, mad(5, 92));
    client.run();
    const answer = client.at(BUFFER, 92);
    expect([getU32(answer, 0, 'big'), getU16(answer, 74, 'big'), getU16(answer, 86, 'big')]).toEqual([
      0, 0, 0,
    ]);
    expect(answer[10]).toBe(0x55);
  });

  it('another datagram → not supported', () => {
    const client = new GuestClient();
    client.send(2, mad(4, 8));
    client.run();
    expect(getU16(client.at(UNIT, 24), 4, 'big')).toBe(0xf1);
  });
});

describe('commands', () => {
  it('write, then read → the same, reported to the observer', () => {
    const client = new GuestClient();
    const data = Uint8Array.from({ length: 1024 }, (_, i) => i * 7);
    client.put(BUFFER, data);
    expect(client.execute(client.command(WRITE10(3, 2), { disk: 1, from: BUFFER, bytes: 1024 }))).toEqual(
      GOOD,
    );
    expect(client.written).toEqual([[1, 3 * 512, 1024]]);
    const into = BUFFER + 0x3f00;
    expect(client.execute(client.command(READ10(3, 2), { disk: 1, into, bytes: 1024 }))).toEqual(GOOD);
    expect(client.at(into, 1024)).toEqual(data);
  });

  it('INQUIRY of no disk → a unit that can be none; of other commands: no such unit', () => {
    const client = new GuestClient();
    const answer = client.execute(client.command([0x12, 0, 0, 0, 36], { disk: 9, into: BUFFER, bytes: 64 }));
    expect(answer).toMatchObject({ status: 0, flags: 32, inResidual: 28 });
    expect(client.at(BUFFER, 1)[0]).toBe(0x7f);
    expect(client.execute(client.command([0], { disk: 9 })).sense).toBe('5/25');
  });

  it('capacity → the last block, 512 bytes', () => {
    const client = new GuestClient();
    client.execute(client.command([0x25], { into: BUFFER, bytes: 8 }));
    expect([getU32(client.at(BUFFER, 8), 0, 'big'), getU32(client.at(BUFFER, 8), 4, 'big')]).toEqual([
      DISK_BYTES / 512 - 1,
      512,
    ]);
  });

  it.each([
    ['a write to a read-only disk', 0, WRITE10(0, 1), '7/27'],
    ['blocks past the end', 1, READ10(63, 2), '5/21'],
    ['a vital page that there is not', 1, [0x12, 1, 0xc0, 0, 64], '5/24'],
    ['report supported operation codes', 1, [0xa3, 0x0c], '5/20'],
  ])('%s → check condition %s', (_what, disk, cdb, sense) => {
    const client = new GuestClient();
    const buffer = cdb[0] === 0x2a ? { from: BUFFER } : { into: BUFFER };
    expect(client.execute(client.command(cdb, { disk, ...buffer, bytes: 1024 })).sense).toBe(sense);
    expect(client.reports).toEqual([]);
  });

  it('a command that disks can lack → refused, reported', () => {
    const client = new GuestClient();
    expect(client.execute(client.command([0x42], { disk: 1 })).sense).toBe('5/20');
    expect(client.reports).toEqual([{ kind: 'device', key: 'scsi command 0x42' }]);
  });

  it('REPORT LUNS → every disk', () => {
    const client = new GuestClient();
    const unit = client.command([0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0], { into: BUFFER, bytes: 256 });
    unit[20] = 0;
    expect(client.execute(unit).status).toBe(0);
    const list = client.at(BUFFER, 24);
    expect([getU32(list, 0, 'big'), list[8], list[16]]).toEqual([16, 0, 0x81]);
  });

  it('write protection → in the mode parameters', () => {
    const client = new GuestClient();
    const ask = (disk: number): number | undefined => {
      client.execute(client.command([0x1a, 0, 0x08, 0, 64], { disk, into: BUFFER, bytes: 64 }));
      return client.at(BUFFER, 4)[2];
    };
    expect([ask(0), ask(1)]).toEqual([0x80, 0]);
  });

  it('a buffer too small for a write → nothing stored', () => {
    const client = new GuestClient();
    expect(client.execute(client.command(WRITE10(0, 2), { disk: 1, from: BUFFER, bytes: 512 })).sense).toBe(
      '5/24',
    );
    expect(client.written).toEqual([]);
  });

  it('an indirect list, part in the unit, part in memory → in order', () => {
    const client = new GuestClient();
    client.disks[1]?.data.set(
      Uint8Array.from({ length: 512 }, (_, i) => i),
      0,
    );
    const parts: [number, number][] = [
      [BUFFER + 0x2000, 100],
      [BUFFER + 0x1000, 12],
      [BUFFER, 400],
    ];
    const unit = new Uint8Array(48 + 20 + 16);
    unit.set(client.command(READ10(0, 1), { disk: 1 }).subarray(0, 48));
    unit[5] = 2;
    unit[7] = 1;
    const list = BUFFER + 0x3000;
    putU64(unit, 48, BigInt(list), 'big');
    putU32(unit, 60, parts.length * 16, 'big');
    putU32(unit, 64, 512, 'big');
    const table = new Uint8Array(parts.length * 16);
    for (const [i, [at, bytes]] of parts.entries()) {
      putU64(table, i * 16, BigInt(at), 'big');
      putU32(table, i * 16 + 12, bytes, 'big');
    }
    client.put(list, table);
    unit.set(table.subarray(0, 16), 68);
    expect(client.execute(unit)).toEqual(GOOD);
    expect([
      ...client.at(BUFFER + 0x2000, 2),
      ...client.at(BUFFER + 0x1000, 2),
      ...client.at(BUFFER, 2),
    ]).toEqual([0, 1, 100, 101, 112, 113]);
  });
});

describe('pages that are not mapped', () => {
  it.each([
    ['read from the disk', READ10(0, 8), { into: BUFFER + 0x800 }, 1],
    ['written to the disk', WRITE10(0, 8), { from: BUFFER + 0x800 }, 2],
  ])('data %s, its second page cleared in flight → a check condition', (_what, cdb, buffer, access) => {
    const client = new GuestClient();
    client.put(BUFFER, new Uint8Array(0x2000).fill(0xee));
    client.send(1, client.command(cdb, { disk: 1, ...buffer, bytes: 4096 }));
    client.map(BUFFER + 0x1000, access);
    client.run();
    expect(client.take()).toMatchObject({ status: 0 });
    expect([client.at(UNIT, 64)[19], client.at(UNIT, 64)[36 + 2]]).toEqual([2, 4]);
    expect(client.at(BUFFER, 0x2000).every((byte) => byte === 0xee)).toBe(true);
    expect(client.written).toEqual([]);
    client.map(BUFFER + 0x1000, 3);
    expect(client.execute(client.command([0], { disk: 1 })).sense).toBeUndefined();
  });

  it('the unit’s own, not readable → no answer; not writable → an element that says so', () => {
    const client = new GuestClient();
    client.map(UNIT, 2);
    client.send(1, client.command([0]));
    client.run();
    expect(client.take()).toBeUndefined();
    client.map(UNIT, 1);
    client.send(1, client.command([0]));
    client.run();
    expect(client.take()).toMatchObject({ valid: 0x80, status: 0x10, tag: 0x1234n });
  });

  it('a descriptor list that may not be read → a check condition', () => {
    const client = new GuestClient();
    const unit = new Uint8Array(68);
    unit.set(client.command(READ10(0, 1), { disk: 1 }).subarray(0, 48));
    unit[5] = 2;
    putU64(unit, 48, BigInt(BUFFER), 'big');
    putU32(unit, 60, 16, 'big');
    client.map(BUFFER, 2);
    expect(client.execute(unit).sense).toBe(FAULT);
  });

  it.each([
    ['a list longer than the unit', 2, 200, 16],
    ['more pieces than any client has', 2, 0, 16 * 5000],
    ['a format that there is not', 7, 0, 16],
  ])('%s → a check condition', (_what, format, count, bytes) => {
    const client = new GuestClient();
    const unit = client.command(READ10(0, 1), { disk: 1, bytes });
    unit[5] = format;
    unit[7] = count;
    putU32(unit, 60, bytes, 'big');
    expect(client.execute(unit).sense).toBe('5/24');
  });
});

describe('task management', () => {
  const manage = (what: number): Uint8Array => {
    const unit = new Uint8Array(48);
    unit[0] = 1;
    putU64(unit, 8, 77n, 'big');
    unit[20] = 0x81;
    unit[30] = what;
    return unit;
  };

  it('abort of a command → comes after it: complete', () => {
    const client = new GuestClient();
    client.send(1, client.command([0], { disk: 1, tag: 1n }));
    client.send(1, manage(1), 0x80, UNIT + 0x800);
    client.run();
    expect([client.take()?.tag, client.take()?.tag]).toEqual([1n, 77n]);
    expect([client.at(UNIT + 0x800, 40)[18], getU32(client.at(UNIT + 0x800, 40), 36, 'big')]).toEqual([1, 0]);
  });

  it('a function that there is not → says so', () => {
    const client = new GuestClient();
    client.send(1, manage(0x40));
    client.run();
    expect(getU32(client.at(UNIT, 40), 36, 'big')).toBe(4);
  });
});
