/** Makes the fidelity report of a crash, before the partition's worker and its memory are released. */

import { defined } from '../../base/defined.ts';
import { FormatError } from '../../base/errors.ts';
import type { InstantRecord, PartitionHandle } from '../../emulator/host/index.ts';
import type { PackedSymbols } from '../../vmcore/analyse/index.ts';
import { pagedSource } from '../../vmcore/reader/index.ts';
import type { FoundDump } from '../guest/dump-device.ts';
import type { FidelityReport, ImageFacts, InstantFacts, PageCounts, WriterFact } from '../trace/index.ts';
import { allChanges } from './all-changes.ts';
import { changedAfter, changedBefore, type NameOf, writerFact, writtenIntoReservation } from './changed.ts';
import { comparePages, openPaged } from './compare-pages.ts';
import { askedLevels, levelOf } from './dump-level.ts';
import { kernelImageOf } from './live-pages.ts';
import { findOwners, type Owners, toRange } from './owners.ts';
import { type PageKinds, readPageKinds } from './page-kinds.ts';
import { instantFacts } from './records.ts';
import { compareRegisters } from './registers.ts';
import { toolReport } from './tool-report.ts';

/** The requests to a partition that the report needs. */
export type ExaminedPartition = Pick<
  PartitionHandle,
  'config' | 'instant' | 'readInstant' | 'readMemory' | 'changes' | 'compareDisk' | 'readDisk'
>;

export type FidelityInput = {
  readonly handle: ExaminedPartition;
  readonly facts: ImageFacts;
  /** CPUs that were online when the trigger came. */
  readonly online: readonly number[];
  readonly dump?: FoundDump;
  /** The crashed kernel's. */
  readonly symbols?: PackedSymbols;
  /** What the guest wrote on its console. */
  readonly console?: string;
  /** The instruction count of T2; absent: the new kernel was not entered. */
  readonly entered?: number;
  readonly nameOf: NameOf;
};

export type Examination = {
  readonly records?: { readonly t0?: InstantFacts; readonly t1?: InstantFacts };
  /** Absent: T1 did not come. */
  readonly fidelity?: FidelityReport;
};

/** Dump devices are read in whole sectors. */
const SECTOR = 512;

/** @throws Error when the worker dies */
export async function examine(input: FidelityInput): Promise<Examination> {
  const { handle } = input;
  const [t0, t1] = [await handle.instant('t0'), await handle.instant('t1')];
  if (t0 === undefined && t1 === undefined) return {};
  const records = {
    ...(t0 === undefined ? {} : { t0: instantFacts(t0) }),
    ...(t1 === undefined ? {} : { t1: instantFacts(t1) }),
  };
  return t1 === undefined ? { records } : { records, fidelity: await report(input, t0, t1) };
}

async function report(
  input: FidelityInput,
  t0: InstantRecord | undefined,
  t1: InstantRecord,
): Promise<FidelityReport> {
  const { handle, facts, nameOf, dump } = input;
  const problems: string[] = [];
  const owners = findOwners(facts, t1);
  const after = await allChanges(handle, 't1');
  const before = t0 === undefined ? [] : await allChanges(handle, 't0');
  const writers = new Map(after.map((change) => [change.raddr, change]));
  const writerOf = (raddr: number): WriterFact | undefined => {
    const change = writers.get(raddr - (raddr % 4096));
    return change === undefined ? undefined : writerFact(change, nameOf);
  };
  const changes = {
    ...(await changedBefore(handle, before, t1, owners, nameOf)),
    ...(await changedAfter(handle, after, owners, nameOf)),
  };
  const strays = await writtenIntoReservation(handle, after, t1, input.entered, owners, nameOf);
  const memory = { ...changes, ...(strays.length === 0 ? {} : { intoReservation: strays }) };
  if (dump === undefined) return { ...memory, problems };
  const pages = await comparedPages(input, dump, owners, writerOf, problems);
  const tool = toolReport(input.console ?? '');
  const registers =
    dump.check.endian === undefined
      ? undefined
      : await compareRegisters({
          handle,
          notes: (facts.load?.notes ?? []).map((at) => Number(BigInt(at))),
          saved: dump.check.cpus,
          endian: dump.check.endian,
          t0,
          t1,
          online: input.online,
        });
  return {
    ...(pages === undefined ? {} : { pages }),
    ...(tool === undefined ? {} : { tool }),
    ...(registers === undefined ? {} : { registers }),
    ...memory,
    problems,
  };
}

async function comparedPages(
  { handle, facts, symbols }: FidelityInput,
  found: FoundDump,
  owners: Owners,
  writerOf: (raddr: number) => WriterFact | undefined,
  problems: string[],
): Promise<PageCounts | undefined> {
  const paged = pagedSource(found.bytes, async (offset, length) => {
    const whole = Math.ceil(length / SECTOR) * SECTOR;
    return (await handle.readDisk(found.disk, offset, whole)).subarray(0, length);
  });
  try {
    const dump = await openPaged(paged);
    const level = levelOf(askedLevels(facts), dump.level);
    const leavesOut = dump.ranges().some(({ size, dumped }) => dumped < size) || (level ?? 0) > 0;
    const kinds = leavesOut ? await kindsOf(handle, found) : undefined;
    const image = kernelImageOf(facts);
    const owned = facts.running?.owned?.map(toRange);
    return await comparePages({
      handle,
      disk: found.disk,
      paged,
      dump,
      owners,
      writerOf,
      named: [...found.check.vmcoreinfo.keys()].flatMap((key) => /^SYMBOL\((.*)\)$/.exec(key)?.[1] ?? []),
      ...defined({ kinds, level, image, owned, symbols }),
    });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    problems.push(`the dump cannot be compared: ${error.message}`);
    return undefined;
  }
}

/** What the kernel used each page for, or why that is not known. */
async function kindsOf(handle: ExaminedPartition, { check }: FoundDump): Promise<PageKinds | string> {
  const { memory, mmu } = handle.config;
  const last = memory.at(-1);
  if (check.endian === undefined || last === undefined)
    return 'the dump does not show the kernel’s byte order';
  return await readPageKinds(
    { info: check.vmcoreinfo, endian: check.endian, mmu, memoryEnd: last.base + last.size },
    async (raddr, length) =>
      memory.some(({ base, size }) => raddr >= base && raddr + length <= base + size)
        ? await handle.readInstant('t1', raddr, length)
        : undefined,
  );
}
