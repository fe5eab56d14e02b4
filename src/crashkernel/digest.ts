/**
 * Computes the digest that purgatory checks: SHA-256 over the segments as they will be in memory, with the zeros up to the
 * end of the last page. Two parts are not covered and are reported: memory above the real-mode area, because purgatory
 * reads in real mode; and whole pages of zeros behind a segment's bytes (bss), which the kernel clears itself and which
 * would take most of the time.
 * Source: docs/handoff.md (`digest-ok`, `load-anywhere`); kexec-tools 2.0.25 kexec/kexec.c (what is covered).
 */

import { createHash } from 'node:crypto';
import { alignUp } from '../base/bytes.ts';
import { DIGEST_BYTES, MAX_REGIONS } from './purgatory.ts';
import { PAGE, type Range } from './ranges.ts';
import type { PlanSegment, SegmentRole } from './segments.ts';

export type Digest = {
  readonly regions: readonly Range[];
  /** 32 bytes; zeros without regions. */
  readonly digest: Uint8Array;
  /** Parts of the image that nothing checks, and why. */
  readonly uncovered: readonly Uncovered[];
};
export type Uncovered = { readonly role: SegmentRole; readonly range: Range; readonly reason: string };

const ABOVE = 'real mode cannot read it: it lies above the real-mode area';
const ZEROS = new Uint8Array(2 ** 16);

/**
 * @param segments without purgatory, which cannot hold its own digest
 * @param rma what real mode can read lies below this
 * @param wanted false: nothing is checked, as with `kexec -i`
 */
export function digestSegments(segments: readonly PlanSegment[], rma: number, wanted: boolean): Digest {
  const regions: Range[] = [];
  const uncovered: Uncovered[] = [];
  const hash = createHash('sha256');
  for (const { role, mem, memsz, bytes } of segments) {
    const range = { start: mem, end: mem + memsz };
    const content = mem + alignUp(bytes.length, PAGE);
    const end = Math.min(content, rma);
    if (role === 'backup') {
      uncovered.push({ role, range, reason: 'it is filled after the check' });
    } else if (!wanted) uncovered.push({ role, range, reason: 'no digest was asked for' });
    else if (end <= mem || regions.length === MAX_REGIONS) {
      uncovered.push({ role, range, reason: ABOVE });
    } else {
      if (end < content) uncovered.push({ role, range: { start: end, end: content }, reason: ABOVE });
      if (content < range.end)
        uncovered.push({ role, range: { start: content, end: range.end }, reason: 'pages of zeros (bss)' });
      regions.push({ start: mem, end });
      hash.update(bytes.subarray(0, end - mem));
      for (let left = end - mem - bytes.length; left > 0; left -= ZEROS.length)
        hash.update(ZEROS.subarray(0, Math.min(left, ZEROS.length)));
    }
  }
  const digest = regions.length === 0 ? new Uint8Array(DIGEST_BYTES) : new Uint8Array(hash.digest());
  return { regions, digest, uncovered };
}
