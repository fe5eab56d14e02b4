import { describe, expect, it } from 'vitest';
import type { MachineEvent } from '../../../src/emulator/host/index.ts';
import { describeImage, parseKexecLoad } from '../../../src/panic/facts/index.ts';
import { AddressNames, readKernelSymbols } from '../../../src/panic/facts/symbols/index.ts';
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
import type { EventSpec, ScriptedPartition } from '../../synth/partition-handle.ts';

/** A recorder that hears the scripted guest, and the guest. */
async function recording(withImage = true): Promise<{ guest: ScriptedPartition; recorder: Recorder }> {
  const guest = crashablePartition({});
  const events: MachineEvent[] = [];
  guest.subscribe((notice) => notice.kind === 'machine-event' && events.push(notice.event));
  loadCrashKernel(guest);
  const load = parseKexecLoad(events[0] as MachineEvent);
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

const PANIC: EventSpec = { cpu: 1, kind: 'fetch', detail: 'panic', addr: 0xc000000000004008n };

describe('parseKexecLoad', () => {
  it('a load, an unload, a list that could not be read', () => {
    const base = { n: 0, cpu: 0, insn: 0, tb: 0n, kind: 'syscall' } as const;
    const regs = {
      entry: 0x700n,
      segments: 1n,
      flags: 0x150001n,
      seg0_mem: 0n,
      seg0_memsz: 0x1000n,
      seg0_bufsz: 0x800n,
    };
    expect(parseKexecLoad({ ...base, regs })).toEqual({
      entry: 0x700,
      crash: true,
      segments: [{ mem: 0, memsz: 0x1000, bufsz: 0x800 }],
    });
    expect(parseKexecLoad({ ...base, regs: { ...regs, flags: 0x150000n } })?.crash).toBe(false);
    expect(parseKexecLoad({ ...base, regs: { ...regs, segments: 0n } })).toBeUndefined();
    expect(parseKexecLoad({ ...base, regs: { ...regs, segments: 2n } })).toBeUndefined();
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
    guest.event({ cpu: -1, kind: 'disk', detail: 'first write', regs: { disk: 1n } });
    expect(recorder.phase).toBe('crash-kernel');
    guest.event({ cpu: -1, kind: 'disk', detail: 'first write', regs: { disk: 0n } });
    expect(recorder.phase).toBe('dumping');
    expect(recorder.master).toBe(1);
    const { events, instants } = recorder.trace();
    expect(events[instants.t1?.event ?? -1]).toMatchObject({ detail: 'entry', cpu: 1 });
    expect(events[instants.t2?.event ?? -1]?.regs).toMatchObject({
      r3: `0x${TREE.toString(16).padStart(16, '0')}`,
    });
    expect(instants.t4).toBeUndefined();
    recorder.setDumped();
    expect(recorder.instants.t4).toEqual(recorder.instants.t3);
  });

  it('T4 is the last write to the dump device, told after the guest has left', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    handoff(guest, 1);
    enterKernel(guest, 1);
    guest.event({ cpu: -1, kind: 'disk', detail: 'first write', regs: { disk: 0n } });
    const { t3 } = recorder.instants;
    const insn = (t3?.insn ?? 0) + 1000;
    guest.event({ cpu: 1, kind: 'rtas', detail: 'system-reboot', insn: insn + 1000 });
    guest.event({ cpu: -1, kind: 'disk', detail: 'last write', insn: insn + 500, regs: { disk: 1n } });
    guest.event({ cpu: -1, kind: 'disk', detail: 'last write', insn, regs: { disk: 0n } });
    recorder.setDumped();
    expect(recorder.instants).toMatchObject({ t3, t4: { insn } });
    expect(recorder.trace().events[recorder.instants.t4?.event ?? -1]?.detail).toBe('last write');
  });

  it('a dump device that was written before the crash only: neither T3 nor T4', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    handoff(guest, 1);
    enterKernel(guest, 1);
    guest.event({ cpu: -1, kind: 'disk', detail: 'last write', insn: 1, regs: { disk: 0n } });
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
    const copies = recorder
      .trace()
      .events.filter(({ detail, kind }) => kind === 'store' && detail === 'low 0x100');
    expect(copies).toMatchObject([{ addr: '0x0000000000000000', regs: { length: '0x0000000000000100' } }]);
  });

  it('what comes before the panic is left out', async () => {
    const { guest, recorder } = await recording();
    guest.event({ kind: 'rtas', detail: 'ibm,get-xive' });
    guest.event({ kind: 'msr', addr: 0n, regs: { before: 0n, after: 0n } });
    guest.event(PANIC);
    expect(recorder.trace().events.map(({ detail }) => detail)).toEqual(['panic']);
  });

  it('an RTAS call is one event, without the changes of the MSR around it', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    for (let i = 0; i < 500; i++) {
      guest.event({ cpu: 1, kind: 'msr', regs: { before: 0x30n, after: 0n } });
      guest.event({ cpu: 1, kind: 'rtas', detail: 'nvram-store' });
      guest.event({ cpu: 1, kind: 'msr', regs: { before: 0n, after: 0x30n } });
    }
    guest.event({ cpu: 1, kind: 'msr', regs: { before: 0x30n, after: 0n } });
    const kinds = recorder.trace().events.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'rtas').length).toBe(16);
    expect(kinds.at(-1)).toBe('msr');
  });

  it('the entry seen by its probe and by its segment is one event, in either order', async () => {
    for (const order of [
      ['entry', 'segment purgatory'],
      ['segment purgatory', 'entry'],
    ]) {
      const { guest, recorder } = await recording();
      guest.event(PANIC);
      for (const detail of order) {
        guest.insn = 5000;
        guest.event({
          cpu: 1,
          kind: 'fetch',
          detail,
          addr: BigInt(ENTRY),
          insn: 5000,
          regs: { raddr: BigInt(ENTRY) },
        });
      }
      expect(recorder.trace().events.map(({ detail }) => detail)).toEqual(['panic', 'entry']);
      expect(recorder.phase).toBe('purgatory');
    }
  });

  it('the entry’s segment first, then another CPU, then its probe: the entry alone is told', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    const entry = { cpu: 1, kind: 'fetch', addr: BigInt(ENTRY), regs: { raddr: BigInt(ENTRY) } } as const;
    guest.event({ ...entry, detail: 'segment purgatory' });
    guest.event({ cpu: 0, kind: 'run', detail: 'is running' });
    guest.event({ ...entry, detail: 'entry' });
    expect(recorder.trace().events.map(({ detail }) => detail)).toEqual(['panic', 'is running', 'entry']);
  });

  it('a CPU that waits in the copy at 0 comes there once, however often its code is translated anew', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    const low = (raddr: bigint) =>
      guest.event({ cpu: 0, kind: 'fetch', addr: raddr, detail: 'low 0x100', regs: { raddr } });
    low(0x60n);
    low(0x60n);
    guest.event({ cpu: 0, kind: 'run', detail: 'is running' });
    guest.event({
      cpu: 0,
      kind: 'store',
      addr: 0x10n,
      detail: 'low 0x100',
      regs: { length: 8n, nia: 0x90n },
    });
    low(0x94n);
    guest.event({ cpu: 0, kind: 'fetch', addr: 0x5000n, detail: 'kexec_wait', regs: { raddr: 0x5000n } });
    low(0x60n);
    expect(recorder.trace().events.map(({ kind, addr }) => [kind, Number(addr ?? 0)])).toEqual([
      ['fetch', Number(PANIC.addr)],
      ['fetch', 0x60],
      ['run', 0],
      ['store', 0x10],
      ['fetch', 0x5000],
      ['fetch', 0x60],
    ]);
  });

  it('after T2: what the crash kernel does with its image’s memory and its devices is left out', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    handoff(guest, 1);
    enterKernel(guest, 1);
    const before = recorder.trace().events.length;
    const kernel = {
      cpu: 1,
      kind: 'fetch',
      detail: 'segment kernel',
      regs: { raddr: BigInt(KERNEL + 8) },
    } as const;
    guest.event(kernel);
    guest.event({
      cpu: 1,
      kind: 'store',
      addr: BigInt(ENTRY),
      detail: 'copy of purgatory',
      regs: { length: 8n },
    });
    guest.event({ cpu: 1, kind: 'rtas', detail: 'ibm,read-pci-config' });
    guest.event({ cpu: 1, kind: 'rtas', detail: 'system-reboot' });
    guest.event({ ...kernel, cpu: 0 });
    expect(
      recorder
        .trace()
        .events.slice(before)
        .map(({ cpu, detail }) => [cpu, detail]),
    ).toEqual([
      [1, 'system-reboot'],
      [0, 'segment kernel'],
    ]);
  });

  it('a change of the MSR is told by the instruction that makes it', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    const regs = { before: 0x30n, after: 0n, nia: 0xc000000000004500n };
    guest.event({ cpu: 1, kind: 'msr', addr: 0xc000000000004504n, regs });
    expect(recorder.trace().events.at(-1)?.regs?.nia).toBe('0xc000000000004504');
  });

  it('an image that is the kernel alone: T1 is T2', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    guest.event({
      cpu: 1,
      kind: 'fetch',
      detail: 'entry',
      addr: BigInt(KERNEL),
      regs: { raddr: BigInt(KERNEL) },
    });
    expect(recorder.instants.t1).toEqual(recorder.instants.t2);
  });

  it('a system reset that another CPU asked for is no panic; one from outside is', async () => {
    const { guest, recorder } = await recording();
    guest.event({ cpu: 0, kind: 'interrupt', addr: 0x100n, regs: { srr0: 0n, srr1: 0n } });
    expect(recorder.phase).toBe('triggered');
    guest.event({ cpu: 1, kind: 'reset' });
    guest.event({ cpu: 1, kind: 'interrupt', addr: 0x100n, regs: { srr0: 0n, srr1: 0n } });
    expect(recorder.phase).toBe('panic');
    expect(recorder.instants.t0?.cpu).toBe(1);
  });

  it('no image: crash kexec finds none, and the panic stays a panic', async () => {
    const { guest, recorder } = await recording(false);
    guest.event(PANIC);
    guest.event({ ...PANIC, detail: '__crash_kexec' });
    expect(recorder.phase).toBe('panic');
  });

  it('symbols: of the instruction, of who stored, of what was interrupted; none for user space', async () => {
    const { guest, recorder } = await recording();
    guest.event(PANIC);
    guest.event({
      cpu: 1,
      kind: 'store',
      addr: 0x40n,
      detail: 'low 0x100',
      regs: { length: 4n, nia: 0xc000000000004204n },
    });
    guest.event({ cpu: 0, kind: 'interrupt', addr: 0x100n, regs: { srr0: 0xc000000000004504n, srr1: 0n } });
    guest.event({ cpu: 0, kind: 'interrupt', addr: 0x100n, regs: { srr0: 0x10004504n, srr1: 0x4000n } });
    expect(recorder.trace().events.map(({ symbol }) => symbol)).toEqual([
      'panic+0x8',
      '__crash_kexec+0x4',
      'start_kernel+0x4',
      undefined,
    ]);
  });
});
