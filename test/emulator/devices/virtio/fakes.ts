/** Memory, clock and interrupt lines for device tests: plain, exact, and strict about what is not RAM. */

import type { Clock, InterruptLine, Unsupported } from '../../../../src/emulator/devices/contract.ts';
import type { GuestMemory, MemoryRange } from '../../../../src/emulator/memory/contract.ts';
import { OutsideMemory } from '../../../../src/emulator/memory/contract.ts';

/** One range of RAM from 0. */
export class FakeMemory implements GuestMemory {
  readonly ranges: readonly MemoryRange[];
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(size: number) {
    this.ranges = [{ base: 0, size }];
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  isRam(raddr: number, length: number): boolean {
    return raddr >= 0 && length >= 0 && raddr + length <= this.bytes.length;
  }

  read(raddr: number, length: number): Uint8Array {
    this.#check(raddr, length);
    return this.bytes.slice(raddr, raddr + length);
  }

  readInto(raddr: number, target: Uint8Array): void {
    this.#check(raddr, target.length);
    target.set(this.bytes.subarray(raddr, raddr + target.length));
  }

  write(raddr: number, bytes: Uint8Array): void {
    this.#check(raddr, bytes.length);
    this.bytes.set(bytes, raddr);
  }

  fill(raddr: number, length: number, byte: number): void {
    this.#check(raddr, length);
    this.bytes.fill(byte, raddr, raddr + length);
  }

  readU8(raddr: number): number {
    return this.#at(raddr, 1).getUint8(raddr);
  }

  readU16(raddr: number, littleEndian: boolean): number {
    return this.#at(raddr, 2).getUint16(raddr, littleEndian);
  }

  readU32(raddr: number, littleEndian: boolean): number {
    return this.#at(raddr, 4).getUint32(raddr, littleEndian);
  }

  readU64(raddr: number, littleEndian: boolean): bigint {
    return this.#at(raddr, 8).getBigUint64(raddr, littleEndian);
  }

  writeU8(raddr: number, value: number): void {
    this.#at(raddr, 1).setUint8(raddr, value);
  }

  writeU16(raddr: number, value: number, littleEndian: boolean): void {
    this.#at(raddr, 2).setUint16(raddr, value, littleEndian);
  }

  writeU32(raddr: number, value: number, littleEndian: boolean): void {
    this.#at(raddr, 4).setUint32(raddr, value, littleEndian);
  }

  writeU64(raddr: number, value: bigint, littleEndian: boolean): void {
    this.#at(raddr, 8).setBigUint64(raddr, value, littleEndian);
  }

  #at(raddr: number, length: number): DataView {
    this.#check(raddr, length);
    return this.#view;
  }

  #check(raddr: number, length: number): void {
    if (!this.isRam(raddr, length)) throw new OutsideMemory(raddr, length);
  }
}

/** A clock that moves by calls. Callbacks run in order of time, then of request. */
export class FakeClock implements Clock {
  #now = 0;
  #waiting: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  timebase(): bigint {
    return (BigInt(this.#now) * 512n) / 1000n;
  }

  at(atNs: number, callback: () => void): () => void {
    const entry = { at: atNs, callback };
    this.#waiting.push(entry);
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== entry);
    };
  }

  get pending(): number {
    return this.#waiting.length;
  }

  advance(ns: number): void {
    const until = this.#now + ns;
    for (;;) {
      const due = this.#waiting.filter((entry) => entry.at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#waiting = this.#waiting.filter((entry) => entry !== due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = until;
  }
}

/** Interrupt sources that remember what happened to them. */
export class FakeInterrupts {
  readonly pulses: Map<number, number> = new Map();
  readonly levels: Map<number, boolean> = new Map();
  #next = 0x1200;

  readonly allocate = (kind: 'level' | 'msi'): { number: number; line: InterruptLine } => {
    const number = this.#next++;
    if (kind === 'level') this.levels.set(number, false);
    else this.pulses.set(number, 0);
    return {
      number,
      line: {
        set: (asserted) => {
          if (kind !== 'level') throw new Error('a message source has no level');
          this.levels.set(number, asserted);
        },
        pulse: () => {
          if (kind !== 'msi') throw new Error('a level source is not pulsed');
          this.pulses.set(number, (this.pulses.get(number) ?? 0) + 1);
        },
      },
    };
  };
}

/** Collects reports. */
export class Reports {
  readonly all: Unsupported[] = [];

  readonly report = (what: Unsupported): void => {
    this.all.push(what);
  };

  keys(): string[] {
    return this.all.map((what) => what.key);
  }
}
