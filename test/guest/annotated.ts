/**
 * Annotated assembly tests: each `test_…:` of a `.s` file is a few instructions with their inputs and results in comments.
 *
 *     test_name:
 *       #_ in r4 0x7fffffffffffffff        a register before: r0 to r31, cr, xer, lr, ctr
 *       #_ memory 8 0123456789abcdef       bytes before, at an offset of the test's memory
 *       addo r3, r4, r4
 *       #_ out r3 0xfffffffffffffffe       a register after; also srr0, srr1, dar, nia
 *       #_ outmemory 8 …                   bytes after
 *       #_ interrupt 0x700                 it ends by this interrupt
 *       #_ endian little                   only in this byte order
 *       #_ not-qemu why                    QEMU has no say in it
 *
 * Everything that is not given is 0 before and unchanged after. `mem+8` is an address in the test's memory, `start+8` one in
 * its code.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Endian = 'big' | 'little';

/** A value, or an address in the test's memory or code. */
export type Value = { readonly base: 'none' | 'mem' | 'start'; readonly offset: bigint };
export type Bytes = { readonly offset: number; readonly bytes: Uint8Array };

export type AnnotatedTest = {
  readonly name: string;
  readonly words: readonly number[];
  readonly inputs: ReadonlyMap<string, Value>;
  readonly outputs: ReadonlyMap<string, Value>;
  readonly memory: readonly Bytes[];
  readonly memoryAfter: readonly Bytes[];
  readonly interrupt: number | undefined;
  readonly endians: readonly Endian[];
  readonly qemu: boolean;
};

const ATTN = 0x200;
const SLOT = 0x200;

type Draft = { name: string; lines: string[]; notes: string[][] };

/** Reads and assembles a file. @throws Error with the assembler's messages, or for an annotation that is not known. */
export function readAnnotated(file: string): readonly AnnotatedTest[] {
  const drafts: Draft[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const label = /^(test_\w+):/.exec(line);
    if (label !== null) drafts.push({ name: label[1] as string, lines: [], notes: [] });
    const draft = drafts.at(-1);
    if (draft === undefined) continue;
    const note = /^\s*#_\s*(.*)$/.exec(line);
    if (note !== null) draft.notes.push((note[1] as string).trim().split(/\s+/));
    else draft.lines.push(line);
  }
  const code = assemble(
    drafts.map((each) => `.balign ${SLOT}\n${each.lines.join('\n')}\n.long ${ATTN}`).join('\n'),
  );
  return drafts.map((draft, i) => parse(draft, wordsAt(code, i * SLOT)));
}

function wordsAt(code: DataView, offset: number): number[] {
  const words: number[] = [];
  for (let at = offset; code.getUint32(at) !== ATTN; at += 4) words.push(code.getUint32(at));
  return words;
}

/** A flat big-endian image from address 0. */
function assemble(source: string): DataView {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-guest-'));
  try {
    const input = join(folder, 'tests.s');
    const output = join(folder, 'tests.bin');
    writeFileSync(input, `.globl _start\n_start:\n${source}\n`);
    const options = [
      '-mcpu=power9',
      '-Wa,-mregnames',
      '-nostdlib',
      '-static',
      '-Wl,--build-id=none,-Ttext=0,--oformat=binary',
    ];
    const run = spawnSync('powerpc64-linux-gnu-gcc', [...options, '-o', output, input], { encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`the assembler failed: ${run.stderr}`);
    const bytes = readFileSync(output);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function parse(draft: Draft, words: readonly number[]): AnnotatedTest {
  const inputs = new Map<string, Value>();
  const outputs = new Map<string, Value>();
  const memory: Bytes[] = [];
  const memoryAfter: Bytes[] = [];
  let interrupt: number | undefined;
  let endians: readonly Endian[] = ['big', 'little'];
  let qemu = true;
  for (const [kind, first = '', second = ''] of draft.notes) {
    switch (kind) {
      case 'in':
        inputs.set(first, value(second));
        break;
      case 'out':
        outputs.set(first, value(second));
        break;
      case 'memory':
        memory.push(bytes(first, second));
        break;
      case 'outmemory':
        memoryAfter.push(bytes(first, second));
        break;
      case 'interrupt':
        interrupt = Number(first);
        break;
      case 'endian':
        endians = [first === 'big' ? 'big' : 'little'];
        break;
      case 'not-qemu':
        qemu = false;
        break;
      default:
        throw new Error(`${draft.name}: no annotation ${kind}`);
    }
  }
  return {
    name: draft.name,
    words,
    inputs,
    outputs,
    memory,
    memoryAfter,
    interrupt,
    endians,
    qemu: qemu && interrupt === undefined,
  };
}

function value(text: string): Value {
  const match = /^(?:(mem|start)(?:([+-])(\w+))?|(-?)(\w+))$/.exec(text);
  if (match === null) throw new Error(`no value: ${text}`);
  const [, base, sign, offset, minus, plain] = match;
  const number = BigInt(plain ?? offset ?? 0);
  const negative = sign === '-' || minus === '-';
  return {
    base: base === undefined ? 'none' : (base as 'mem' | 'start'),
    offset: negative ? -number : number,
  };
}

function bytes(offset: string, hex: string): Bytes {
  return { offset: Number(offset), bytes: Uint8Array.from(Buffer.from(hex, 'hex')) };
}
