/** Prepares a resting partition for a crash or another way out: reads symbols and the loaded image, and sets the watches. */

import { defined } from '../../base/defined.ts';
import type { PartitionHandle } from '../../emulator/host/index.ts';
import type { KexecImage, KexecLoad } from '../facts/index.ts';
import {
  claimFacts,
  describeImageApart,
  isCompiledIn,
  runningFacts,
  withKernelFile,
} from '../facts/index.ts';
import type { KernelSymbols, ReadMemory } from '../facts/symbols/index.ts';
import { AddressNames, readSymbolsApart } from '../facts/symbols/index.ts';
import type { BootImage } from '../guest/boot-image.ts';
import { dumpDiskOf } from '../guest/dump-device.ts';
import type { HandoffPath, LoadCall, LoadFacts, Trace } from '../trace/index.ts';
import { makePlan, Recorder } from '../watch/index.ts';

export type Prepared = {
  readonly recorder: Recorder;
  /** Absent: the guest has loaded none, or one that is not for a crash. */
  readonly image?: KexecImage;
  readonly production: KernelSymbols;
  readonly read: ReadMemory;
  /** Memory as the image will lie in it; absent: there is no image. */
  readonly readImage?: ReadMemory;
  /** Ends readings. */
  readonly signal?: AbortSignal | undefined;
};

/** Real address of a production kernel: it has moved itself to 0, wherever it was loaded. */
const PRODUCTION_BASE = 0;
/**
 * Symbol of the flag at offset 0x18 by which kernels of 2008 stayed where they were loaded (Mohan Kumar M to Milton Miller,
 * linuxppc-dev, 2008; docs/handoff.md, `run-at-load-old-abi`).
 */
const OLD_FLAG = '__kdump_flag';
const HEAD_BYTES = 0x100;

/** The way out to prepare for, and how it differs from a crash. */
export type PreparedWay = {
  readonly path: HandoffPath;
  /** Ends readings. */
  readonly signal?: AbortSignal | undefined;
  /** The host will reset the secondaries when the master waits for them with interrupts off: the partition must rest then. */
  readonly attended?: boolean;
  /** Reads memory as it will be once the image is at its destination; default: memory of now. Undefined where that is unknown. */
  readonly readImage?: (
    read: ReadMemory,
    production: KernelSymbols,
    load: KexecLoad,
  ) => Promise<ReadMemory | undefined>;
};

/**
 * Reads the guest's memory and sets the watches for a crash, or for another way out of the kernel. The guest is not
 * changed by it.
 * @param load the last kexec_load; undefined where the agent says that no crash kernel is loaded
 * @param loads every kexec_load of this power cycle
 * @throws ReadingFailure where what the guest made takes too much time or memory to read, or the way's signal is aborted
 */
export async function prepareCrash(
  handle: PartitionHandle,
  boot: BootImage,
  load: KexecLoad | undefined,
  way: PreparedWay = { path: 'crash' },
  loads: readonly LoadCall[] = [],
): Promise<Prepared> {
  const read: ReadMemory = (raddr, length) => handle.readMemory(raddr, length);
  const cpus = await handle.vcpus();
  const size = await withKernelFile(boot.kernel, async (file) => file.size);
  const production = await readSymbolsApart(
    read,
    { base: PRODUCTION_BASE, ...defined({ vmlinux: boot.vmlinux, size }) },
    way.signal,
  );
  const readImage =
    load === undefined || way.readImage === undefined ? read : await way.readImage(read, production, load);
  const image =
    load === undefined || readImage === undefined
      ? undefined
      : await describeImageApart(load, readImage, cpus.length, way.signal);
  const crash =
    image === undefined || readImage === undefined
      ? undefined
      : await crashSymbols(image, readImage, boot.vmlinux, way.signal);
  const { plan, probes } = await makePlan({
    path: way.path,
    // Functions of the next kernel are looked for in its own code.
    read: readImage ?? read,
    production,
    ...(image === undefined ? {} : { image }),
    ...(crash === undefined ? {} : { crash }),
  });
  const machine: Trace['machine'] = {
    processor: handle.config.processor,
    mmu: handle.config.mmu,
    cpus: cpus.map(({ index, hardwareId, state }) => ({ index, hardwareId, online: state !== 'stopped' })),
  };
  const running = await runningFacts(handle.config, production, read, boot.vmlinux);
  const given = await handle.machineTree();
  const claims = await claimFacts(read, production, running, given);
  const dumpDisk = dumpDiskOf(handle.config);
  const recorder = new Recorder({
    machine,
    facts: {
      name: boot.name,
      ...(way.path === 'crash' ? {} : { path: way.path }),
      ...(boot.kernelRelease === undefined ? {} : { kernelRelease: boot.kernelRelease }),
      symbols: { production: production.source, ...(crash === undefined ? {} : { crash: crash.source }) },
      probes,
      ...(image === undefined ? {} : { load: withAbi(image.facts, crash) }),
      running,
      ...(claims === undefined ? {} : { claims }),
      ...(loads.length === 0 ? {} : { loads: [...loads] }),
      ...((await isShutdownCompiledIn(read, production)) ? { shutdownCompiledIn: true } : {}),
    },
    ...(image === undefined ? {} : { image }),
    names: namesOf(production, image, crash),
    ...(dumpDisk === undefined ? {} : { dumpDisk }),
  });
  await handle.observe(way.attended === true ? { ...plan, restWhenStuck: true } : plan);
  return {
    recorder,
    production,
    read,
    signal: way.signal,
    ...(image === undefined ? {} : { image }),
    ...(image === undefined || readImage === undefined ? {} : { readImage }),
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

/** Whether the file begins as the image does: then its symbols are the image's. */
async function isSameKernel(head: string | undefined, vmlinux: string): Promise<boolean> {
  const start = await withKernelFile(vmlinux, async ({ read }) => Buffer.from(await read(0, HEAD_BYTES)));
  return start !== undefined && start.toString('hex') === head;
}

/** The crash kernel lies in its segment from the load on. Its vmlinux is known only where it is the production kernel's. */
async function crashSymbols(
  image: KexecImage,
  read: ReadMemory,
  vmlinux: string | undefined,
  signal: AbortSignal | undefined,
): Promise<KernelSymbols | undefined> {
  if (image.kernel === undefined) return undefined;
  const same = vmlinux !== undefined && (await isSameKernel(image.facts.head, vmlinux));
  return await readSymbolsApart(
    read,
    { base: image.kernel.mem, size: image.kernel.memsz, ...(same ? { vmlinux } : {}) },
    signal,
  );
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
