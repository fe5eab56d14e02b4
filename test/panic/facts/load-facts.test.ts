import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { putU32, putU64 } from '../../../src/base/bytes.ts';
import { buildElfHeader, buildProgramHeader } from '../../../src/base/elf/index.ts';
import { buildFdt, node } from '../../../src/base/fdt/index.ts';
import type { MachineEvent, SyscallEvent } from '../../../src/emulator/contract/index.ts';
import { claimFacts } from '../../../src/panic/facts/claim-facts.ts';
import {
  describeImage,
  isLoadable,
  KEXEC_FILE_LOAD_CALL,
  LoadLog,
  parseKexecLoad,
  readLoaded,
  withLoaded,
} from '../../../src/panic/facts/index.ts';
import { purgatoryFacts } from '../../../src/panic/facts/purgatory-facts.ts';
import { treeFacts } from '../../../src/panic/facts/tree-facts.ts';
import { SymbolTable } from '../../../src/vmcore/analyse/index.ts';
import { type EventSpec, kexecLoadSpec, machineEvent } from '../../synth/machine-event.ts';

const event = (spec: EventSpec): MachineEvent => machineEvent(spec, { n: 0, insn: 5 });
const CALL = event(kexecLoadSpec(0x700, [[0x1000, 0x1000]], 1n));
const result = (r3: bigint, so: boolean): MachineEvent =>
  event({ kind: 'syscall-return', r3: BigInt.asUintN(64, r3), so });

describe('LoadLog', () => {
  it.each([
    [0n, false, 'ok'],
    [26n, true, 'ETXTBSY'],
    [-26n, false, 'ETXTBSY'],
    [-99n, false, 'EADDRNOTAVAIL'],
    [77n, true, 'errno 77'],
  ])('r3 = %s, summary overflow %s: %s', (r3, so, name) => {
    const log = new LoadLog();
    log.add(CALL, false);
    log.add(result(r3, so), false);
    expect(log.calls).toMatchObject([{ crash: true, result: name, segments: [{ bytes: 0x1000 }] }]);
    expect(log.calls[0]?.hooks).toBeUndefined();
  });

  it('hooks count during the call alone', () => {
    const log = new LoadLog();
    log.hook('machine_kexec_prepare');
    log.add(CALL, true);
    log.hook('machine_kexec_prepare');
    log.add(result(0n, false), true);
    log.hook('machine_kexec_cleanup');
    expect(log.calls[0]?.hooks).toEqual({ prepare: 1, cleanup: 0 });
  });

  it('keeps the last calls only', () => {
    const log = new LoadLog(2);
    for (const insn of [1, 2, 3]) log.add({ ...CALL, insn }, false);
    expect(log.calls.map(({ insn }) => insn)).toEqual([2, 3]);
  });
});

describe('treeFacts', () => {
  it('says what is in the tree', () => {
    const root = node('', { '#address-cells': [2], '#size-cells': [2] }, [
      node('memory@0', {
        device_type: 'memory',
        reg: [0n, 0x40000000n, 0x100000000n, 0x1000n],
        'linux,usable-memory': [0n, 0x1000n],
      }),
      node('rtas', { 'linux,rtas-base': [0x2fff0000], 'rtas-size': [0x1000] }),
      node('cpus', {}, [node('cpu@8', { device_type: 'cpu', 'ibm,ppc-interrupt-server#s': [8, 9] })]),
      node('chosen', { bootargs: 'a b', 'linux,kernel-end': [1], 'linux,initrd-start': [0x100000] }),
    ]);
    const facts = treeFacts(buildFdt({ root, reservations: [{ address: 1n, size: 2n }], bootCpu: 0 }));
    expect(facts).toMatchObject({
      version: 17,
      memory: [{ bytes: 0x40000000 }, { start: '0x0000000100000000', bytes: 0x1000 }],
      usable: [{ bytes: 0x1000 }],
      reserved: [{ start: '0x0000000000000001', bytes: 2 }],
      cpus: [8, 9],
      rtas: { base: '0x000000002fff0000', bytes: 0x1000 },
      bootargs: 'a b',
      initrd: { start: '0x0000000000100000' },
      leftovers: ['linux,kernel-end'],
    });
    expect(facts?.rtas?.entry).toBeUndefined();
  });

  it('more entries or text than a tree has: no tree', () => {
    const facts = (cpus: number, bootargs: string) => {
      const servers = Array.from({ length: cpus }, (_, i) => i);
      const root = node('', { '#address-cells': [2], '#size-cells': [2] }, [
        node('cpus', {}, [node('cpu@0', { device_type: 'cpu', 'ibm,ppc-interrupt-server#s': servers })]),
        node('chosen', { bootargs }),
      ]);
      return treeFacts(buildFdt({ root, reservations: [], bootCpu: 0 }));
    };
    expect(facts(1024, 'a')?.cpus).toHaveLength(1024);
    expect(facts(1025, 'a')).toBeUndefined();
    expect(facts(1, 'a'.repeat(8193))).toBeUndefined();
  });

  it('no tree: undefined', () => {
    expect(treeFacts(new Uint8Array(64))).toBeUndefined();
    expect(treeFacts(new Uint8Array(3))).toBeUndefined();
  });
});

