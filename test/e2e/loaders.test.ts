/**
 * Stock Debian loaded for a crash by its own kexec-tools and by us, in two machines that are alike: where segments lie,
 * what the next kernel's tree says, what elfcorehdr shows. Every difference is listed here with its reason; any other
 * fails. Then the one loaded by us is refused what the guest itself must refuse.
 */

import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { stockGuest } from '../../bench/guests/image.ts';
import { alignUp, arraySource } from '../../src/base/bytes.ts';
import { parseElf } from '../../src/base/elf/index.ts';
import { type FdtTree, parseFdt, walkTree } from '../../src/base/fdt/index.ts';
import { mergeRanges, type Range } from '../../src/crashkernel/index.ts';
import { openPartition } from '../../src/emulator/host/index.ts';
import { ImportError } from '../../src/images/errors.ts';
import { imageSource } from '../../src/images/image-source.ts';
import { describeImage } from '../../src/panic/facts/index.ts';
import { makeConfig } from '../../src/panic/guest/machine.ts';
import { resolveMachine } from '../../src/panic/guest/machine-spec.ts';
import { Session } from '../../src/panic/guest/session.ts';
import type { BootImage, BootLoading, BootOptions } from '../../src/panic/index.ts';
import { loadByPlan, untilLoaded } from '../../src/panic/loading/index.ts';
import type { SegmentRole } from '../../src/panic/trace/index.ts';

type Loaded = {
  readonly segments: ReadonlyMap<SegmentRole, { readonly mem: number; readonly memsz: number }>;
  readonly tree: FdtTree;
  readonly core: readonly (readonly [number, number, bigint, number])[];
  readonly coreEndian: string;
};

/** Two CPUs, 1 GiB: the real-mode area ends inside the reservation, and RTAS lies in it. */
async function boot(root: string, options: BootOptions): Promise<{ session: Session; image: BootImage }> {
  const image = await imageSource(root).bootImage('debian', { dump: 'raw', ...options });
  const handle = openPartition(makeConfig(image, resolveMachine({ cpus: 2, memory: '1G' })));
  const session = new Session(handle, true);
  await session.start();
  const ready = await untilLoaded(session, image, 'raw', 2400);
  expect(ready).toEqual({ kind: 'ready' });
  return { session, image };
}

async function read(session: Session): Promise<Loaded> {
  const { load, handle } = session;
  if (load === undefined) throw new Error('nothing was loaded');
  const image = await describeImage(load, (raddr, length) => handle.readMemory(raddr, length), 2);
  const bytes = async (role: SegmentRole): Promise<Uint8Array> => {
    const segment = image.segments.find((each) => each.role === role);
    if (segment === undefined) throw new Error(`there is no ${role}`);
    return await handle.readMemory(segment.mem, segment.memsz);
  };
  const core = parseElf(arraySource(await bytes('elfcorehdr')), { allowMissingData: true });
  return {
    segments: new Map(image.segments.map(({ role, mem, memsz }) => [role, { mem, memsz }])),
    tree: parseFdt(await bytes('tree')),
    core: core.programs.map(({ type, offset, paddr, memsz }) => [type, offset, paddr, memsz]),
    coreEndian: core.header.endian,
  };
}

/** `PATH NAME: HEX`, in order of the alphabet. */
function properties({ root }: FdtTree): Set<string> {
  const out: string[] = [];
  for (const { path, node } of walkTree(root))
    for (const [name, value] of node.properties)
      out.push(`${path} ${name}: ${Buffer.from(value).toString('hex')}`);
  return new Set(out.sort());
}

function difference(a: ReadonlySet<string>, b: ReadonlySet<string>): string[] {
  return [...a].filter((each) => !b.has(each)).map((each) => each.replace(/: .*/, ''));
}

/** What only kexec-tools hand on. They copy the tree that the first kernel has in memory; we, the one it was given. */
const ONLY_STOCK: readonly string[] = [
  '/chosen bootargs',
  '/chosen linux,initrd-end',
  '/chosen linux,initrd-start',
  // Linux adds it to its own tree; 0 is no limit.
  '/chosen linux,memory-limit',
];
/** The same properties with other values: elfcorehdr= as a hexadecimal number, the initramfs one page further up. */
const ONLY_OWN: readonly string[] = [
  '/chosen bootargs',
  '/chosen linux,initrd-end',
  '/chosen linux,initrd-start',
];
const PAGE = 0x10000;
const PT_LOAD = 1;

