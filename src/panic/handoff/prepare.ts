/** Prepares for a crash or another way out of a kernel: reads symbols and the loaded image, and sets the watches. The guest is not changed by it. */

import { defined } from '../../base/defined.ts';
import type { ObservePlan } from '../../emulator/contract/index.ts';
import type { PartitionHandle } from '../../emulator/host/index.ts';
import type { KexecImage, KexecLoad, PlacedSegment } from '../facts/index.ts';
import {
  claimFacts,
  describeImageApart,
  isCompiledIn,
  onlineCpus,
  readLoaded,
  runningFacts,
  withKernelFile,
  withLoaded,
} from '../facts/index.ts';
import type { KernelSymbols, ReadMemory } from '../facts/symbols/index.ts';
import { AddressNames, ifThere, readSymbolsApart } from '../facts/symbols/index.ts';
import type { BootImage } from '../guest/boot-image.ts';
import { dumpDiskOf } from '../guest/dump-device.ts';
import {
  type FunctionName,
  type HandoffPath,
  LOAD_HOOKS,
  type LoadCall,
  type LoadFacts,
  type Trace,
} from '../trace/index.ts';
import { bootPlan, makePlan, Recorder } from '../watch/index.ts';
import type { RunningKernel } from './kernel.ts';

export type Prepared = {
  readonly path: HandoffPath;
  readonly recorder: Recorder;
  /** What is watched, and the functions of the kernel that runs which have a probe. */
  readonly plan: ObservePlan;
  readonly probes: readonly FunctionName[];
  /** Read from the guest's memory; false: from the kernel's file, before the kernel ran. */
  readonly isOfMemory: boolean;
  /** Absent: the guest has loaded none, or one that is not for a crash. */
  readonly image?: KexecImage;
  /** The image's kernel is the one that runs. */
  readonly isSameKernel: boolean;
  /** Both hooks of kexec_load are watched in the image's kernel once it runs. */
  readonly watchesNextHooks: boolean;
  readonly production: KernelSymbols;
  readonly read: ReadMemory;
  /** Memory as the image will lie in it; absent: there is no image. */
  readonly readImage?: ReadMemory;
};

/** Real address of a production kernel: it has moved itself to 0, wherever it was loaded. */
const PRODUCTION_BASE = 0;
/**
 * Symbol of the flag at offset 0x18 by which kernels of 2008 stayed where they were loaded (Mohan Kumar M to Milton Miller,
 * linuxppc-dev, 2008; docs/handoff.md, `run-at-load-old-abi`).
 */
const OLD_FLAG = '__kdump_flag';
const PAGE = 4096;
/** Pages of a kernel that are compared with its file. */
const SAMPLES = 64;
const HOOKS = Object.values(LOAD_HOOKS);

/** The way out to prepare for, and how it differs from a crash. */
export type PreparedWay = {
  readonly path: HandoffPath;
  /** Ends readings. */
  readonly signal?: AbortSignal | undefined;
  /** The host will reset the secondaries when the master waits for them with interrupts off: the partition must rest then. */
  readonly attended?: boolean;
  /** The machine stands still whenever an image was loaded: the owner then prepares again. */
  readonly holds?: boolean;
  /** Every kexec_load of the kernel that runs. */
  readonly loads?: readonly LoadCall[];
  /** Reads memory as it will be once the image is at its destination; default: memory of now. Undefined where that is unknown. */
  readonly readImage?: (
    read: ReadMemory,
    production: KernelSymbols,
    load: KexecLoad,
  ) => Promise<ReadMemory | undefined>;
};

/**
 * Prepares for a crash of the kernel that power-on enters, while no image is loaded: by the kernel's file. The plan is not in force yet.
 * @returns undefined where the file does not name the functions that matter
 */
export async function prepareBoot(handle: PartitionHandle, boot: BootImage): Promise<Prepared | undefined> {
  const made = await bootPlan(boot.kernel, boot.vmlinux);
  if (made === undefined) return undefined;
  const { plan, probes, production } = made;
  const dumpDisk = dumpDiskOf(handle.config);
  const recorder = new Recorder({
    // No CPU has been started by the kernel yet: which of them are online is known from the instants.
    machine: machineOf(handle, await handle.vcpus(), () => ({})),
    facts: {
      name: boot.name,
      ...factsOfKernel({ release: boot.kernelRelease }, production, undefined),
      probes,
    },
    names: namesOf(production, undefined, undefined),
    ...(dumpDisk === undefined ? {} : { dumpDisk }),
  });
  const read: ReadMemory = (raddr, length) => handle.readMemory(raddr, length);
  return {
    path: 'crash',
    recorder,
    plan,
    probes,
    isOfMemory: false,
    isSameKernel: false,
    watchesNextHooks: false,
    production,
    read,
  };
}