describe('purgatoryFacts', () => {
  const kernel = { role: 'kernel', mem: 0x10000, memsz: 0x1000 } as const;
  const tree = { role: 'tree', mem: 0x20000, memsz: 0x1000 } as const;
  const purgatory = { role: 'purgatory', mem: 0x30000, memsz: 0x1000 } as const;

  for (const endian of ['big', 'little'] as const) {
    it(`${endian}-endian: what it knows, its regions, its digest`, async () => {
      const memory = new Uint8Array(0x40000).fill(7, 0x10000, 0x10800);
      const put = (at: number, value: number) => putU64(memory, at, BigInt(value), endian);
      put(0x30100, tree.mem);
      put(0x30200, kernel.mem);
      put(0x30208, 0x800);
      const read = async (at: number, length: number) => memory.slice(at, at + length);
      const facts = () => purgatoryFacts(purgatory, [kernel, tree], read);
      expect(await facts()).toEqual({
        byteOrder: endian,
        knows: ['kernel', 'tree'],
        regions: [{ start: '0x0000000000010000', bytes: 0x800 }],
        digest: 'different',
      });
      memory.set(createHash('sha256').update(memory.subarray(0x10000, 0x10800)).digest(), 0x30400);
      expect((await facts()).digest).toBe('equal');
      putU32(memory, 0x10004, 1, 'big');
      expect((await facts()).digest).toBe('different');
    });
  }

  it('a list without the kernel is no digest', async () => {
    const memory = new Uint8Array(0x40000);
    putU64(memory, 0x30200, BigInt(tree.mem), 'little');
    putU64(memory, 0x30208, 0x80n, 'little');
    const facts = await purgatoryFacts(purgatory, [kernel, tree], async (at, length) =>
      memory.slice(at, at + length),
    );
    expect(facts).toEqual({ byteOrder: 'little', knows: ['tree'], regions: [] });
  });

  it('a segment of any size: no more is read of it than a purgatory has', async () => {
    const lengths: number[] = [];
    const read = async (_at: number, length: number): Promise<Uint8Array> => {
      lengths.push(length);
      return new Uint8Array(length);
    };
    await purgatoryFacts({ ...purgatory, memsz: 2 ** 31 }, [kernel, tree], read);
    expect(lengths).toEqual([2 ** 18]);
  });

  it('a list that names a segment again and again: it is digested once', async () => {
    const memory = new Uint8Array(0x40000);
    for (let at = 0x30200; at < 0x30300; at += 16) {
      putU64(memory, at, BigInt(kernel.mem), 'little');
      putU64(memory, at + 8, 0x1000n, 'little');
    }
    const facts = await purgatoryFacts(purgatory, [kernel, tree], async (at, length) =>
      memory.slice(at, at + length),
    );
    expect(facts.regions).toEqual([{ start: '0x0000000000010000', bytes: 0x1000 }]);
  });
});

describe('isLoadable', () => {
  it.each([
    [[[0x1000, 0x1000]], true],
    [
      [
        [0x2000, 0x1000],
        [0x1000, 0x1000],
      ],
      true,
    ],
    [
      [
        [0x1000, 0x1001],
        [0x2000, 0x1000],
      ],
      false,
    ],
    [Array.from({ length: 16 }, () => [0, 2 ** 32]), false],
    [[[0, 2 ** 30]], true],
    [[[0, 2 ** 30 + 1]], false],
    [[[0, 2 ** 63]], false],
  ])('segments %j: %s', (segments, loadable) => {
    const load = {
      entry: 0,
      crash: true,
      segments: segments.map(([mem = 0, memsz = 0]) => ({ mem, memsz, bufsz: memsz })),
    };
    expect(isLoadable(load, 2 ** 30)).toBe(loadable);
  });
});

describe('describeImage', () => {
  const CORE = 0x10000;
  const header = {
    endian: 'little',
    osAbi: 0,
    abiVersion: 0,
    type: 4,
    machine: 21,
    entry: 0n,
    flags: 0,
    phoff: 64,
    shoff: 0,
    shstrndx: 0,
  } as const;

  it.each([
    [1024, 1024],
    [1025, undefined],
  ])('an elfcorehdr of %i ranges: %s are facts', async (count, facts) => {
    const memory = new Uint8Array(0x40000);
    memory.set(buildElfHeader(header, count, 0), CORE);
    const program = { type: 1, flags: 0, vaddr: 0n, align: 0n, offset: 1, paddr: 1n, filesz: 1, memsz: 1 };
    for (let i = 0; i < count; i++) memory.set(buildProgramHeader(program, 'little'), CORE + 64 + 56 * i);
    const segments = [
      { mem: 0, memsz: 0x1000, bufsz: 0 },
      { mem: CORE, memsz: 0x20000, bufsz: 0 },
    ];
    const read = async (at: number, length: number) => memory.slice(at, at + length);
    const image = await describeImage({ entry: 0, crash: true, segments }, read, 1);
    expect(image.facts.core?.ranges.length).toBe(facts);
  });
});

