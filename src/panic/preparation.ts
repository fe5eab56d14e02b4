/** What is done to a resting partition before it is crashed: symbols and the loaded image are read, watches are set. */

import type { PartitionHandle } from '../emulator/host/index.ts';
import type { Trace } from './contract.ts';
import { dumpDiskOf } from './dump-location.ts';
import type { BootImage } from './image.ts';
import type { KexecLoad } from './recorder/index.ts';
import { describeImage, type KexecImage, makePlan, Recorder } from './recorder/index.ts';
import { AddressNames, type KernelSymbols, type ReadMemory, readKernelSymbols } from './symbols/index.ts';

export type Prepared = {
  readonly recorder: Recorder;
  /** Absent: the guest has loaded none, or one that is not for a crash. */
  readonly image?: KexecImage;
  readonly production: KernelSymbols;
  readonly read: ReadMemory;
};

/** Where a production kernel lies: it has moved to 0 whatever it was loaded at. */
const PRODUCTION_BASE = 0;

/**
 * Reads what the guest's memory says and sets the watches for a crash. Nothing of it changes the guest.
 * @param load the last kexec_load; undefined where the agent says that no crash kernel is loaded
 */
export async function prepareCrash(
  handle: PartitionHandle,
  boot: BootImage,
  load: KexecLoad | undefined,
): Promise<Prepared> {
  const read: ReadMemory = (raddr, length) => handle.readMemory(raddr, length);
  const cpus = await handle.vcpus();
  const production = await readKernelSymbols(read, PRODUCTION_BASE, boot.vmlinux);
  const image = load === undefined ? undefined : await describeImage(load, read, cpus.length);
  const crash = image === undefined ? undefined : await crashSymbols(image, read);
  const { plan, probes } = await makePlan({
    read,
    production,
    ...(image === undefined ? {} : { image }),
    ...(crash === undefined ? {} : { crash }),
  });
  const machine: Trace['machine'] = {
    processor: handle.config.processor,
    mmu: handle.config.mmu,
    cpus: cpus.map(({ index, hardwareId, state }) => ({ index, hardwareId, online: state !== 'stopped' })),
  };
  const dumpDisk = dumpDiskOf(handle.config);
  const recorder = new Recorder({
    machine,
    facts: {
      name: boot.name,
      ...(boot.kernelRelease === undefined ? {} : { kernelRelease: boot.kernelRelease }),
      symbols: { production: production.source, ...(crash === undefined ? {} : { crash: crash.source }) },
      probes,
      ...(image === undefined ? {} : { load: image.facts }),
    },
    ...(image === undefined ? {} : { image }),
    names: namesOf(production, image, crash),
    ...(dumpDisk === undefined ? {} : { dumpDisk }),
  });
  await handle.observe(plan);
  return { recorder, production, read, ...(image === undefined ? {} : { image }) };
}

/** The crash kernel lies in its segment from the load on. Its vmlinux is nobody's to know. */
async function crashSymbols(image: KexecImage, read: ReadMemory): Promise<KernelSymbols | undefined> {
  return image.kernel === undefined ? undefined : await readKernelSymbols(read, image.kernel.mem);
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