/**
 * Prepares by the guest's memory, and puts the plan in force.
 * @param given the load of the image that is loaded; undefined: none is
 * @throws ReadingFailure where what the guest made takes too much time or memory to read, or the way's signal is aborted
 */
export async function prepareCrash(
  handle: PartitionHandle,
  kernel: RunningKernel,
  given: KexecLoad | undefined,
  way: PreparedWay = { path: 'crash' },
): Promise<Prepared> {
  const { path } = way;
  const read: ReadMemory = (raddr, length) => handle.readMemory(raddr, length);
  const cpus = await handle.vcpus();
  const production = await ownSymbols(kernel, read, way.signal);
  const load = given?.byFile === undefined ? given : await readLoaded(read, production, given);
  const loads = withLoaded(way.loads ?? [], load);
  const readImage =
    load === undefined || way.readImage === undefined ? read : await way.readImage(read, production, load);
  const image =
    load === undefined || readImage === undefined
      ? undefined
      : await describeImageApart(load, readImage, cpus.length, way.signal);
  const file = kernel.vmlinux ?? kernel.file;
  const isSame =
    image?.kernel !== undefined &&
    readImage !== undefined &&
    file !== undefined &&
    (await isOfFile(image.kernel, readImage, file));
  const crash =
    image?.kernel === undefined || readImage === undefined
      ? undefined
      : isSame
        ? movedTo(production, image.kernel.mem)
        : await readSymbolsApart(readImage, { base: image.kernel.mem, size: image.kernel.memsz }, way.signal);
  const { plan, probes } = await makePlan({
    path,
    // Functions of the next kernel are looked for in its own code.
    read: readImage ?? read,
    production,
    holds: way.holds === true,
    ...(image === undefined ? {} : { image }),
    ...(crash === undefined ? {} : { crash }),
  });
  const { append } = kernel;
  const running =
    append === undefined
      ? undefined
      : await runningFacts(handle.config, { ...kernel, append }, production, read);
  const tree = kernel.tree === 'firmware' ? await handle.machineTree() : kernel.tree;
  const claims =
    running === undefined || kernel.tree === undefined
      ? undefined
      : await claimFacts(read, production, running, tree);
  const online = await onlineCpus(cpus, production, read);
  const dumpDisk = dumpDiskOf(handle.config);
  const recorder = new Recorder({
    machine: machineOf(handle, cpus, ({ index }) => ({ online: online.has(index) })),
    facts: {
      name: kernel.image,
      ...(path === 'crash' ? {} : { path }),
      ...factsOfKernel(kernel, production, crash),
      probes,
      ...(image === undefined ? {} : { load: withAbi(image.facts, crash) }),
      ...defined({ running, claims }),
      ...(loads.length === 0 ? {} : { loads: [...loads] }),
      ...((await isShutdownCompiledIn(read, production)) ? { shutdownCompiledIn: true } : {}),
    },
    ...(image === undefined ? {} : { image }),
    names: namesOf(production, image, crash),
    ...(dumpDisk === undefined ? {} : { dumpDisk }),
  });
  await handle.observe(way.attended === true ? { ...plan, restWhenStuck: true } : plan);
  return {
    path,
    recorder,
    plan,
    probes,
    isOfMemory: true,
    isSameKernel: isSame,
    watchesNextHooks: path === 'kexec' && HOOKS.every((name) => crash?.table.find(name) !== undefined),
    production,
    read,
    ...(image === undefined ? {} : { image }),
    ...(image === undefined || readImage === undefined ? {} : { readImage }),
  };
}

function machineOf<T extends { readonly index: number; readonly hardwareId: number }>(
  { config: { processor, mmu } }: PartitionHandle,
  cpus: readonly T[],
  more: (cpu: T) => { online?: boolean },
): Trace['machine'] {
  return {
    processor,
    mmu,
    cpus: cpus.map((cpu) => ({ index: cpu.index, hardwareId: cpu.hardwareId, ...more(cpu) })),
  };
}

