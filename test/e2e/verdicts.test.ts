/** Verdicts that are easily wrong, on the built-in guest: what is odd and no fault, and faults that end before T1. */

import { describe, expect, it } from 'vitest';
import { putU32 } from '../../src/base/bytes.ts';
import { buildElf, EM_PPC64, ET_EXEC, PF_R, PF_W, PF_X, PT_LOAD } from '../../src/base/elf/index.ts';
import { fileOf, LIMIT, type Outcome, RESERVATION, run } from './mutants.ts';

/** `b .` */
const STOP = 0x48000000;

/** Names of the rules that are broken. */
function broken({ rules }: Outcome): string[] {
  return [...rules.values()].filter(({ verdict }) => verdict === 'broken').map(({ name }) => name);
}

/** Smaller than purgatory, without the marker at 0x5c: master and secondaries stop at once. */
function fixedKernel(): Uint8Array {
  const base = 0xc000000000000000n + BigInt(RESERVATION);
  const data = new Uint8Array(0x1000);
  for (const at of [0, 0x60]) putU32(data, at, STOP, 'big');
  return buildElf({
    endian: 'big',
    type: ET_EXEC,
    machine: EM_PPC64,
    entry: base,
    segments: [{ type: PT_LOAD, flags: PF_R | PF_W | PF_X, vaddr: base, paddr: BigInt(RESERVATION), data }],
    symbols: [],
  });
}

describe('verdicts', () => {
  it(
    'a secondary that comes to 0x60 between T1 and the backup: its mark is in the dump, and nothing is broken',
    LIMIT,
    async () => {
      const seen = await run({ fault: 'slow-slave:5000000' });
      expect(seen.outcome, seen.reason).toBe('captured');
      expect(broken(seen)).toEqual([]);
      for (const rule of ['backup-64k', 'vmcore-complete'])
        expect(seen.rules.get(rule)?.note, rule).toContain('marks of secondaries that came to 0x60 after T1');
    },
  );

  it(
    'a copy in real mode that does not reach above the RMA: the kexec fails, and its cause is named',
    LIMIT,
    async () => {
      const seen = await run({ path: 'kexec', fault: 'copy-real' });
      expect(seen).toMatchObject({ outcome: 'failed', phase: 'handoff' });
      expect(seen.reason).toMatch(
        /^the guest crashed \(die on CPU 0 after interrupt 0x300 data storage at kexec_copy_flush\+0x/,
      );
      expect(broken(seen)).toEqual(['copy-in-virtual']);
      expect(seen.rules.get('copy-in-virtual')?.note).toMatch(
        /^translation was off for the copy: CPU 0 at kexec_copy_flush\+0x\w+ could not reach 0x\w+ in real mode, which ends at 0x4000000$/,
      );
      expect(seen.rules.get('restart-shares-shutdown')?.verdict).toBe('not-applicable');
    },
  );

  it(
    'a kernel without marker, smaller than purgatory: it is told from purgatory, and entered by it',
    LIMIT,
    async () => {
      const seen = await run({ payload: () => fileOf('fixed', fixedKernel()) });
      expect(seen).toMatchObject({ outcome: 'failed', phase: 'crash-kernel' });
      expect(broken(seen)).toEqual([]);
      for (const rule of ['digest-ok', 'boot-cpu-recorded', 'purgatory-patched', 'slaves-first-256'])
        expect(seen.rules.get(rule)?.verdict, rule).toBe('held');
      expect(seen.rules.get('run-at-load-set')?.verdict).toBe('not-applicable');
    },
  );

  it('an ordinary kexec: every page of the image as it was loaded', LIMIT, async () => {
    const seen = await run({ path: 'kexec' });
    expect(seen.outcome, seen.reason).toBe('done');
    expect(seen.rules.get('memory-intact')).toMatchObject({
      verdict: 'held',
      note: expect.stringMatching(/^\d+ pages as loaded at T1; changed up to T2: purgatory 1$/),
    });
  });
});
