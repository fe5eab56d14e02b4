import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { arraySource, getU32, latin1Bytes } from '../../src/base/bytes.ts';
import { PT_LOAD, PT_NOTE, parseElf } from '../../src/base/elf/index.ts';
import { asString, asU64, findNode, node, parseFdt } from '../../src/base/fdt/index.ts';
import {
  type LoadPlan,
  type PlanSegment,
  planLoad,
  probeImage,
  RUN_AT_LOAD_MARKER,
  type SegmentRole,
} from '../../src/crashkernel/index.ts';
import {
  flatTree,
  GUEST,
  loadableKernel,
  loadRequest,
  MIB,
  RESERVED,
  RTAS_BASE,
  symbol,
} from '../synth/crash-load.ts';

const INITRD = latin1Bytes('an initramfs'.repeat(20_000));

function segment(plan: LoadPlan, role: SegmentRole): PlanSegment {
  const found = plan.segments.find((each) => each.role === role);
  if (found === undefined) throw new Error(`there is no ${role}`);
  return found;
}

function code(text: string): unknown {
  return expect.objectContaining({ code: text });
}

describe('planLoad for a crash', () => {
  const plan = planLoad(loadRequest({ initrd: INITRD }));

  it('every segment → inside the reservation, in whole pages, none over another; purgatory is the entry', () => {
    expect(plan.segments.map(({ role }) => role)).toEqual([
      'kernel',
      'backup',
      'elfcorehdr',
      'purgatory',
      'initrd',
      'tree',
    ]);
    let end = RESERVED.start;
    for (const { mem, memsz, bytes } of plan.segments) {
      expect(mem).toBeGreaterThanOrEqual(end);
      expect([mem % 0x10000, memsz % 0x10000]).toEqual([0, 0]);
      expect(bytes.length).toBeLessThanOrEqual(memsz);
      end = mem + memsz;
    }
    expect(end).toBeLessThanOrEqual(RESERVED.end);
    expect(plan).toMatchObject({ crash: true, entry: segment(plan, 'purgatory').mem });
  });

  it('purgatory → the kernel’s head, run-at-load 1 in the image’s byte order; the image keeps its marker', () => {
    for (const endian of ['big', 'little'] as const) {
      const image = probeImage(loadableKernel({ endian }));
      const made = planLoad(loadRequest({ image }));
      const purgatory = segment(made, 'purgatory').bytes;
      expect(getU32(purgatory, 0x5c, endian)).toBe(1);
      expect(getU32(segment(made, 'kernel').bytes, 0x5c, endian)).toBe(RUN_AT_LOAD_MARKER);
      expect(purgatory.subarray(4, 0x5c)).toEqual(image.bytes.subarray(4, 0x5c));
      expect(getU32(purgatory, 0, 'big')).toBe(0x48010148);
      expect(made.report.runAtLoad).toBe('set');
    }
  });

  it('the digest → SHA-256 of everything but purgatory and backup, zeros included', () => {
    const hash = createHash('sha256');
    const covered = plan.segments
      .filter(({ role }) => role !== 'purgatory' && role !== 'backup')
      .sort(
        (a, b) =>
          plan.report.digested.findIndex(({ start }) => start === a.mem) -
          plan.report.digested.findIndex(({ start }) => start === b.mem),
      );
    for (const { bytes } of covered) {
      hash.update(bytes);
      hash.update(new Uint8Array((0x10000 - (bytes.length % 0x10000)) % 0x10000));
    }
    expect(plan.report.digested.length).toBe(4);
    expect(Buffer.from(segment(plan, 'purgatory').bytes.subarray(0x288, 0x2a8)).toString('hex')).toBe(
      hash.digest('hex'),
    );
    // The kernel's second page is bss.
    const bss = { start: segment(plan, 'kernel').mem + 0x10000, end: segment(plan, 'kernel').mem + 0x20000 };
    expect(plan.report.undigested).toEqual([
      { role: 'kernel', range: bss, reason: 'pages of zeros (bss)' },
      expect.objectContaining({ role: 'backup' }),
    ]);
  });

  it('no digest asked for → no regions, all of it reported', () => {
    const made = planLoad(loadRequest({ digest: false }));
    expect(made.report.digested).toEqual([]);
    expect(made.report.undigested.map(({ role }) => role)).toEqual([
      'kernel',
      'backup',
      'elfcorehdr',
      'tree',
    ]);
    expect(getU32(segment(made, 'purgatory').bytes, 0x284, 'big')).toBe(0);
  });

  it('elfcorehdr → named on the command line; a note a CPU, VMCOREINFO, the backup at 0, all other memory', () => {
    const { mem, bytes } = segment(plan, 'elfcorehdr');
    expect(plan.report.bootargs).toBe(`console=hvc0 maxcpus=1 elfcorehdr=0x${mem.toString(16)}`);
    const elf = parseElf(arraySource(bytes), { allowMissingData: true });
    expect(elf.header.endian).toBe('big');
    const of = (type: number) =>
      elf.programs
        .filter((each) => each.type === type)
        .map(({ offset, paddr, memsz }) => [offset, Number(paddr), memsz]);
    expect(of(PT_NOTE)).toEqual([
      [0x800000, 0x800000, 0x400],
      [0x800400, 0x800400, 0x400],
      [0x810000, 0x810000, 0x1000],
    ]);
    expect(of(PT_LOAD)).toEqual([
      [segment(plan, 'backup').mem, 0, 0x10000],
      [0x10000, 0x10000, RESERVED.start - 0x10000],
      [RESERVED.end, RESERVED.end, 256 * MIB - RESERVED.end],
    ]);
  });

  it('RTAS in the reservation → no segment over it, shown in the dump, reserved and usable', () => {
    const rtas = RESERVED.start + 0x20000;
    const made = planLoad(loadRequest({ tree: flatTree({ rtas }) }));
    for (const { mem, memsz } of made.segments)
      expect(mem >= rtas + 0x10000 || mem + memsz <= rtas).toBe(true);
    const elf = parseElf(arraySource(segment(made, 'elfcorehdr').bytes), { allowMissingData: true });
    expect(elf.programs.map(({ paddr }) => Number(paddr))).toContain(rtas);
    const tree = parseFdt(segment(made, 'tree').bytes);
    expect(tree.reservations).toContainEqual({ address: BigInt(rtas), size: 0x10000n });
  });

  it('memory above 4 GiB, in pieces → in the dump whole', () => {
    const memory = [
      [0n, 0x0800_0000n],
      [0x1_0000_0000n, 0x0100_0000n],
      [0x40_0000_0000n, 0x0100_0000n],
    ] as const;
    const made = planLoad(loadRequest({ tree: flatTree({ memory }) }));
    const elf = parseElf(arraySource(segment(made, 'elfcorehdr').bytes), { allowMissingData: true });
    const high = elf.programs.filter(({ paddr }) => paddr >= 0x1_0000_0000n);
    expect(high.map(({ paddr, memsz, vaddr }) => [paddr, memsz, vaddr])).toEqual([
      [0x1_0000_0000n, 0x0100_0000, 0xc000_0001_0000_0000n],
      [0x40_0000_0000n, 0x0100_0000, 0xc000_0040_0000_0000n],
    ]);
  });
});

