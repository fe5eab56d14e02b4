/**
 * Programs of single instructions in privileged state, each with what it ended in: the same bytes run under QEMU's pseries,
 * which answers on a terminal, and on the bare machine here, whose memory is read.
 *
 * The image lies at real address 0 and is entered at 0x100, big-endian, with translation off. Every vector stores its
 * number, SRR1, DAR, DSISR, r6 and r7, and goes on to the next instruction to try. r29 to r31 are the program's own.
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HashMmu } from '../../src/emulator/mmu/hash/hash-mmu.ts';
import { HashTable } from '../../src/emulator/mmu/hash/table.ts';
import { BareMachine } from '../../src/emulator/partition/bare-machine.ts';
import { ATTN, dForm, li, li64, mfspr, mtspr, SC1, word } from '../synth/power-words.ts';

export type Processor = 'power8' | 'power9';
export type Translation = 'hash' | 'radix';

/** What an instruction ended in. `vector` is 0 when it completed. */
export type Ending = {
  readonly vector: number;
  readonly srr1: bigint;
  readonly dar: bigint;
  readonly dsisr: bigint;
  readonly r6: bigint;
  readonly r7: bigint;
};

/** r5 before each case, and r6, r7. */
export const GIVEN = 0x0123_4567_89ab_cdefn;
export const UNTOUCHED = 0x5555n;

const START = 0x4000;
const COMMON = 0x2000;
const RESULTS = 0x0040_0000;
const RESULT_BYTES = 48;
const MEMORY = 0x0080_0000;
const TERMINAL = 0x7100_0001;
const H_PUT_TERM_CHAR = 0x58;
const H_REGISTER_PROCESS_TABLE = 0x37c;
/** Modify, register, radix, guest translation shootdown. */
const RADIX_TABLE = 0x1d;
const [SRR1, DAR, DSISR] = [27, 19, 18];
const DEADLINE_MS = 60_000;

const ba = (target: number): number => (0x48000002 | target) >>> 0;
const std = (rs: number, ra: number, d: number): number => dForm(62, rs, ra, d);
const ld = (rt: number, ra: number, d: number): number => dForm(58, rt, ra, d);
const addi = (rt: number, ra: number, value: number): number => dForm(14, rt, ra, value);
const mtctr = (rs: number): number => mtspr(9, rs);
const BCTR = 0x4e800420;
const BDNZ = 16;
const TRAP = 0x7fe00008;
const FOREVER = 0x48000000;

/** Results as QEMU gives them: the program prints them at its end. */
export async function underQemu(
  processor: Processor,
  translation: Translation,
  cases: readonly (readonly number[])[],
): Promise<Ending[]> {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-privileged-'));
  const image = join(folder, 'image');
  const register = translation === 'radix' ? registerRadix() : [];
  writeFileSync(image, build(register, cases, print(cases.length)));
  const options = [
    ...[
      '-M',
      'pseries,accel=tcg,cap-htm=off,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken',
      '-cpu',
      processor,
    ],
    ...['-m', '256M', '-nodefaults', '-display', 'none', '-bios', image, '-no-reboot'],
    ...['-chardev', 'stdio,id=console,signal=off', '-device', `spapr-vty,chardev=console,reg=${TERMINAL}`],
  ];
  const child = spawn('qemu-system-ppc64', options, { stdio: ['pipe', 'pipe', 'pipe'] });
  const errors: Buffer[] = [];
  child.stderr.on('data', (bytes: Buffer) => errors.push(bytes));
  const late = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  try {
    const parts: Buffer[] = [];
    const wanted = cases.length * RESULT_BYTES;
    let length = 0;
    for await (const part of child.stdout as AsyncIterable<Buffer>) {
      parts.push(part);
      length += part.length;
      if (length >= wanted) break;
    }
    if (length < wanted)
      throw new Error(`QEMU gave ${length} of ${wanted} bytes: ${Buffer.concat(errors).toString()}`);
    return endings(Buffer.concat(parts), cases.length);
  } finally {
    clearTimeout(late);
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
}

/** Results of this machine. */
export function here(
  processorVersion: number,
  translation: Translation,
  cases: readonly (readonly number[])[],
): Ending[] {
  const made: { machine?: BareMachine } = {};
  const hash = {
    mmu: new HashMmu(new HashTable(18, (lo, pages) => made.machine?.vcpu.tlb.dropPages(lo, pages))),
  };
  const machine = new BareMachine({
    memory: MEMORY,
    endian: 'big',
    processorVersion,
    ...(translation === 'hash' ? hash : {}),
  });
  made.machine = machine;
  machine.ram.write(0, build([], cases, [ATTN]));
  machine.vcpu.nia = 0x100n;
  const end = machine.run(1_000_000);
  if (end !== 'attn') throw new Error(`the program ended with ${end} at ${machine.vcpu.nia.toString(16)}`);
  return endings(machine.ram.read(RESULTS, cases.length * RESULT_BYTES), cases.length);
}

function endings(bytes: Uint8Array, count: number): Ending[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: count }, (_, i) => {
    const field = (n: number): bigint => view.getBigUint64(i * RESULT_BYTES + 8 * n, false);
    return {
      vector: Number(field(0)),
      srr1: field(1),
      dar: field(2),
      dsisr: field(3),
      r6: field(4),
      r7: field(5),
    };
  });
}

