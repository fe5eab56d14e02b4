/**
 * Plans a load as kexec-tools does: makes the segments for kexec_load from a kernel, an initramfs and the facts about
 * machine and guest. A crash image lies wholly in the reservation; an ordinary one anywhere but over the running kernel
 * and firmware.
 *
 * Source: docs/handoff.md (load time); Linux 6.1 kernel/kexec.c, kexec_core.c, arch/powerpc/kexec/core_64.c (what the
 * kernel refuses); kexec-tools 2.0.25 kexec/arch/ppc64 (which segments there are). Left out: Xen, multiboot, hotplug
 * of CPUs and memory after the load, preserved contexts.
 */

import { alignUp, type Endian, putU32 } from '../base/bytes.ts';
import { type FdtTree, parseFdt } from '../base/fdt/index.ts';
import { checkSegments } from './check-segments.ts';
import { digestSegments, type Uncovered } from './digest.ts';
import { BACKUP, buildElfcorehdr, elfcorehdrSize } from './elfcorehdr.ts';
import { Checks, type ForcibleCheck, loadError } from './errors.ts';
import { checkGuestFacts, type GuestFacts } from './guest-facts.ts';
import { headOf, imagePages, type LoadImage, RUN_AT_LOAD_OFFSET } from './image.ts';
import { type MachineFacts, readMachine } from './machine-tree.ts';
import { buildNextTree, consoleUnit } from './next-tree.ts';
import { Room } from './place.ts';
import type { Purgatory } from './purgatory.ts';
import { containsRange, PAGE, type Range, showRange } from './ranges.ts';
import type { PlanSegment, SegmentRole } from './segments.ts';

export type LoadPlan = {
  /** KEXEC_ON_CRASH. */
  readonly crash: boolean;
  readonly entry: number;
  readonly segments: readonly PlanSegment[];
  readonly report: LoadReport;
};

/** The report of a plan, for people and for rules. */
export type LoadReport = {
  readonly bootargs: string;
  /** What purgatory checks, and what nothing checks. */
  readonly digested: readonly Range[];
  readonly undigested: readonly Uncovered[];
  /** `set`: purgatory will store 1; `kept`: the marker stays, the kernel moves to 0; `absent`: there is no marker. */
  readonly runAtLoad: 'set' | 'kept' | 'absent';
  /** Checks that failed and were forced. */
  readonly forced: readonly string[];
};

export type LoadRequest = {
  readonly crash: boolean;
  readonly image: LoadImage;
  readonly initrd?: Uint8Array;
  /** The next kernel's; elfcorehdr= is added for a crash. */
  readonly commandLine: string;
  /** The flattened tree that the first kernel was given. */
  readonly tree: Uint8Array;
  readonly guest: GuestFacts;
  /** Needed for everything but a raw image, which is entered itself. */
  readonly purgatory?: Purgatory;
  /** Whether purgatory checks a SHA-256. Default true. */
  readonly digest?: boolean;
  /** Real addresses to use in place of those that would be chosen. They are checked like any other. */
  readonly at?: Readonly<Partial<Record<SegmentRole, number>>>;
  /** Checks to force, so that the guest's kernel refuses instead. */
  readonly force?: readonly ForcibleCheck[];
};

/** @throws FormatError `load/…`, `fdt/…` for what cannot or must not be loaded */
export function planLoad(request: LoadRequest): LoadPlan {
  const planner = new Planner(request);
  return request.image.kind === 'raw' ? planner.raw() : planner.kernel();
}

class Planner {
  readonly #request: LoadRequest;
  readonly #tree: FdtTree;
  readonly #machine: MachineFacts;
  readonly #checks: Checks;
  readonly #room: Room;