/** Memory that a dump shows, as ranges of `p_offset`, joined. */
function shown({ core }: Loaded): readonly Range[] {
  return mergeRanges(
    core.filter(([type]) => type === PT_LOAD).map(([, start, , size]) => ({ start, end: start + size })),
  );
}

function reserved({ tree }: Loaded): Map<number, number> {
  return new Map(tree.reservations.map(({ address, size }) => [Number(address), Number(size)]));
}

test('stock Debian: kexec-tools and we load the same but for what is listed', {
  timeout: 900_000,
}, async (context) => {
  let root: string;
  try {
    root = dirname((await stockGuest()).folder);
  } catch (error) {
    if (!(error instanceof ImportError) || process.env.CI === 'true') throw error;
    return context.skip(`needs Debian's ppc64el packages: ${error.message}`);
  }
  const before = await boot(root, { loader: 'stock' });
  const stock = await read(before.session);
  await before.session.handle.close();
  const { session, image } = await boot(root, { loader: 'own' });
  const own = await read(session);

  // Placement: our purgatory has its stack in its segment, a page more, so that the initramfs lies a page higher.
  for (const role of ['kernel', 'backup', 'elfcorehdr', 'tree'] as const)
    expect(own.segments.get(role)).toEqual(stock.segments.get(role));
  const [ours, theirs] = [own.segments, stock.segments].map((each) => each.get('purgatory'));
  expect(ours).toEqual({ mem: theirs?.mem, memsz: (theirs?.memsz ?? 0) + PAGE });
  expect(own.segments.get('initrd')?.mem).toBe((stock.segments.get('initrd')?.mem ?? 0) + PAGE);

  // elfcorehdr: the same notes and the same memory; kexec-tools keep a header for each memory node, we join them.
  expect(own.coreEndian).toBe(stock.coreEndian);
  const registers = (loaded: Loaded) => loaded.core.slice(0, 2);
  expect(registers(own)).toEqual(registers(stock));
  // VMCOREINFO is where the kernel happened to allocate it.
  expect(own.core[2]?.[3]).toBe(stock.core[2]?.[3]);
  expect(shown(own)).toEqual(shown(stock));
  expect(own.core.length).toBe(stock.core.length - 2);

  // The tree.
  expect(difference(properties(stock.tree), properties(own.tree))).toEqual(ONLY_STOCK);
  expect(difference(properties(own.tree), properties(stock.tree))).toEqual(ONLY_OWN);
  // The reserve map: the same entries; elfcorehdr and RTAS in whole pages, the tree as long as it is.
  const [theirMap, ourMap] = [reserved(stock), reserved(own)];
  const at = (loaded: Loaded, role: SegmentRole): number => loaded.segments.get(role)?.mem ?? -1;
  expect(ourMap.size).toBe(theirMap.size);
  for (const [start, size] of theirMap) {
    const moved = start === at(stock, 'initrd') ? at(own, 'initrd') : start;
    const bytes = ourMap.get(moved) ?? 0;
    if (start === at(stock, 'tree')) expect(bytes).toBeLessThanOrEqual(PAGE);
    else expect([size, alignUp(size, PAGE)]).toContain(bytes);
  }

  // What we refuse; and, forced past us, what the guest refuses by its own name.
  const forced = { at: { kernel: 0x100000 }, force: ['overlaps-kernel', 'outside-reservation'] } as const;
  const withLoading = (change: Partial<BootLoading>): BootImage => {
    if (image.loading === undefined) throw new Error('the image is loaded by plan');
    return { ...image, loading: { ...image.loading, ...change } };
  };
  const refused = await loadByPlan(session, withLoading({ at: forced.at }), 'raw');
  expect(refused.failure).toMatch(/^load\/overlaps-kernel: /);
  const crash = await loadByPlan(session, withLoading(forced), 'raw');
  expect(crash.failure).toMatch(/^EADDRNOTAVAIL /);
  expect(await session.command('load-next', 600)).toMatchObject({
    ok: false,
    text: expect.stringMatching(/^ETXTBSY /),
  });
  expect((await loadByPlan(session, image, 'raw')).failure).toBeUndefined();
  expect(await session.command('load-next', 600)).toMatchObject({ ok: true });
  session.close();
  await session.handle.close();
});
