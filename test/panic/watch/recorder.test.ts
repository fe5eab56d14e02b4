import { describe, expect, it } from 'vitest';
import { hex64 } from '../../../src/base/hex.ts';
import type { MachineEvent, SyscallEvent } from '../../../src/emulator/contract/index.ts';
import { describeImage, parseKexecLoad } from '../../../src/panic/facts/index.ts';
import { AddressNames, readKernelSymbols } from '../../../src/panic/facts/symbols/index.ts';
import { type FunctionName, type Mark, storesAt, type TraceEvent } from '../../../src/panic/trace/index.ts';
import { Recorder } from '../../../src/panic/watch/index.ts';
import {
  BOOT,
  crashablePartition,
  ENTRY,
  enterKernel,
  handoff,
  KERNEL,
  loadCrashKernel,
  TREE,
} from '../../synth/crashing-guest.ts';
import { type EventSpec, kexecLoadSpec, machineEvent } from '../../synth/machine-event.ts';
import type { ScriptedPartition } from '../../synth/partition-handle.ts';

/** A recorder that receives the events of the scripted guest, and the guest. */
async function recording(withImage = true): Promise<{ guest: ScriptedPartition; recorder: Recorder }> {
  const guest = crashablePartition({});
  const events: MachineEvent[] = [];
  guest.subscribe((notice) => notice.kind === 'machine-event' && events.push(notice.event));
  loadCrashKernel(guest);
  const [call] = events;
  const load = call?.kind === 'syscall' ? parseKexecLoad(call) : undefined;
  const read = (raddr: number, length: number): Promise<Uint8Array> => guest.readMemory(raddr, length);
  const production = await readKernelSymbols(read, 0);
  const image = load === undefined || !withImage ? undefined : await describeImage(load, read, 2);
  const recorder = new Recorder({
    machine: {
      processor: 'power9',
      mmu: 'radix',
      cpus: [0, 1].map((index) => ({ index, hardwareId: index })),
    },
    facts: {
      name: BOOT.name,
      symbols: { production: 'kallsyms' },
      probes: ['panic'],
      ...(image === undefined ? {} : { load: image.facts }),
    },
    ...(image === undefined ? {} : { image }),
    names: new AddressNames({ production, ranges: [] }),
    dumpDisk: 0,
  });
  guest.subscribe((notice) => notice.kind === 'machine-event' && recorder.add(notice.event));
  return { guest, recorder };
}

const production = (name: FunctionName): Mark => ({ at: 'function', name, in: 'production' });
const PANIC = { cpu: 1, kind: 'fetch', mark: production('panic'), ea: 0xc000000000004008n } as const;
const ENTRY_MARK: Mark = { at: 'entry' };
const IN_PURGATORY: Mark = { at: 'segment', role: 'purgatory' };
const IN_KERNEL: Mark = { at: 'segment', role: 'kernel' };
const LOW: Mark = { at: 'low' };

/** What happened, with the place, the call or the state. */
function summary(event: TraceEvent): readonly [TraceEvent['kind'], unknown?] {
  switch (event.kind) {
    case 'fetch':
    case 'store':
      return [event.kind, event.mark];
    case 'rtas':
      return [event.kind, event.name];
    case 'census':
      return [event.kind, event.state];
    default:
      return [event.kind];
  }
}

describe('parseKexecLoad', () => {
  it('a load, an unload, a list that could not be read', () => {
    const called = (spec: EventSpec): SyscallEvent => {
      const event = machineEvent(spec, { n: 0, insn: 0 });
      if (event.kind !== 'syscall') throw new Error('no system call');
      return event;
    };
    const call = called(kexecLoadSpec(0x700, [[0, 0x1000]], 0x150001n));
    const rows = [[0n, 0x800n, 0n, 0x1000n]];
    expect(parseKexecLoad({ ...call, rows })).toEqual({
      entry: 0x700,
      crash: true,
      segments: [{ mem: 0, memsz: 0x1000, bufsz: 0x800 }],
    });
    expect(parseKexecLoad(called(kexecLoadSpec(0x700, [[0, 0x1000]], 0x150000n)))?.crash).toBe(false);
    expect(parseKexecLoad(called(kexecLoadSpec(0x700, [], 0x150001n)))).toBeUndefined();
    // Memory of the list, or of its second row, is not there.
    expect(parseKexecLoad({ ...call, rows: [[0n, 0x800n, undefined, 0x1000n]] })).toBeUndefined();
    expect(parseKexecLoad({ ...call, args: [0x700n, 2n, 0x1000n, 0x150001n], rows })).toBeUndefined();
  });
});

