/**
 * Who may read and write a special purpose register, compared with QEMU's user mode: in problem state an access either
 * completes or ends the program with SIGILL.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildElf, EM_PPC64, ET_EXEC, PF_R, PF_X, PT_LOAD } from '../../src/base/elf/index.ts';
import { SPR_ROWS, type SprKey } from '../../src/emulator/cpu/spr.ts';
import { needsProgram } from '../support/programs.ts';
import { li, mfspr, mtspr } from '../synth/power-words.ts';

const QEMU = 'qemu-ppc64le';
const BASE = 0x1000_0000n;
/** The ABI of ELF version 2. */
const ELF_V2 = 2;
const EXIT = [li(0, 1), li(3, 0), 0x44000002];

/** Where QEMU 7.2's user mode says otherwise than the table, and why. */
const OTHERWISE: ReadonlyMap<SprKey, { readonly accesses: string; readonly why: string }> = new Map([
  ...(['DSCR_USER', 'AMR_USER', 'PPR32'] as const).map(
    (key) => [key, { accesses: 'read write', why: 'QEMU has no such number' }] as const,
  ),
  ...(['BESCRS', 'BESCRSU', 'BESCRR', 'BESCRRU', 'EBBHR', 'EBBRR', 'BESCR'] as const).map(
    (key) =>
      [key, { accesses: 'read write', why: 'QEMU aborts: no facility interrupt in user mode' }] as const,
  ),
  ['TBL_WRITE', { accesses: 'read', why: 'QEMU lets user mode read TB by it' }],
  ['TBU_WRITE', { accesses: 'read', why: 'QEMU lets user mode read TBU by it' }],
  ['PVR', { accesses: 'read', why: 'user mode emulates it, as Linux does' }],
  ['MMCRA_USER', { accesses: 'write', why: 'read only in QEMU; the kernel decides: MMCR0[PMCC]' }],
]);

/** How a program of `words`, which then exits, ends under QEMU. */
function ends(file: string, processor: string, words: readonly number[]): string {
  const all = [...words, ...EXIT];
  const data = new Uint8Array(4 * all.length);
  const view = new DataView(data.buffer);
  for (const [i, word] of all.entries()) view.setUint32(4 * i, word, true);
  const image = buildElf({
    endian: 'little',
    type: ET_EXEC,
    machine: EM_PPC64,
    flags: ELF_V2,
    entry: BASE,
    segments: [{ type: PT_LOAD, flags: PF_R | PF_X, vaddr: BASE, data }],
  });
  writeFileSync(file, image, { mode: 0o755 });
  const { signal, status } = spawnSync(QEMU, ['-cpu', processor, file]);
  return signal ?? `exit ${status}`;
}

describe('special purpose registers in problem state', () => {
  it.each(['power8', 'power9'])(
    '%s: QEMU lets a program read and write the rows that the table does',
    (processor) => {
      needsProgram(QEMU);
      const folder = mkdtempSync(join(tmpdir(), 'kdumpd-spr-'));
      const file = join(folder, 'program');
      try {
        const other: string[] = [];
        for (const row of SPR_ROWS) {
          const read = ends(file, processor, [mfspr(6, row.number)]);
          const write = ends(file, processor, [li(5, 0), mtspr(row.number, 5)]);
          const differ = [
            ...((read === 'exit 0') === (row.reads === 'problem') ? [] : ['read']),
            ...((write === 'exit 0') === (row.writes === 'problem') ? [] : ['write']),
          ].join(' ');
          if (differ !== (OTHERWISE.get(row.key)?.accesses ?? '')) other.push(`${row.key}: ${differ}`);
        }
        expect(other).toEqual([]);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});