describe('claimFacts', () => {
  const TREE = 0x1000;
  const address = 0xc000000000000000n;
  const production = {
    source: 'kallsyms',
    base: 0,
    table: new SymbolTable([{ name: 'tree_blob', address }]),
  } as const;

  it.each([
    [512, 512],
    [513, undefined],
  ])('a map of %i entries: %s are facts', async (count, facts) => {
    const map = new Uint8Array(32 * count);
    const root = node('', {}, [node('chosen', { 'kdumpd,allocations': map })]);
    const memory = new Uint8Array(0x40000);
    putU64(memory, 0, BigInt(TREE), 'big');
    memory.set(buildFdt({ root, reservations: [], bootCpu: 0 }), TREE);
    const read = async (at: number, length: number) => memory.slice(at, at + length);
    const claims = await claimFacts(read, production, { memory: [], rma: 0 }, undefined);
    expect(claims?.listed.length).toBe(facts);
  });
});

describe('kexec_file_load', () => {
  const COMMAND = 'maxcpus=1 irqpoll';
  const rows = [...Buffer.from(`${COMMAND}\0junk behind it, to the row`.padEnd(40))].reduce<bigint[][]>(
    (all, byte, i) => {
      const row = all[i >> 3] ?? [0n];
      all[i >> 3] = [(row[0] ?? 0n) | (BigInt(byte) << BigInt(8 * (i & 7)))];
      return all;
    },
    [],
  );
  const call = (flags: bigint): SyscallEvent => ({
    ...(CALL as SyscallEvent),
    number: KEXEC_FILE_LOAD_CALL.number,
    args: [3n, 4n, BigInt(COMMAND.length + 1), 0x7fff0000n, flags, 0n],
    rows,
  });
  const IMAGE = 0xc000000001230000n;
  const table = new SymbolTable([{ name: 'kexec_crash_image', address: 0xc000000000020000n }]);
  const kernel = { source: 'kallsyms', table, base: 0 } as const;
  const memory = (segments: readonly (readonly [number, number])[], entry: number) => {
    const bytes = new Uint8Array(64 + 17 * 32);
    putU64(bytes, 24, BigInt(entry), 'little');
    putU64(bytes, 56, BigInt(segments.length), 'little');
    for (const [i, [mem, memsz]] of segments.entries())
      for (const [j, value] of [memsz, mem, memsz].entries())
        putU64(bytes, 64 + 32 * i + 8 * (j + 1), BigInt(value), 'little');
    const pointer = new Uint8Array(8);
    putU64(pointer, 0, IMAGE, 'little');
    return async (raddr: number): Promise<Uint8Array> => (raddr === 0x20000 ? pointer : bytes);
  };

  it('its command line and flags are known, and that its segments are not', () => {
    const log = new LoadLog();
    log.add(call(2n), false);
    log.add(result(0n, false), false);
    expect(log.calls).toEqual([
      {
        insn: 5,
        cpu: 0,
        crash: true,
        entry: `0x${'0'.repeat(16)}`,
        segments: [],
        byFile: { commandLine: COMMAND, unread: true },
        result: 'ok',
      },
    ]);
    expect(parseKexecLoad(call(0n))).toMatchObject({ crash: false });
    expect(parseKexecLoad(call(3n))).toBeUndefined();
  });

  it('entry and segments are read from the kernel’s struct kimage', async () => {
    const load = parseKexecLoad(call(2n));
    if (load === undefined) throw new Error('it loads');
    const read = memory(
      [
        [0x8000000, 0x10000],
        [0x9000000, 0x200000],
      ],
      0x8000000,
    );
    const found = await readLoaded(read, kernel, load);
    expect(found).toMatchObject({ entry: 0x8000000, segments: [{ mem: 0x8000000 }, { memsz: 0x200000 }] });
    const log = new LoadLog();
    log.add(call(2n), false);
    log.add(result(0n, false), false);
    expect(withLoaded(log.calls, found)).toMatchObject([
      {
        entry: '0x0000000008000000',
        segments: [{ bytes: 0x10000 }, { bytes: 0x200000 }],
        byFile: { commandLine: COMMAND },
      },
    ]);
    expect(withLoaded(log.calls, undefined)).toEqual(log.calls);
  });

  it.each([
    ['an entry outside of the segments', memory([[0x8000000, 0x10000]], 0x100)],
    ['more segments than there can be', memory(Array(17).fill([0x8000000, 0x10000]), 0x8000000)],
    ['a segment that is on no page', memory([[0x8000001, 0x10000]], 0x8000001)],
  ])('%s: that is not known', async (_what, read) => {
    const load = parseKexecLoad(call(2n));
    expect(load && (await readLoaded(read, kernel, load))).toBeUndefined();
  });
});