  constructor(request: LoadRequest) {
    const { tree, guest, image, crash, at = {} } = request;
    this.#request = request;
    this.#tree = parseFdt(tree);
    this.#machine = readMachine(this.#tree, tree.length);
    this.#checks = new Checks(request.force ?? []);
    checkGuestFacts(guest, this.#machine);
    if (image.oldAbi)
      this.#checks.refuse('old-abi', 'the image has __kdump_flag at 0x18, the abandoned ABI of 2008', {
        offset: 0x18,
        expected: 'run0 at 0x5c',
      });
    this.#room = new Room(crash ? [reservationOf(guest)] : this.#machine.memory);
    const { reserved, tceTables } = this.#machine;
    for (const taken of [...reserved, ...tceTables]) this.#room.claim(taken);
    if (!crash) {
      // A kernel that moves itself to 0 must not overwrite itself, its tree or its initrd: they lie above its size.
      const low = Math.max(guest.kernel.end, imagePages(image));
      this.#room.claim({ start: 0, end: low });
      if (guest.reserved !== undefined) this.#room.claim(guest.reserved);
    }
    for (const address of Object.values(at)) this.#room.claim({ start: address, end: address + 1 });
  }

  raw(): LoadPlan {
    const { image } = this.#request;
    const mem = this.#place('kernel', imagePages(image), image.align);
    const segment = segmentOf('kernel', mem, image.bytes, image.memsz);
    return this.#finish(mem, [segment], { digested: [], undigested: [], runAtLoad: 'absent', bootargs: '' });
  }

  kernel(): LoadPlan {
    const { crash, image, initrd, guest, purgatory, digest = true } = this.#request;
    if (purgatory === undefined) throw loadError('load/bad-purgatory', 'a kernel needs purgatory');
    const kernel = segmentOf('kernel', this.#placeKernel(), image.bytes, image.memsz);
    const segments = [kernel];
    let elfcorehdr: Range | undefined;
    let backup: Range | undefined;
    if (crash) {
      const reserved = reservationOf(guest);
      const mem = this.#place('backup', BACKUP.end - BACKUP.start);
      backup = { start: mem, end: mem + BACKUP.end - BACKUP.start };
      segments.push(segmentOf('backup', mem, new Uint8Array(0), BACKUP.end - BACKUP.start));
      const size = elfcorehdrSize(this.#machine, guest, reserved);
      const at = this.#place('elfcorehdr', size);
      const bytes = buildElfcorehdr(image.endian, this.#machine, guest, reserved, mem);
      segments.push(segmentOf('elfcorehdr', at, bytes));
      elfcorehdr = { start: at, end: at + alignUp(size, PAGE) };
    }
    const purgatoryAt = this.#place('purgatory', purgatory.memsz);
    if (initrd !== undefined) {
      const mem = this.#placeInitrd(initrd.length);
      segments.push(segmentOf('initrd', mem, initrd));
    }
    const commandLine = this.#request.commandLine.trim();
    const bootargs =
      elfcorehdr === undefined
        ? commandLine
        : `${commandLine} elfcorehdr=0x${elfcorehdr.start.toString(16)}`.trim();
    const tree = this.#placeTree(bootargs, segments, [backup, elfcorehdr]);
    segments.push(tree);
    const checked = digestSegments(segments, this.#machine.rma, digest);
    const head = headOf(image);
    const runAtLoad = !image.relocatable ? 'absent' : crash ? 'set' : 'kept';
    if (runAtLoad === 'set') putU32(head, RUN_AT_LOAD_OFFSET, 1, image.endian satisfies Endian);
    const unit = consoleUnit(this.#tree);
    const bytes = purgatory.build(purgatoryAt, {
      kernel: kernel.mem + image.entry,
      dtOffset: tree.mem,
      panicKernel: crash,
      head,
      regions: checked.regions,
      digest: checked.digest,
      ...(backup === undefined ? {} : { backup: { source: BACKUP, at: backup.start } }),
      ...(unit === undefined ? {} : { consoleUnit: unit }),
    });
    segments.push(segmentOf('purgatory', purgatoryAt, bytes, purgatory.memsz));
    return this.#finish(purgatoryAt + purgatory.entry, segments, {
      digested: checked.regions,
      undigested: checked.uncovered,
      runAtLoad,
      bootargs,
    });
  }

  #finish(entry: number, segments: readonly PlanSegment[], report: Omit<LoadReport, 'forced'>): LoadPlan {
    const { crash, guest } = this.#request;
    const sorted = [...segments].sort((a, b) => a.mem - b.mem);
    checkSegments(sorted, {
      machine: this.#machine,
      kernel: guest.kernel,
      checks: this.#checks,
      ...(crash ? { reserved: reservationOf(guest) } : {}),
    });
    return { crash, entry, segments: sorted, report: { ...report, forced: this.#checks.forced } };
  }

  /** In the real-mode area, where purgatory and the kernel's first instructions work. */
  #place(role: SegmentRole, bytes: number, align: number = PAGE): number {
    const chosen = this.#request.at?.[role];
    if (chosen === undefined) return this.#room.take(role, bytes, { align, below: this.#machine.rma });
    this.#room.claim({ start: chosen, end: chosen + bytes });
    return chosen;
  }

  #placeKernel(): number {
    const { crash, image, guest, at } = this.#request;
    if (crash && !image.relocatable && at?.kernel === undefined) {
      const own = { start: image.paddr, end: image.paddr + imagePages(image) };
      if (containsRange([reservationOf(guest)], own) && own.start % PAGE === 0) {
        this.#room.claim(own);
        return own.start;
      }
      this.#checks.refuse(
        'not-relocatable',
        'the image has no run-at-load marker and is linked to run outside the reservation',
        { expected: showRange(reservationOf(guest)), actual: showRange(own) },
      );
    }
    return this.#place('kernel', imagePages(image), image.align);
  }

  /** An ordinary kexec leaves the real-mode area to segments that need it; a crash image keeps all its segments together. */
  #placeInitrd(bytes: number): number {
    const { crash, at } = this.#request;
    const { rma } = this.#machine;
    if (at?.initrd !== undefined) return this.#place('initrd', bytes);
    const low = this.#room.find(bytes, { below: rma });
    if (crash && low !== undefined) return this.#room.take('initrd', bytes, { below: rma });
    return this.#room.take('initrd', bytes, { from: 'top' });
  }

  #placeTree(
    bootargs: string,
    segments: readonly PlanSegment[],
    keep: readonly (Range | undefined)[],
  ): PlanSegment {
    const initrd = segments.find(({ role }) => role === 'initrd');
    const initrdRange =
      initrd === undefined ? undefined : { start: initrd.mem, end: initrd.mem + initrd.bytes.length };
    const options = {
      tree: this.#tree,
      bootargs,
      ...(initrdRange === undefined ? {} : { initrd: initrdRange }),
      ...this.#memoryFor([...keep, initrdRange].filter((each) => each !== undefined)),
    };
    const size = buildNextTree(options, PAGE).length;
    const chosen = this.#request.at?.tree;
    const mem = chosen ?? this.#room.take('tree', size, { below: this.#machine.rma, from: 'top' });
    return segmentOf('tree', mem, buildNextTree(options, mem));
  }

  /**
   * The memory that the next kernel's tree describes. A crash kernel gets all memory from 0 to the end of the reservation,
   * so that its first range begins at 0; what lies between the backed-up 64 KiB and the reservation is marked reserved.
   */
  #memoryFor(keep: readonly Range[]): { reserve: readonly Range[]; usable?: readonly Range[] } {
    const { crash, guest } = this.#request;
    const { reserved: firmware, rtas, tceTables } = this.#machine;
    if (!crash) return { reserve: [...firmware, ...keep] };
    const { start, end } = reservationOf(guest);
    const old = { start: BACKUP.end, end: start };
    const others = firmware.filter((each) => !containsRange([old], each));
    return {
      reserve: [old, ...others, ...keep].filter((each) => each.end > each.start),
      usable: [{ start: 0, end }, ...(rtas === undefined ? [] : [rtas]), ...tceTables],
    };
  }
}

function segmentOf(
  role: SegmentRole,
  mem: number,
  bytes: Uint8Array,
  memsz: number = bytes.length,
): PlanSegment {
  return { role, mem, memsz: Math.max(PAGE, alignUp(memsz, PAGE)), bytes };
}

/** @throws FormatError `load/no-reservation` */
function reservationOf(guest: GuestFacts): Range {
  if (guest.reserved === undefined)
    throw loadError('load/no-reservation', 'the guest has reserved no memory: crashkernel= is missing');
  return guest.reserved;
}
