/**
 * Rule `purgatory-patched`: purgatory has the kernel's first 0x100 bytes with its own first word kept, and knows kernel,
 * dt_offset, stack, panic_kernel, run_at_load, the digests and the backup region (docs/handoff.md; kexec-tools 2.0.25
 * kexec/arch/ppc64/kexec-elf-ppc64.c, purgatory/arch/ppc64). Names of variables are not in memory: the addresses that it
 * holds, and what it then does, show what it knows. Rule `digest-ok` is about the digests.
 */

import { HEAD_BYTES } from '../../../crashkernel/index.ts';
import {
  type EventSort,
  type LoadFacts,
  type SegmentRole,
  storesAt,
  type TraceEvent,
} from '../../trace/index.ts';
import { notKept } from '../shared/dropped.ts';
import { RUN_AT_LOAD } from '../shared/image.ts';
import type { Judgement, RuleInput } from '../shared/input.ts';
import { holds, realOf, segmentOf, segmentSpan } from '../shared/spans.ts';
import { eventOf, eventsIn, inPurgatory } from '../shared/stretches.ts';
import { verdict } from '../shared/verdict.ts';

const WORD = 4;

export function purgatoryPatched(input: RuleInput): Judgement {
  const { image, instants } = input;
  const { t1, t2 } = instants;
  const { load } = image;
  if (load === undefined) return verdict('not-reached', 'no image was loaded');
  if (load.purgatory === undefined || load.head === undefined)
    return verdict('not-applicable', 'the image has no purgatory before its kernel');
  const faults: string[] = [...stubFaults(load), ...ignorance(load)];
  const evidence: (TraceEvent | undefined)[] = [];
  const absent: string[] = [];
  if (t2 !== undefined) {
    faults.push(...entryFaults(input, load));
    const stores = eventsIn(input, inPurgatory(input));
    const backup = stores.find((event) => isBackup(input, event));
    const flag = stores.find((event) => isFlag(input, event));
    evidence.push(backup, flag);
    const lacksBackup = load.crash && segmentOf(load, 'backup') !== undefined && backup === undefined;
    if (lacksBackup) absent.push('it wrote no backup, though the load was for a crash');
    if (!load.crash && backup !== undefined)
      faults.push('it wrote a backup, though the load was not for a crash');
    const lacksFlag = load.crash && load.runAtLoad?.byteOrder !== undefined && flag === undefined;
    if (lacksFlag) absent.push('it stored no run-at-load word into the kernel');
    const hidden = notKept(
      input,
      inPurgatory(input),
      (sort) => (backup === undefined && isBackup(input, sort)) || (lacksFlag && isFlag(input, sort)),
    );
    if (hidden !== undefined && faults.length === 0) return hidden;
    if (hidden === undefined) faults.push(...absent);
  }
  if (faults.length > 0) return verdict('broken', faults.join('; '), [...evidence, t1, t2]);
  if (t2 === undefined)
    return verdict(
      'not-reached',
      `it holds the kernel's first 0x100 bytes and the addresses of ${load.purgatory.knows.join(', ')}, but did not enter the kernel`,
      [t1],
    );
  return verdict(
    'held',
    `it has the kernel's first 0x100 bytes with its own first word, knows ${load.purgatory.knows.join(', ')}, and did what it is patched for`,
    [...evidence, t1, t2],
  );
}

/** The run-at-load word is purgatory's own to know; the rest is the kernel's, but for the first word. */
function stubFaults({ stub, head, entry }: LoadFacts): readonly string[] {
  const ours = Buffer.from(stub, 'hex');
  const kernels = Buffer.from(head ?? '', 'hex');
  if (kernels.length < HEAD_BYTES) return ['the kernel is shorter than 0x100 bytes'];
  for (let i = WORD; i < HEAD_BYTES; i++) {
    if (holds(RUN_AT_LOAD, BigInt(i))) continue;
    if (ours[i] !== kernels[i])
      return [`the byte at 0x${i.toString(16)} behind its entry ${entry} is not the kernel's`];
  }
  return ours.subarray(0, WORD).equals(kernels.subarray(0, WORD)) && !isZero(ours.subarray(0, WORD))
    ? ["its first word is the kernel's, not its own"]
    : [];
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function ignorance({ purgatory, crash, segments }: LoadFacts): readonly string[] {
  const wanted: readonly SegmentRole[] = crash ? ['kernel', 'tree', 'backup'] : ['kernel', 'tree'];
  return wanted
    .filter((role) => segments.some((each) => each.role === role) && !purgatory?.knows.includes(role))
    .map((role) => `it does not hold the address of the ${role}`);
}

/** A stack grows down: its top may be the end of free memory, but nothing of the image is below it, but purgatory. */
function stackFault(load: LoadFacts, r1: bigint): string | undefined {
  if (r1 === 0n) return 'it has no stack';
  const over = load.segments.find(
    (each) => each.role !== 'purgatory' && holds(segmentSpan(each), realOf(r1) - 1n),
  );
  return over === undefined ? undefined : `its stack, 0x${r1.toString(16)}, lies in the ${over.role}`;
}

/** The registers with which the kernel is entered. */
function entryFaults(input: RuleInput, load: LoadFacts): readonly string[] {
  const entry = eventOf(input, input.instants.t2);
  if (entry?.kind !== 'fetch') return ['its entering the kernel was not seen'];
  const stack = stackFault(load, BigInt(entry.regs.r1));
  const treeAt = segmentOf(load, 'tree')?.start;
  const r3 = BigInt(entry.regs.r3);
  return [
    ...(stack === undefined ? [] : [stack]),
    ...(treeAt === undefined || r3 === treeAt
      ? []
      : [`it entered the kernel with r3 = 0x${r3.toString(16)}, not the tree`]),
  ];
}

function isBackup({ instants }: RuleInput, event: EventSort): boolean {
  return event.cpu === instants.t1?.cpu && storesAt(event, { at: 'copy', role: 'backup' });
}

function isFlag({ instants }: RuleInput, event: EventSort): boolean {
  return event.cpu === instants.t1?.cpu && storesAt(event, 'run-at-load');
}
