/** A machine as firmware sees it, without one: plain memory, vCPUs that record what is done to them, a clock set by hand. */

import type { Clock, Unsupported } from '../../src/emulator/devices/contract.ts';
import { type GuestMemory, type MemoryRange, OutsideMemory } from '../../src/emulator/memory/contract.ts';
import type {
  FirmwareMachine,
  FirmwareVcpu,
  VcpuRunState,
} from '../../src/emulator/platform/contract/contract.ts';

/** RAM in one array a range. */
export class FakeMemory implements GuestMemory {
  readonly ranges: readonly MemoryRange[];
  readonly #parts: { readonly base: number; readonly bytes: Uint8Array }[];

  constructor(ranges: readonly MemoryRange[]) {
    this.ranges = ranges;
    this.#parts = ranges.map(({ base, size }) => ({ base, bytes: new Uint8Array(size) }));
  }

  isRam(raddr: number, length: number): boolean {
    return this.#find(raddr, length) !== undefined;
  }

  read(raddr: number, length: number): Uint8Array {
    return this.#at(raddr, length).slice();
  }

  readInto(raddr: number, target: Uint8Array): void {
    target.set(this.#at(raddr, target.length));
  }

  write(raddr: number, bytes: Uint8Array): void {
    this.#at(raddr, bytes.length).set(bytes);
  }

  fill(raddr: number, length: number, byte: number): void {
    this.#at(raddr, length).fill(byte);
  }

  readU8(raddr: number): number {
    return this.#view(raddr, 1).getUint8(0);
  }

  readU16(raddr: number, littleEndian: boolean): number {
    return this.#view(raddr, 2).getUint16(0, littleEndian);
  }

  readU32(raddr: number, littleEndian: boolean): number {
    return this.#view(raddr, 4).getUint32(0, littleEndian);
  }

  readU64(raddr: number, littleEndian: boolean): bigint {
    return this.#view(raddr, 8).getBigUint64(0, littleEndian);
  }

  writeU8(raddr: number, value: number): void {
    this.#view(raddr, 1).setUint8(0, value);
  }

  writeU16(raddr: number, value: number, littleEndian: boolean): void {
    this.#view(raddr, 2).setUint16(0, value, littleEndian);
  }

  writeU32(raddr: number, value: number, littleEndian: boolean): void {
    this.#view(raddr, 4).setUint32(0, value, littleEndian);
  }

  writeU64(raddr: number, value: bigint, littleEndian: boolean): void {
    this.#view(raddr, 8).setBigUint64(0, value, littleEndian);
  }

  #find(raddr: number, length: number): Uint8Array | undefined {
    for (const { base, bytes } of this.#parts) {
      const offset = raddr - base;
      if (offset >= 0 && offset + length <= bytes.length) return bytes.subarray(offset, offset + length);
    }
    return undefined;
  }

  #at(raddr: number, length: number): Uint8Array {
    const found = this.#find(raddr, length);
    if (found === undefined) throw new OutsideMemory(raddr, length);
    return found;
  }

  #view(raddr: number, length: number): DataView {
    const part = this.#at(raddr, length);
    return new DataView(part.buffer, part.byteOffset, part.length);
  }
}

export class FakeVcpu implements FirmwareVcpu {
  readonly index: number;
  readonly hardwareId: number;
  readonly gprs: bigint[] = new Array<bigint>(32).fill(0n);
  /** What was done to it, in words, in order. */
  readonly log: string[] = [];
  runState: VcpuRunState;
  joined = false;
  msr = 0x8000_0000_0000_1000n;
  nia = 0xc000_0000_0001_2344n;
  external = false;

  constructor(index: number, hardwareId: number, runState: VcpuRunState) {
    this.index = index;
    this.hardwareId = hardwareId;
    this.runState = runState;
  }

  gpr(n: number): bigint {
    return this.gprs[n] ?? 0n;
  }

  setGpr(n: number, value: bigint): void {
    this.gprs[n] = value;
  }

  start(entry: number, r3: bigint): void {
    this.runState = 'running';
    this.log.push(`start 0x${entry.toString(16)} r3=${r3}`);
  }

  enter(address: bigint): void {
    this.nia = address;
    this.log.push(`enter 0x${address.toString(16)}`);
  }

  stop(): void {
    this.runState = 'stopped';
    this.log.push('stop');
  }

  cede(): void {
    this.log.push('cede');
  }

  prod(): void {
    this.joined = false;
    this.log.push('prod');
  }

  join(): void {
    this.joined = true;
    this.log.push('join');
  }

  yieldSlice(): void {
    this.log.push('yield');
  }

  systemReset(): void {
    this.log.push('reset');
  }

  setExternalInterrupt(asserted: boolean): void {
    this.external = asserted;
  }

  setInterruptLittleEndian(on: boolean): void {
    this.log.push(on ? 'little' : 'big');
  }

  setInstructionBreakpoint(ciabr: bigint): void {
    this.log.push(`breakpoint ${ciabr.toString(16)}`);
  }
  setSprg0(value: bigint): void {
    this.log.push(`sprg0 ${value.toString(16)}`);
  }
  setAlternateInterruptLocation(ail: 0 | 2 | 3): void {
    this.log.push(`ail ${ail}`);
  }
}

export class FakeClock implements Clock {
  ns = 0;

  now(): number {
    return this.ns;
  }

  timebase(): bigint {
    return (BigInt(this.ns) * 64n) / 125n;
  }

  at(): () => void {
    throw new Error('nothing on this platform waits for a time');
  }
}

export class FakeMachine implements FirmwareMachine {
  readonly memory: FakeMemory;
  readonly clock: FakeClock = new FakeClock();
  readonly vcpus: readonly FakeVcpu[];
  /** What was reported as unsupported, and what was done to the machine. */
  readonly reports: Unsupported[] = [];
  readonly log: string[] = [];
  #next = 0;

  constructor(hardwareIds: readonly number[] = [0, 1, 8], ranges?: readonly MemoryRange[]) {
    this.memory = new FakeMemory(ranges ?? [{ base: 0, size: 0x40_0000 }]);
    this.vcpus = hardwareIds.map((id, index) => new FakeVcpu(index, id, index === 0 ? 'running' : 'stopped'));
  }

  unsupported = (what: Unsupported): void => {
    this.reports.push(what);
  };

  /** 1, 2, 3, … */
  randomBytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => ++this.#next & 0xff);
  }

  /** Nanoseconds that calls took, beside those of {@link clock}. */
  spent = 0;

  spend(nanoseconds: number): void {
    this.spent += nanoseconds;
  }

  setProcessTable(radix: boolean, base: number, sizeLog2: number): void {
    this.log.push(`process table ${radix ? 'radix' : 'hash'} 0x${base.toString(16)} ${sizeLog2}`);
  }

  flushTlbs(): void {
    this.log.push('flush');
  }

  powerOff(): void {
    this.log.push('power-off');
  }

  reboot(): void {
    this.log.push('reboot');
  }

  osTerm(message: string): void {
    this.log.push(`os-term ${message}`);
  }
  cannotGoOn(message: string): void {
    this.log.push(`cannot go on: ${message}`);
  }
}