function registerRadix(): number[] {
  return [
    li(3, H_REGISTER_PROCESS_TABLE),
    li(4, RADIX_TABLE),
    ...word(5, 0x0060_0000),
    li(6, 0),
    li(7, 0),
    SC1,
  ];
}

/** Prints all results, 16 bytes a call, and stays. */
function print(count: number): number[] {
  const loop = [
    ...word(4, TERMINAL),
    li(5, 16),
    ld(6, 30, 0),
    ld(7, 30, 8),
    li(3, H_PUT_TERM_CHAR),
    mtspr(272, 30),
    mtspr(273, 29),
    SC1,
    mfspr(30, 272),
    mfspr(29, 273),
    addi(30, 30, 16),
    addi(29, 29, -1),
    mtctr(29),
    addi(29, 29, 0),
  ];
  // CTR is one more than what is left, so that bdnz leaves the loop after the last one.
  return [
    ...word(30, RESULTS),
    ...word(29, (count * RESULT_BYTES) / 16 + 1),
    ...loop,
    dForm(16, BDNZ, 0, (-4 * loop.length) & 0xfffc),
    FOREVER,
  ];
}

function build(
  first: readonly number[],
  cases: readonly (readonly number[])[],
  last: readonly number[],
): Uint8Array {
  const image = new DataView(new ArrayBuffer(RESULTS));
  const put = (at: number, words: readonly number[]): void => {
    for (const [i, each] of words.entries()) image.setUint32(at + 4 * i, each, false);
  };
  // At 0, which nothing but a wild jump reaches, a trap.
  put(0, [TRAP]);
  put(0x100, [ba(START)]);
  for (let vector = 0x200; vector < 0x1000; vector += 0x20) put(vector, [li(29, vector), ba(COMMON)]);
  put(COMMON, [
    std(29, 30, 0),
    mfspr(28, SRR1),
    std(28, 30, 8),
    mfspr(28, DAR),
    std(28, 30, 16),
    mfspr(28, DSISR),
    std(28, 30, 24),
    std(6, 30, 32),
    std(7, 30, 40),
    addi(30, 30, RESULT_BYTES),
    mtctr(31),
    BCTR,
  ]);
  let at = START;
  const append = (words: readonly number[]): void => {
    put(at, words);
    at += 4 * words.length;
  };
  append([...first, ...word(30, RESULTS)]);
  for (const words of cases) {
    const before = [
      ...li64(5, GIVEN),
      li(28, 0),
      mtspr(DAR, 28),
      mtspr(DSISR, 28),
      li(6, Number(UNTOUCHED)),
      li(7, Number(UNTOUCHED)),
    ];
    const after = [li(29, 0), mtspr(SRR1, 29), ba(COMMON)];
    const next = at + 4 * (2 + before.length + words.length + after.length);
    append([...word(31, next), ...before, ...words, ...after]);
  }
  append(last);
  return new Uint8Array(image.buffer);
}
