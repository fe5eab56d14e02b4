/**
 * The built-in guest under QEMU's pseries, so that our machine is not the only one that says it works.
 *
 * QEMU enters a `-bios` blob at 0x100, real mode, big-endian. Ours is a few instructions that go on to the kernel, which
 * lies elsewhere as a flat image and moves itself to 0. The tree is QEMU's own (`-machine dumpdtb=`) with what a client
 * interface would have added: where RTAS lies (five instructions around hypercall 0xf000), and which MMU was agreed upon.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arraySource } from '../../src/base/bytes.ts';
import { PT_LOAD, parseElf, readSegment } from '../../src/base/elf/index.ts';
import { buildFdt, cells, findNode, parseFdt, propertyValue } from '../../src/base/fdt/index.ts';
import { RTAS_BYTES, rtasStub } from '../../src/emulator/platform/index.ts';
import { KERNEL } from './built-in-guest.ts';

const KERNEL_AT = 0x0200_0000;
const TREE_AT = 0x0e00_0000;
const RTAS_AT = 0x0f00_0000;
/** Byte 24 of option vector 5: which MMU. */
const VECTOR_5 = { bytes: 27, mmu: 24, radix: 0x40 } as const;
const DEADLINE_MS = 40_000;

export type QemuOptions = {
  readonly processor: 'power8' | 'power9';
  readonly mmu: 'hash' | 'radix';
  readonly cpus: number;
  readonly append: string;
  /** As -m takes it; 256M. */
  readonly memory?: string;
  /** What the CPU nodes say about hash translation, with this left out: 1 TiB segments, page sizes by their shifts. */
  readonly without?: { readonly terabyteSegments?: boolean; readonly pageShifts?: readonly number[] };
  /** What is typed to the agent once it is ready. */
  readonly tell?: readonly string[];
};

export type QemuRun = { readonly console: string; readonly agent: string };

