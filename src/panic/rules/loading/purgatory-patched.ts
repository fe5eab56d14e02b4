/**
 * `purgatory-patched`: purgatory has the kernel's first 0x100 bytes with its own first word kept, and knows kernel,
 * dt_offset, stack, panic_kernel, run_at_load, the digests and the backup region. Source: handoff contract, seeds 003
 * and 004; kexec-tools 2.0.25 kexec/arch/ppc64/kexec-elf-ppc64.c, purgatory/arch/ppc64. Names of variables are not in
 * memory: what it knows is told by the addresses that it holds, and by what it then does. Digests: `digest-ok`.
 */

import type { LoadFacts, SegmentRole, TraceEvent } from '../trace/index.ts';
import { WATCH } from '../watch/index.ts';
import {
  holds,
  KEXEC_PATHS,
  purgatoryEvents,
  type Rule,
  type RuleInput,
  reg,
  segmentOf,
  segmentSpan,
  verdict,
} from './input.ts';

const STUB_BYTES = 0x100;
const WORD = 4;
const RUN_AT_LOAD = 0x5c;

export const purgatoryPatched: Rule = {
  name: 'purgatory-patched',
  paths: KEXEC_PATHS,
  judge: (input) => {
    const { image, instants, events } = input;
    const { t1, t2 } = instants;
    const { load } = image;
    if (load === undefined) return verdict('not-reached', 'no image was loaded');
    if (load.purgatory === undefined || load.head === undefined)
      return verdict('not-applicable', 'the image has no purgatory before its kernel');
    const faults: string[] = [...stubFaults(load), ...ignorance(load)];
    const evidence: (TraceEvent | undefined)[] = [];
    if (t2 !== undefined) {
      const entry = events.find(({ n }) => n === t2.event);
      const stack = stackFault(load, reg(entry, 'r1'));
      if (stack !== undefined) faults.push(stack);
      const treeAt = segmentOf(load, 'tree')?.start;
      if (treeAt !== undefined && reg(entry, 'r3') !== treeAt)
        faults.push(`it entered the kernel with r3 = 0x${reg(entry, 'r3')?.toString(16)}, not the tree`);
      const deeds = deedsOf(input);
      evidence.push(deeds.backup, deeds.flag);
      if (load.crash && segmentOf(load, 'backup') !== undefined && deeds.backup === undefined)
        faults.push('it wrote no backup, though the load was for a crash');
      if (!load.crash && deeds.backup !== undefined)
        faults.push('it wrote a backup, though the load was not for a crash');
      if (load.crash && load.runAtLoad?.byteOrder !== undefined && deeds.flag === undefined)
        faults.push('it stored no run-at-load word into the kernel');
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
      `it has the kernel's first 0x100 bytes with its own first word, knows ${load.purgatory.knows.join(', ')}, and did as it was told`,
      [...evidence, t1, t2],
    );
  },
};

/** The run-at-load word is purgatory's own to know; the rest is the kernel's, but for the first word. */
function stubFaults({ stub, head, entry }: LoadFacts): readonly string[] {
  const ours = Buffer.from(stub, 'hex');
  const kernels = Buffer.from(head ?? '', 'hex');
  if (kernels.length < STUB_BYTES) return ['the kernel is shorter than 0x100 bytes'];
  for (let i = WORD; i < STUB_BYTES; i++) {
    if (i >= RUN_AT_LOAD && i < RUN_AT_LOAD + WORD) continue;
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
function stackFault(load: LoadFacts, r1: bigint | undefined): string | undefined {
  if (r1 === undefined || r1 === 0n) return 'it has no stack';
  const over = load.segments.find(
    (each) => each.role !== 'purgatory' && holds(segmentSpan(each), (r1 & ((1n << 60n) - 1n)) - 1n),
  );
  return over === undefined ? undefined : `its stack, 0x${r1.toString(16)}, lies in the ${over.role}`;
}

function deedsOf(input: RuleInput): {
  readonly backup: TraceEvent | undefined;
  readonly flag: TraceEvent | undefined;
} {
  const master = input.instants.t1?.cpu;
  const stores = purgatoryEvents(input).filter(({ kind, cpu }) => kind === 'store' && cpu === master);
  return {
    backup: stores.find(({ detail }) => detail === WATCH.copied('backup')),
    flag: stores.find(({ detail }) => detail === WATCH.runAtLoad),
  };
}
