/**
 * A partition that acts out a script: memory, disks and vCPUs are what the test says, and nothing is executed. It
 * keeps the promises of PartitionHandle: notices in order, requests answered before the notices that they cause.
 */

import { hex64 } from '../../src/base/hex.ts';
import type {
  DroppedEvents,
  InputTaken,
  InstantName,
  InstantRecord,
  MachineFault,
  ObservePlan,
  PageChange,
  PartitionConfig,
  PartitionEnd,
  PartitionHandle,
  PartitionNotice,
  UnsupportedThing,
  VcpuSnapshot,
  WrittenParts,
} from '../../src/emulator/host/index.ts';
import { OutsideMemory } from '../../src/emulator/memory/contract.ts';
import { type EventSpec, machineEvent } from './machine-event.ts';

/** The script of the guest, from a test. Each part is called after the request that causes it was answered. */
export type GuestScript = {
  readonly onStart?: (guest: ScriptedPartition) => void;
  readonly onInput?: (guest: ScriptedPartition, vty: 0 | 1, text: string) => void;
  readonly onNmi?: (guest: ScriptedPartition, cpus: readonly number[]) => void;
  readonly onStop?: (guest: ScriptedPartition) => void;
};

const RUNNING: VcpuSnapshot = {
  index: 0,
  hardwareId: 0,
  state: 'running',
  gpr: Array.from({ length: 32 }, () => 0n),
  nia: 0n,
  msr: 0n,
  lr: 0n,
  ctr: 0n,
  cr: 0,
  xer: 0,
};

export class ScriptedPartition implements PartitionHandle {
  readonly config: PartitionConfig;
  readonly #script: GuestScript;
  readonly #listeners = new Set<(notice: PartitionNotice) => void>();
  readonly #memory: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  readonly disks: Map<number, Uint8Array> = new Map();
  /** What power-on gave the kernel. */
  tree: Uint8Array | undefined;
  readonly snapshots: VcpuSnapshot[];
  /** Everything typed, `vty: text`. */
  readonly typed: string[] = [];
  readonly injected: MachineFault[] = [];
  readonly plans: (ObservePlan | undefined)[] = [];
  /** What was kept at instants; memory differs from what it is in {@link overwritten} alone. */
  readonly instants: Map<InstantName, InstantRecord> = new Map();
  readonly overwritten: { readonly at: number; readonly was: Uint8Array }[] = [];
  readonly pageChanges: PageChange[] = [];
  readonly droppedEvents: DroppedEvents[] = [];
  insn = 1000;
  hostSeconds = 0;
  lives = 0;
  closed = false;
  /** Its terminals have no room. */
  terminalsFull = false;
  #n = 0;
  #lines = 0;
  #on = false;
  #held: (() => void) | undefined;
  /** Disks of which was taken what was written in this power cycle, and those who wait for that. */
  readonly #taken = new Set<number>();
  readonly #whenOff: (() => void)[] = [];

  constructor(config: PartitionConfig, script: GuestScript) {
    this.config = config;
    this.#script = script;
    this.snapshots = Array.from({ length: config.cpus }, (_, index) => ({
      ...RUNNING,
      index,
      hardwareId: Math.floor(index / 2) * 8 + (index % 2),
    }));
  }

  /** Puts bytes into memory; what lies nowhere cannot be read. */
  place(at: number, bytes: Uint8Array): void {
    this.#memory.push({ at, bytes });
  }

