/** Says what an operation waits for, from its kind and its phase. */

import type { Operation } from './operation.ts';
import type { CapturePhase, LeavePhase } from './phases.ts';

const BOOTED = 'the guest to boot, and its agent to say that it is ready';
const TURN = 'its turn: what was asked for before it has to end';

const OF_CRASH: Readonly<Partial<Record<CapturePhase, string>>> = {
  queued: 'the partition to give its guest over',
  booting: BOOTED,
  ready:
    'the guest to rest (5 guest seconds at the most), its crash kernel to be loaded for the dump that was asked for, and the image to be read',
  triggered: 'the kernel to begin its panic',
  panic: 'the CPU that crashed to stop the others and to begin the jump',
  handoff: 'the CPU that crashed to reach the purgatory',
  purgatory: 'the purgatory to check its digests and to enter the crash kernel',
  'crash-kernel': 'the crash kernel to boot and to begin the dump',
  dumping: 'the crash kernel to write the dump and to restart the guest',
  dumped: 'the dump to be compared with what was in memory, and stored',
};

const OF_LEAVE: Readonly<Partial<Record<LeavePhase, string>>> = {
  queued: 'the guest to rest (5 guest seconds at the most)',
  booting: BOOTED,
  loading: 'the guest to load the next kernel',
  triggered: 'the kernel to begin to shut down',
  shutdown: 'the kernel to shut its devices down and to stop the other CPUs',
  handoff: 'the last CPU to reach the purgatory',
  purgatory: 'the purgatory to check its digests and to enter the next kernel',
  'new-kernel': 'the next kernel to boot, and its agent to say that it is ready',
};

const OF_KIND: Readonly<Record<Operation['kind'], Readonly<Partial<Record<string, string>>>>> = {
  panic: OF_CRASH,
  kexec: OF_LEAVE,
  restart: OF_LEAVE,
  start: OF_CRASH,
  reset: OF_CRASH,
  stop: {},
  import: {
    index: 'the list of packages to be read',
    download: 'the packages to arrive',
    unpack: 'the packages to be unpacked',
    build: 'the initramfs to be built',
    store: 'the files of the image to be written',
  },
  verify: {},
  repair: {},
};

const OTHERWISE: Readonly<Record<Operation['kind'], string>> = {
  panic: 'the guest',
  kexec: 'the guest',
  restart: 'the guest',
  start: 'the machine to be switched on',
  reset: 'the machine to be switched off and on',
  stop: 'the machine to be switched off',
  import: 'the import to begin',
  verify: 'everything that is stored to be read and compared with its digests',
  repair: 'what is damaged to be mended, and everything that is stored to be read again',
};

/** What an operation waits for, to be read after "waits for"; undefined once it has ended. */
export function waitsFor({
  kind,
  state,
  phase,
}: Pick<Operation, 'kind' | 'state' | 'phase'>): string | undefined {
  if (state === 'queued') return TURN;
  if (state !== 'running') return undefined;
  return OF_KIND[kind][phase] ?? OTHERWISE[kind];
}