describe('planLoad: the next kernel’s tree', () => {
  it('a crash → usable memory on every node, the old kernel reserved, its properties gone, the machine’s kept', () => {
    const plan = planLoad(loadRequest({ initrd: INITRD }));
    const { mem, bytes } = segment(plan, 'tree');
    const tree = parseFdt(bytes);
    const usable = (path: string) => findNode(tree.root, path)?.properties.get('linux,usable-memory');
    expect(Buffer.from(usable('/memory@0') ?? []).readBigUInt64BE(8)).toBe(BigInt(RESERVED.end));
    // RTAS lies above the reservation: usable like firmware's memory before.
    expect(Buffer.from(usable('/memory@0') ?? []).readBigUInt64BE(16)).toBe(BigInt(RTAS_BASE));
    expect(usable('/memory@8000000')).toEqual(new Uint8Array(16));
    const size = (role: SegmentRole) => BigInt(segment(plan, role).memsz);
    const at = (role: SegmentRole) => BigInt(segment(plan, role).mem);
    expect(tree.reservations).toEqual([
      { address: 0x10000n, size: BigInt(RESERVED.start) - 0x10000n },
      // A reservation of firmware's that is neither RTAS, initrd nor the old tree is handed on.
      { address: 0x0630_0000n, size: 0x20000n },
      { address: BigInt(RTAS_BASE), size: 0x10000n },
      { address: at('backup'), size: size('backup') },
      { address: at('elfcorehdr'), size: size('elfcorehdr') },
      { address: at('initrd'), size: BigInt(INITRD.length) },
      { address: BigInt(mem), size: BigInt(bytes.length) },
    ]);
    const chosen = findNode(tree.root, '/chosen')?.properties;
    expect([...(chosen?.keys() ?? [])].sort()).toEqual([
      'bootargs',
      'ibm,architecture-vec-5',
      'linux,booted-from-kexec',
      'linux,initrd-end',
      'linux,initrd-start',
      'linux,stdout-path',
    ]);
    expect(asString(chosen?.get('bootargs') ?? new Uint8Array(0))).toBe(plan.report.bootargs);
    expect(asU64(chosen?.get('linux,initrd-start') ?? new Uint8Array(8))).toBe(at('initrd'));
    expect(findNode(tree.root, '/rtas')?.properties.has('linux,rtas-entry')).toBe(true);
  });

  it('an ordinary kexec → all memory usable, no elfcorehdr, the marker kept, no backup', () => {
    const plan = planLoad(loadRequest({ crash: false, initrd: INITRD }));
    const tree = parseFdt(segment(plan, 'tree').bytes);
    expect(findNode(tree.root, '/memory@0')?.properties.has('linux,usable-memory')).toBe(false);
    expect(plan.report).toMatchObject({ runAtLoad: 'kept', bootargs: 'console=hvc0 maxcpus=1' });
    expect(getU32(segment(plan, 'purgatory').bytes, 0x5c, 'big')).toBe(RUN_AT_LOAD_MARKER);
    expect(plan.segments.map(({ role }) => role)).toEqual(['kernel', 'purgatory', 'tree', 'initrd']);
    expect(segment(plan, 'kernel').mem).toBeGreaterThanOrEqual(GUEST.kernel.end);
  });

  it('an ordinary kexec → the RAM disk above the real-mode area, outside the digest and reported', () => {
    const plan = planLoad(loadRequest({ crash: false, initrd: INITRD }));
    expect(segment(plan, 'initrd').mem).toBeGreaterThanOrEqual(128 * MIB);
    expect(plan.report.undigested.map(({ role }) => role)).toEqual(['kernel', 'initrd']);
    expect(plan.report.digested.length).toBe(2);
  });
});