describe('describeImage', () => {
  it('every segment is known by what is in it', async () => {
    const { recorder } = await recording();
    const { load } = recorder.trace().image;
    expect(load?.segments.map(({ role }) => role)).toEqual([
      'kernel',
      'backup',
      'elfcorehdr',
      'purgatory',
      'initrd',
      'tree',
    ]);
    expect(load).toMatchObject({
      crash: true,
      entry: '0x0000000002200700',
      runAtLoad: { at: '0x000000000200005c', loaded: '306e7572', byteOrder: 'little' },
      notes: ['0x0000000001f00000', '0x0000000001f01000'],
      stub: 'ab'.repeat(0x100),
    });
  });

  it('one segment without marker: it is the kernel, and its entry is its start', async () => {
    const guest = crashablePartition({});
    guest.place(0x3000000, new Uint8Array(0x1000));
    const load = {
      entry: 0x3000000,
      crash: true,
      segments: [{ mem: 0x3000000, memsz: 0x1000, bufsz: 0x1000 }],
    };
    const image = await describeImage(load, (raddr, length) => guest.readMemory(raddr, length), 2);
    expect(image.kernel?.mem).toBe(0x3000000);
    expect(image.facts.runAtLoad).toEqual({ at: '0x000000000300005c', loaded: '00000000' });
    expect(image.notes).toEqual([]);
  });

  it('a kernel without marker, smaller than purgatory: known by its first bytes, which purgatory carries, or by what is left', async () => {
    const rolesOf = async (stub: Uint8Array) => {
      const guest = crashablePartition({});
      const head = new Uint8Array(0x1000).fill(0x5a, 0, 0x100);
      head.fill(0, 0x5c, 0x60);
      guest.place(0x3000000, head);
      guest.place(0x3001000, new Uint8Array(0x1800));
      const purgatory = new Uint8Array(0x20000);
      purgatory.set(stub, 0x700);
      guest.place(0x3010000, purgatory);
      const part = (mem: number, memsz: number) => ({ mem, memsz, bufsz: memsz });
      const load = {
        entry: 0x3010700,
        crash: true,
        segments: [part(0x3000000, 0x1000), part(0x3001000, 0x1800), part(0x3010000, 0x20000)],
      };
      const image = await describeImage(load, (raddr, length) => guest.readMemory(raddr, length), 2);
      return image.segments.map(({ role }) => role);
    };
    const carried = new Uint8Array(0x100).fill(0x5a);
    carried.fill(0x48, 0, 4);
    expect(await rolesOf(carried)).toEqual(['kernel', 'data', 'purgatory']);
    expect(await rolesOf(new Uint8Array(0x100))).toEqual(['data', 'kernel', 'purgatory']);
  });
});