/** Boots until `done` matches what came on both terminals. @throws Error with all of it when it takes too long. */
export async function runUnderQemu(options: QemuOptions, done: (run: QemuRun) => boolean): Promise<QemuRun> {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-qemu-'));
  const file = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const socket = join(folder, 'agent');
  const machine = [
    ...[
      '-cpu',
      options.processor,
      '-smp',
      String(options.cpus),
      '-m',
      options.memory ?? '256M',
      '-nodefaults',
      '-display',
      'none',
    ],
    ...['-bios', file('firmware', firmware()), '-no-reboot'],
    ...['-chardev', 'stdio,id=console,signal=off', '-device', 'spapr-vty,chardev=console,reg=0x71000001'],
    ...['-chardev', `socket,id=agent,path=${socket},server=on,wait=off`],
    ...['-device', 'spapr-vty,chardev=agent,reg=0x71000002'],
  ];
  const tree = join(folder, 'tree');
  const parameters =
    'pseries,accel=tcg,ic-mode=xics,cap-htm=off,usb=off,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-hpt-max-page-size=16m';
  const dumped = spawnSync('qemu-system-ppc64', ['-M', `${parameters},dumpdtb=${tree}`, ...machine], {
    encoding: 'utf8',
    timeout: DEADLINE_MS,
  });
  if (dumped.status !== 0) throw new Error(`QEMU wrote no tree: ${dumped.stderr}`);
  const loaders = [
    loader(file('kernel', flatKernel()), KERNEL_AT),
    loader(file('dtb', completeTree(readFileSync(tree), options)), TREE_AT),
    loader(file('rtas', rtasStub()), RTAS_AT),
  ].flat();
  const child = spawn('qemu-system-ppc64', ['-M', parameters, ...machine, ...loaders]);
  try {
    return await watch(child, socket, options.tell ?? [], done);
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
}

function loader(path: string, at: number): string[] {
  return ['-device', `loader,file=${path},addr=0x${at.toString(16)},force-raw=on`];
}

/** At 0x100: r3 = tree, r4 = kernel, r5 = 0, and on to the kernel. */
function firmware(): Uint8Array {
  const words = [
    0x3c60_0000 | (TREE_AT >>> 16), // lis r3
    0x3c80_0000 | (KERNEL_AT >>> 16), // lis r4
    0x38a0_0000, // li r5,0
    0x7c89_03a6, // mtctr r4
    0x4e80_0420, // bctr
  ];
  const bytes = new DataView(new ArrayBuffer(0x200));
  for (const [i, word] of words.entries()) bytes.setUint32(0x100 + 4 * i, word, false);
  return new Uint8Array(bytes.buffer);
}

function flatKernel(): Uint8Array {
  const elf = parseElf(arraySource(readFileSync(KERNEL)));
  const load = elf.programs.find(({ type }) => type === PT_LOAD);
  if (load === undefined) throw new Error('the kernel has no PT_LOAD');
  return readSegment(elf, load);
}

function completeTree(blob: Uint8Array, options: QemuOptions): Uint8Array {
  const tree = parseFdt(blob);
  const rtas = findNode(tree.root, '/rtas');
  const chosen = findNode(tree.root, '/chosen');
  if (rtas === undefined || chosen === undefined) throw new Error('QEMU gives no /rtas or no /chosen');
  rtas.properties.set('linux,rtas-base', propertyValue(RTAS_AT));
  rtas.properties.set('linux,rtas-entry', propertyValue(RTAS_AT));
  rtas.properties.set('rtas-size', propertyValue(RTAS_BYTES));
  const vector5 = new Uint8Array(VECTOR_5.bytes);
  vector5[0] = VECTOR_5.bytes - 2;
  vector5[VECTOR_5.mmu] = options.mmu === 'radix' ? VECTOR_5.radix : 0;
  chosen.properties.set('ibm,architecture-vec-5', vector5);
  chosen.properties.set('bootargs', propertyValue(options.append));
  for (const cpu of findNode(tree.root, '/cpus')?.children ?? [])
    restrict(cpu.properties, options.without ?? {});
  return buildFdt(tree);
}

const SEGMENTS = 'ibm,processor-segment-sizes';
const PAGES = 'ibm,segment-page-sizes';
const TERABYTE_SHIFT = 40;

function restrict(properties: Map<string, Uint8Array>, without: NonNullable<QemuOptions['without']>): void {
  const segments = properties.get(SEGMENTS);
  if (segments !== undefined && without.terabyteSegments === true) {
    // 0xffffffff: not a size.
    const left = cells(segments).map((shift) => (shift === TERABYTE_SHIFT ? 0xffff_ffff : shift));
    properties.set(SEGMENTS, propertyValue(left));
  }
  const pages = properties.get(PAGES);
  if (pages === undefined || without.pageShifts === undefined) return;
  const list = cells(pages);
  const left: number[] = [];
  for (let at = 0; at < list.length; ) {
    const length = 3 + 2 * (list[at + 2] ?? 0);
    if (!without.pageShifts.includes(list[at] ?? 0)) left.push(...list.slice(at, at + length));
    at += length;
  }
  properties.set(PAGES, propertyValue(left));
}

async function watch(
  child: ChildProcess,
  socketPath: string,
  tell: readonly string[],
  done: (run: QemuRun) => boolean,
): Promise<QemuRun> {
  let text = '';
  let agent = '';
  let errors = '';
  child.stdout?.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
  child.stderr?.on('data', (bytes: Buffer) => (errors += bytes.toString('latin1')));
  let socket: Socket | undefined;
  const attach = (): void => {
    const next = connect(socketPath);
    next.on('connect', () => (socket = next));
    next.on('data', (bytes: Buffer) => (agent += bytes.toString('latin1')));
    next.on('error', () => setTimeout(attach, 20));
  };
  attach();
  let told = false;
  for (const until = Date.now() + DEADLINE_MS; Date.now() < until; ) {
    const run = { console: text, agent };
    if (done(run)) {
      socket?.destroy();
      return run;
    }
    if (!told && /CPU 0 .*work/.test(text) && socket !== undefined) {
      told = true;
      for (const line of tell) socket.write(`${line}\n`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  socket?.destroy();
  throw new Error(`QEMU takes too long\nconsole:\n${text}\nagent:\n${agent}\nerrors:\n${errors}`);
}