function factsOfKernel(
  { release }: { readonly release?: string | undefined },
  production: KernelSymbols,
  crash: KernelSymbols | undefined,
): Pick<Trace['image'], 'kernelRelease' | 'symbols'> {
  return {
    ...defined({ kernelRelease: release }),
    symbols: { production: production.source, ...(crash === undefined ? {} : { crash: crash.source }) },
  };
}

/** Whether machine_restart contains machine_shutdown. The crash kernel is assumed to be built like the production kernel. */
async function isShutdownCompiledIn(read: ReadMemory, production: KernelSymbols): Promise<boolean> {
  return (await isCompiledIn(read, production, 'machine_shutdown', 'machine_restart')) === true;
}

/** Only the symbol identifies the abandoned flag: the word at its offset is zero in other kernels, too. */
function withAbi(load: LoadFacts, kernel: KernelSymbols | undefined): LoadFacts {
  return kernel?.table.find(OLD_FLAG) === undefined ? load : { ...load, abi: 'kdump-flag' };
}

/** Of the kernel that runs. The one that power-on entered is its file, whose symbols are read once for all that boot it. */
async function ownSymbols(
  { tree, file, vmlinux, candidate }: RunningKernel,
  read: ReadMemory,
  signal: AbortSignal | undefined,
): Promise<KernelSymbols> {
  const filed = tree === 'firmware' && file !== undefined ? await bootPlan(file, vmlinux) : undefined;
  if (filed !== undefined) return filed.production;
  const size = file === undefined ? undefined : await withKernelFile(file, async (each) => each.size);
  const found = await readSymbolsApart(
    read,
    { base: PRODUCTION_BASE, ...defined({ vmlinux, size }) },
    signal,
  );
  if (found.source !== 'none' || candidate === undefined) return found;
  const { same, of } = await pagesOfFile(PRODUCTION_BASE, Number.POSITIVE_INFINITY, read, candidate.file);
  // A kernel that runs has changed some of its own.
  const isIt = of > 0 && 2 * same > of;
  return (isIt ? await bootPlan(candidate.file, candidate.vmlinux) : undefined)?.production ?? found;
}

/** The symbols of the same kernel elsewhere. */
function movedTo({ source, table, base }: KernelSymbols, there: number): KernelSymbols {
  return { source, table: table.moved(BigInt(there - base)), base: there };
}

/** Whether an image's kernel is what a file holds. A loader may have changed its first page. */
async function isOfFile({ mem, bufsz }: PlacedSegment, read: ReadMemory, file: string): Promise<boolean> {
  const { same, of } = await pagesOfFile(mem, bufsz, read, file);
  return of > 0 && same === of;
}

/** Compares pages all over a kernel in memory with its file, but not the first one. */
async function pagesOfFile(
  base: number,
  bytes: number,
  read: ReadMemory,
  file: string,
): Promise<{ readonly same: number; readonly of: number }> {
  const found = await withKernelFile(file, async (kernel) => {
    const last = Math.min(bytes, kernel.size) - PAGE;
    const of = last > PAGE ? SAMPLES : 0;
    let same = 0;
    for (let i = 0; i < of; i++) {
      const at = PAGE + Math.floor(((last - PAGE) * i) / SAMPLES);
      const there = await ifThere(read(base + at, PAGE));
      if (there !== undefined && Buffer.compare(there, await kernel.read(at, PAGE)) === 0) same++;
    }
    return { same, of };
  });
  return found ?? { same: 0, of: 0 };
}

function namesOf(
  production: KernelSymbols,
  image: KexecImage | undefined,
  crash: KernelSymbols | undefined,
): AddressNames {
  const ranges = (image?.segments ?? [])
    .filter(({ role }) => role === 'purgatory')
    .map(({ mem, memsz }) => ({ start: mem, bytes: memsz, name: 'purgatory' }));
  const kernel = image?.kernel;
  return new AddressNames({
    production,
    ranges,
    ...(crash === undefined || kernel === undefined
      ? {}
      : { crash: { symbols: crash, bytes: kernel.memsz } }),
  });
}