  /** Changes memory that was placed. */
  write(at: number, bytes: Uint8Array): void {
    const part = this.#memory.find(
      (each) => at >= each.at && at + bytes.length <= each.at + each.bytes.length,
    );
    if (part === undefined) throw new Error(`${hex64(at)} is no memory`);
    part.bytes.set(bytes, at - part.at);
  }

  event(spec: EventSpec): void {
    this.insn += 10;
    const event = machineEvent(spec, { n: this.#n++, insn: this.insn });
    this.#tell({ kind: 'machine-event', event });
  }
  /** What seemed to begin came to nothing. */
  calm(cpu: number): void {
    this.insn += 10;
    const event = { kind: 'calm', n: this.#n++, cpu, insn: this.insn, tb: BigInt(this.insn) } as const;
    this.#tell({ kind: 'machine-event', event });
  }
  /** A line of the agent's. */
  say(line: string): void {
    this.#lines++;
    const bytes: [number, number] = [0, 8 * this.#lines];
    this.#tell({ kind: 'output', summary: { bytes, lines: this.#lines, refused: 0, throttledMs: 0 } });
    this.#tell({ kind: 'line', insn: this.insn, text: `${line}\r` });
  }
  print(text: string): void {
    this.#tell({ kind: 'console', vty: 0, insn: this.insn, bytes: Buffer.from(text) });
  }
  /** It used what the machine lacks, so often until now. */
  lacks(what: UnsupportedThing, count: number): void {
    this.#tell({ kind: 'unsupported', what, count });
  }
  rest(): void {
    this.#tell({ kind: 'progress', insn: this.insn, tb: 0n, resting: true });
  }
  /** Stands still until it may go on. */
  hold(next: () => void): void {
    this.#held = next;
    this.#tell({ kind: 'held', insn: this.insn });
  }
  progress(insn: number): void {
    this.insn = insn;
    this.#tell({ kind: 'progress', insn, tb: 0n, resting: false });
  }
  end(end: PartitionEnd): void {
    if (!this.#on) return;
    this.#turnOff();
    this.#tell({ kind: 'ended', end, insn: this.insn });
  }
  #turnOff(): void {
    this.#on = false;
    for (const resolve of this.#whenOff.splice(0)) resolve();
  }

  async start(): Promise<void> {
    if (this.#on) throw new Error('the partition is on already');
    this.#on = true;
    this.#taken.clear();
    this.lives++;
    this.#later(() => this.#script.onStart?.(this));
  }
  async stop(): Promise<void> {
    if (!this.#on) return;
    this.#script.onStop?.(this);
    this.end({ kind: 'stopped' });
  }
  async input(vty: 0 | 1, bytes: Uint8Array): Promise<InputTaken | undefined> {
    const taken = { insn: this.insn, slice: this.insn, resting: true };
    if (this.terminalsFull) return bytes.length === 0 ? taken : undefined;
    const text = Buffer.from(bytes).toString('latin1');
    if (text !== '') this.typed.push(`${vty}: ${text}`);
    this.#later(() => this.#script.onInput?.(this, vty, text));
    return taken;
  }
  async nmi(cpus: readonly number[]): Promise<void> {
    this.typed.push(`nmi: ${cpus}`);
    this.#later(() => this.#script.onNmi?.(this, cpus));
  }
  async goOn(): Promise<void> {
    const next = this.#held;
    this.#held = undefined;
    if (next !== undefined) this.#later(next);
  }
  async observe(plan: ObservePlan | undefined): Promise<void> {
    this.plans.push(plan);
  }
  async inject(faults: readonly MachineFault[]): Promise<void> {
    this.injected.push(...faults);
  }
  async vcpus(): Promise<readonly VcpuSnapshot[]> {
    return this.snapshots;
  }
  subscribe(listener: (notice: PartitionNotice) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  async readMemory(raddr: number, length: number): Promise<Uint8Array> {
    const part = this.#memory.find(({ at, bytes }) => raddr >= at && raddr + length <= at + bytes.length);
    if (part === undefined) throw new OutsideMemory(raddr, length);
    return part.bytes.slice(raddr - part.at, raddr - part.at + length);
  }
  async instant(name: InstantName): Promise<InstantRecord | undefined> {
    return this.instants.get(name);
  }
  async readInstant(name: InstantName, raddr: number, length: number): Promise<Uint8Array> {
    if (!this.instants.has(name)) throw new Error(`memory was not kept at ${name}`);
    const bytes = await this.readMemory(raddr, length);
    for (const { at, was } of this.overwritten)
      for (const [i, byte] of was.entries())
        if (at + i >= raddr && at + i < raddr + length) bytes[at + i - raddr] = byte;
    return bytes;
  }
  async compareDisk(
    name: InstantName,
    raddr: number,
    length: number,
    disk: number,
    offset: number,
  ): Promise<readonly number[]> {
    const was = await this.readInstant(name, raddr, length);
    const is = await this.readDisk(disk, offset, length);
    return Array.from({ length: length / 4096 }, (_, i) => i * 4096)
      .filter((at) => Buffer.compare(was.subarray(at, at + 4096), is.subarray(at, at + 4096)) !== 0)
      .map((at) => raddr + at);
  }
  async changes(_name: InstantName, from: number): Promise<readonly PageChange[]> {
    return this.pageChanges.filter(({ raddr }) => raddr >= from);
  }
  async dropped(): Promise<readonly DroppedEvents[]> {
    return this.droppedEvents;
  }
  async machineTree(): Promise<Uint8Array | undefined> {
    return this.tree;
  }
  async writeDisk(disk: number, offset: number, bytes: Uint8Array): Promise<void> {
    const config = this.config.disks[disk];
    if (config?.kind !== 'memory') throw new Error(`disk ${disk} is not one that is written from outside`);
    const old = this.disks.get(disk) ?? new Uint8Array(config.bytes);
    old.set(bytes, offset);
    this.disks.set(disk, old);
  }
  /** All that lies on the disk, once, when the guest has ended; before, the asker waits. */
  async takeWritten(disk: number): Promise<WrittenParts> {
    await new Promise<void>((resolve) => {
      if (!this.#on) resolve();
      else this.#whenOff.push(resolve);
    });
    const there = this.#taken.has(disk) ? undefined : this.disks.get(disk);
    this.#taken.add(disk);
    return { parts: there === undefined ? [] : [{ offset: 0, bytes: there.slice() }], ended: true };
  }
  async readDisk(disk: number, offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    bytes.set((this.disks.get(disk) ?? new Uint8Array(0)).subarray(offset, offset + length));
    return bytes;
  }
  async close(): Promise<void> {
    this.closed = true;
    this.#turnOff();
    this.#listeners.clear();
  }

  /** As a worker's messages come: after the answer to the request. */
  #later(what: () => void): void {
    setImmediate(() => {
      if (this.#on) what();
    });
  }

  #tell(notice: PartitionNotice): void {
    for (const listener of [...this.#listeners]) listener(notice);
  }
}