describe('planLoad: places', () => {
  it('a fixed image whose own place is in the reservation → loaded there', () => {
    const image = probeImage(loadableKernel({ word: 0, paddr: RESERVED.start + 0x100000 }));
    const plan = planLoad(loadRequest({ image }));
    expect(segment(plan, 'kernel').mem).toBe(RESERVED.start + 0x100000);
    expect(plan.report.runAtLoad).toBe('absent');
  });

  it('a raw stub → one segment, entered itself; no purgatory is needed', () => {
    const { purgatory: _, ...request } = loadRequest({ image: probeImage(latin1Bytes('a stub')) });
    const plan = planLoad(request);
    expect(plan.segments).toMatchObject([{ role: 'kernel', mem: RESERVED.start, memsz: 0x10000 }]);
    expect(plan.entry).toBe(RESERVED.start);
  });

  it('a segment that reaches past the real-mode area → digested as far as purgatory can read', () => {
    const guest = { ...GUEST, reserved: { start: 96 * MIB, end: 160 * MIB } };
    const plan = planLoad(
      loadRequest({
        guest,
        initrd: new Uint8Array(0x30000),
        at: { initrd: 128 * MIB - 0x10000 },
        tree: flatTree({ rtas: 0x1000000 }),
      }),
    );
    expect(plan.report.digested).toContainEqual({ start: 128 * MIB - 0x10000, end: 128 * MIB });
    expect(plan.report.undigested).toContainEqual(
      expect.objectContaining({ role: 'initrd', range: { start: 128 * MIB, end: 128 * MIB + 0x20000 } }),
    );
  });
});