describe('Recorder', () => {
  it('phases and instants follow the events', async () => {
    const { guest, recorder } = await recording();
    expect(recorder.phase).toBe('triggered');
    guest.event(PANIC);
    expect(recorder.phase).toBe('panic');
    handoff(guest, 1);
    expect(recorder.phase).toBe('purgatory');
    enterKernel(guest, 1);
    expect(recorder.phase).toBe('crash-kernel');
    guest.event({ cpu: -1, kind: 'disk', write: 'first', disk: 1 });
    expect(recorder.phase).toBe('crash-kernel');
    guest.event({ cpu: -1, kind: 'disk', write: 'first', disk: 0 });
    expect(recorder.phase).toBe('dumping');
    expect(recorder.master).toBe(1);
    const { events, instants } = recorder.trace();
    expect(events[instants.t1?.event ?? -1]).toMatchObject({ mark: ENTRY_MARK, cpu: 1 });
    expect(events[instants.t2?.event ?? -1]).toMatchObject({ kind: 'fetch', regs: { r3: hex64(TREE) } });
    expect(instants.t4).toBeUndefined();
    recorder.setDumped();
    expect(recorder.instants.t4).toEqual(recorder.instants.t3);
  });

  it('T4 is the last write to the dump device, told after the guest has left', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    handoff(guest, 1);
    enterKernel(guest, 1);
    guest.event({ cpu: -1, kind: 'disk', write: 'first', disk: 0 });
    const { t3 } = recorder.instants;
    const insn = (t3?.insn ?? 0) + 1000;
    guest.event({ cpu: 1, kind: 'rtas', name: 'system-reboot', insn: insn + 1000 });
    guest.event({ cpu: -1, kind: 'disk', write: 'last', insn: insn + 500, disk: 1 });
    guest.event({ cpu: -1, kind: 'disk', write: 'last', insn, disk: 0 });
    recorder.setDumped();
    expect(recorder.instants).toMatchObject({ t3, t4: { insn } });
    expect(recorder.trace().events[recorder.instants.t4?.event ?? -1]).toMatchObject({
      write: 'last',
      disk: 0,
    });
  });

  it('a dump device that was written before the crash only: neither T3 nor T4', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    handoff(guest, 1);
    enterKernel(guest, 1);
    guest.event({ cpu: -1, kind: 'disk', write: 'last', insn: 1, disk: 0 });
    recorder.setDumped();
    expect([recorder.instants.t3, recorder.instants.t4]).toEqual([undefined, undefined]);
  });

  it('numbers are the places, however much was left out', async () => {
    const { guest, recorder } = await recording();
    handoff(guest, 1);
    recorder.trace().events.forEach((event, i) => {
      expect(event.n).toBe(i);
    });
  });

  it('stores to bytes that follow each other are one event', async () => {
    const { guest, recorder } = await recording();
    handoff(guest, 1);
    const copies = recorder.trace().events.filter((event) => storesAt(event, LOW));
    expect(copies).toMatchObject([{ addr: hex64(0), length: 0x100 }]);
  });

  it('what comes before the panic is left out', async () => {
    const { guest, recorder } = await recording();
    guest.event({ kind: 'rtas', name: 'ibm,get-xive' });
    guest.event({ kind: 'msr' });
    guest.event(PANIC);
    expect(recorder.trace().events.map(summary)).toEqual([['fetch', PANIC.mark]]);
  });

  it('an RTAS call is one event, without the changes of the MSR around it', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    for (let i = 0; i < 500; i++) {
      guest.event({ cpu: 1, kind: 'msr', before: 0x30n });
      guest.event({ cpu: 1, kind: 'rtas', name: 'nvram-store' });
      guest.event({ cpu: 1, kind: 'msr', after: 0x30n });
    }
    guest.event({ cpu: 1, kind: 'msr', before: 0x30n });
    const kinds = recorder.trace().events.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'rtas').length).toBe(16);
    expect(kinds.at(-1)).toBe('msr');
  });

  it('the entry seen by its probe and by its segment is one event, in either order', async () => {
    for (const order of [
      [ENTRY_MARK, IN_PURGATORY],
      [IN_PURGATORY, ENTRY_MARK],
    ]) {
      const { guest, recorder } = await recording();
      guest.event(PANIC);
      for (const mark of order) {
        guest.insn = 5000;
        guest.event({ cpu: 1, kind: 'fetch', mark, ea: BigInt(ENTRY), insn: 5000, raddr: ENTRY });
      }
      expect(recorder.trace().events.map(summary)).toEqual([
        ['fetch', PANIC.mark],
        ['fetch', ENTRY_MARK],
      ]);
      expect(recorder.phase).toBe('purgatory');
    }
  });

  it('the entry’s segment first, then another CPU, then its probe: the entry alone is told', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    const entry = { cpu: 1, kind: 'fetch', ea: BigInt(ENTRY), raddr: ENTRY } as const;
    guest.event({ ...entry, mark: IN_PURGATORY });
    guest.event({ cpu: 0, kind: 'census', state: 'running' });
    guest.event({ ...entry, mark: ENTRY_MARK });
    expect(recorder.trace().events.map(summary)).toEqual([
      ['fetch', PANIC.mark],
      ['census', 'running'],
      ['fetch', ENTRY_MARK],
    ]);
  });

  it('a CPU that waits in the copy at 0 comes there once, however often its code is translated anew', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    const low = (raddr: number) =>
      guest.event({ cpu: 0, kind: 'fetch', ea: BigInt(raddr), mark: LOW, raddr });
    low(0x60);
    low(0x60);
    guest.event({ cpu: 0, kind: 'census', state: 'running' });
    guest.event({ cpu: 0, kind: 'store', raddr: 0x10, mark: LOW, length: 8, by: { nia: 0x90n, r3: 0n } });
    low(0x94);
    guest.event({ cpu: 0, kind: 'fetch', ea: 0x5000n, mark: production('kexec_wait'), raddr: 0x5000 });
    low(0x60);
    expect(recorder.trace().events).toMatchObject([
      { kind: 'fetch', addr: hex64(PANIC.ea) },
      { kind: 'fetch', addr: hex64(0x60) },
      { kind: 'census', addr: hex64(0) },
      { kind: 'store', addr: hex64(0x10) },
      { kind: 'fetch', addr: hex64(0x5000) },
      { kind: 'fetch', addr: hex64(0x60) },
    ]);
  });

  it('after T2: what the crash kernel does with its image’s memory and its devices is left out', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    handoff(guest, 1);
    enterKernel(guest, 1);
    const before = recorder.trace().events.length;
    const kernel = { cpu: 1, kind: 'fetch', mark: IN_KERNEL, raddr: KERNEL + 8 } as const;
    guest.event(kernel);
    guest.event({
      cpu: 1,
      kind: 'store',
      raddr: ENTRY,
      mark: { at: 'copy', role: 'purgatory' },
      length: 8,
    });
    guest.event({ cpu: 1, kind: 'rtas', name: 'ibm,read-pci-config' });
    guest.event({ cpu: 1, kind: 'rtas', name: 'system-reboot' });
    guest.event({ ...kernel, cpu: 0 });
    expect(
      recorder
        .trace()
        .events.slice(before)
        .map((event) => [event.cpu, ...summary(event)]),
    ).toEqual([
      [1, 'rtas', 'system-reboot'],
      [0, 'fetch', IN_KERNEL],
    ]);
  });

  it('a change of the MSR is told by the instruction that makes it', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    guest.event({ cpu: 1, kind: 'msr', ea: 0xc000000000004504n, before: 0x30n });
    expect(recorder.trace().events.at(-1)).toMatchObject({
      kind: 'msr',
      addr: '0xc000000000004504',
      symbol: 'start_kernel+0x4',
    });
  });

  it('an image that is the kernel alone: T1 is T2', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    guest.event({
      cpu: 1,
      kind: 'fetch',
      mark: ENTRY_MARK,
      ea: BigInt(KERNEL),
      raddr: KERNEL,
    });
    expect(recorder.instants.t1).toEqual(recorder.instants.t2);
  });

  it('a system reset that another CPU asked for is no panic; one from outside is', async () => {
    const { guest, recorder } = await recording();
    guest.event({ cpu: 0, kind: 'interrupt', vector: 0x100, requestedBy: 'guest' });
    expect(recorder.phase).toBe('triggered');
    guest.event({ cpu: 1, kind: 'reset' });
    guest.event({ cpu: 1, kind: 'interrupt', vector: 0x100, requestedBy: 'outside' });
    expect(recorder.phase).toBe('panic');
    expect(recorder.instants.t0?.cpu).toBe(1);
  });

  it('no image: crash kexec finds none, and the panic stays a panic', async () => {
    const { guest, recorder } = await recording(false);
    guest.event(PANIC);
    guest.event({ ...PANIC, mark: production('__crash_kexec') });
    expect(recorder.phase).toBe('panic');
  });

  it('symbols: of the instruction, of who stored, of what was interrupted; none for user space', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    guest.event({
      cpu: 1,
      kind: 'store',
      raddr: 0x40,
      mark: LOW,
      length: 4,
      by: { nia: 0xc000000000004204n, r3: 0n },
    });
    guest.event({ cpu: 0, kind: 'interrupt', vector: 0x100, regs: { srr0: 0xc000000000004504n, srr1: 0n } });
    guest.event({ cpu: 0, kind: 'interrupt', vector: 0x100, regs: { srr0: 0x10004504n, srr1: 0x4000n } });
    expect(recorder.trace().events.map((event) => ('symbol' in event ? event.symbol : undefined))).toEqual([
      'panic+0x8',
      '__crash_kexec+0x4',
      'start_kernel+0x4',
      undefined,
    ]);
  });
});
