/** The kernel's two entries in both byte orders: each ends big-endian where it should. Run as bare programs. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arraySource } from '../../src/base/bytes.ts';
import { findSymbols, PT_LOAD, parseElf, readSegment } from '../../src/base/elf/index.ts';
import { hex64 } from '../../src/base/hex.ts';
import { type RawResult, runRaw } from '../../src/cli/emulate-raw.ts';
import { KERNEL } from './built-in-guest.ts';

const ATTN = 0x200;
const HOLD_WORD = 8;
const SECONDARIES = 0x60;
/** Big-endian, 64-bit. */
const MSR = '0x8000000000000000';

let folder: string;
let image: Uint8Array;
let bootCpu: number;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kdumpd-entry-'));
  const elf = parseElf(arraySource(readFileSync(KERNEL)));
  const load = elf.programs.find(({ type }) => type === PT_LOAD);
  const symbol = findSymbols(elf, ['boot_cpu']).get('boot_cpu');
  if (load === undefined || symbol === undefined) throw new Error('not the kernel that is expected');
  image = readSegment(elf, load);
  bootCpu = Number(symbol.value & 0xfffffffn);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The image with words changed, entered at `entry`. */
function enter(entry: number, endian: 'big' | 'little', words: Readonly<Record<number, number>>): RawResult {
  const bytes = Uint8Array.from(image);
  const view = new DataView(bytes.buffer);
  for (const [at, word] of Object.entries(words)) view.setUint32(Number(at), word, false);
  const file = join(folder, 'image');
  writeFileSync(file, bytes);
  return runRaw({ file, entry, endian, maxInstructions: 1000 });
}

describe.each(['big', 'little'] as const)('entries of the kernel, %s-endian', (endian) => {
  it('0 → the boot CPU’s code, big-endian', () => {
    const { registers } = enter(0, endian, { [bootCpu]: ATTN });
    expect(registers).toMatchObject({ stop: 'attn', nia: hex64(bootCpu), msr: MSR });
  });

  it('0x60, held → waits', () => {
    expect(enter(SECONDARIES, endian, {}).registers).toMatchObject({ stop: 'limit', msr: MSR });
  });

  it('0x60, released → goes where the hold word says, r3 kept', () => {
    const { registers } = enter(SECONDARIES, endian, { [HOLD_WORD + 4]: bootCpu, [bootCpu]: ATTN });
    expect(registers).toMatchObject({ stop: 'attn', nia: hex64(bootCpu), msr: MSR });
    expect(registers.gpr[3]).toBe(hex64(0));
    expect(registers.gpr[4]).toBe(hex64(1));
  });
});