describe('planLoad: refused, and let through when forced', () => {
  const old = probeImage(loadableKernel({ word: 0, symbols: [symbol('__kdump_flag', 0xc000000000000018n)] }));
  const tce = node('pci@800000020000000', { 'linux,tce-base': 0x0500_0000n, 'linux,tce-size': 0x10000 });
  it.each([
    [
      'over the running kernel',
      { at: { initrd: 0x100000 }, initrd: INITRD },
      ['overlaps-kernel', 'outside-reservation'],
    ],
    ['outside the reservation', { at: { tree: 0x3000000 } }, ['outside-reservation']],
    ['over another segment', { at: { tree: RESERVED.start, kernel: RESERVED.start } }, ['segments-overlap']],
    ['outside memory', { at: { tree: 0x3000_0000 } }, ['outside-memory', 'outside-reservation']],
    ['the abandoned ABI', { image: old }, ['old-abi', 'not-relocatable']],
    ['a fixed image', { image: probeImage(loadableKernel({ word: 5 })) }, ['not-relocatable']],
    [
      'over a TCE table',
      { tree: flatTree({ nodes: [tce] }), at: { tree: 0x0500_0000 } },
      ['overlaps-tce-table'],
    ],
  ] as const)('%s', (_name, over, checks) => {
    expect(() => planLoad(loadRequest(over))).toThrow(code(`load/${checks[0]}`));
    for (const check of checks) {
      const others = checks.filter((each) => each !== check);
      expect(() => planLoad(loadRequest({ ...over, force: others }))).toThrow(code(`load/${check}`));
    }
    const plan = planLoad(loadRequest({ ...over, force: checks }));
    expect(plan.report.forced.map((text) => text.split(':')[0]).sort()).toEqual([...checks].sort());
  });

  it('an ordinary segment over the running kernel → load/overlaps-kernel', () => {
    expect(() => planLoad(loadRequest({ crash: false, at: { kernel: 0x100000 } }))).toThrow(
      code('load/overlaps-kernel'),
    );
  });

  it.each([
    ['no reservation', { guest: { ...GUEST, reserved: undefined } }, 'load/no-reservation'],
    ['no room', { initrd: new Uint8Array(40 * MIB) }, 'load/no-room'],
    [
      'no room in the real-mode area',
      { guest: { ...GUEST, reserved: { start: 130 * MIB, end: 160 * MIB } } },
      'load/no-room',
    ],
    ['notes outside memory', { guest: { ...GUEST, notes: [2 ** 40] } }, 'load/bad-facts'],
    ['an absurd note', { guest: { ...GUEST, noteSize: 2 ** 30 } }, 'load/bad-facts'],
    [
      'a reservation outside memory',
      { guest: { ...GUEST, reserved: { start: 2 ** 33, end: 2 ** 34 } } },
      'load/bad-facts',
    ],
    [
      'a reservation over page 0',
      { guest: { ...GUEST, reserved: { start: 0, end: MIB } } },
      'load/bad-facts',
    ],
    ['a long command line', { commandLine: 'x'.repeat(3000) }, 'load/command-line'],
    ['a command line with a newline', { commandLine: 'a\nb' }, 'load/command-line'],
    ['no purgatory', { purgatory: undefined }, 'load/bad-purgatory'],
  ])('%s → refused', (_name, over, expected) => {
    const request = { ...loadRequest(), ...over } as Parameters<typeof planLoad>[0];
    expect(() => planLoad(request)).toThrow(code(expected));
  });
});
