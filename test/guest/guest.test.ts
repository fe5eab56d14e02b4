/** Runs the annotated assembly tests of this folder in the engine, and under QEMU where it has a say. */

import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CTR, LR } from '../../src/emulator/cpu/layout.ts';
import { SPR } from '../../src/emulator/cpu/spr.ts';
import { BareMachine } from '../../src/emulator/partition/bare-machine.ts';
import {
  buildImage,
  type Case,
  Layout,
  MEMORY_BYTES,
  outcome,
  qemuRunner,
} from '../differential/qemu-user.ts';
import { hasProgram, needsProgram } from '../support/programs.ts';
import { type AnnotatedTest, type Endian, readAnnotated, type Value } from './annotated.ts';

const FOLDER = dirname(fileURLToPath(import.meta.url));
const CODE = 0x4000;
const MEMORY = 0x100000;
const ATTN = 0x200;
const COMPILER = 'powerpc64-linux-gnu-gcc';

type Registers = Record<string, bigint>;
type Places = { readonly mem: number; readonly start: number };

function resolve(value: Value, places: Places): bigint {
  const base = value.base === 'none' ? 0 : places[value.base];
  return BigInt.asUintN(64, BigInt(base) + value.offset);
}

/** Registers before, all of them. */
function before(test: AnnotatedTest, places: Places): Registers {
  const out: Registers = {};
  for (const name of [...Array.from({ length: 32 }, (_, n) => `r${n}`), 'cr', 'xer', 'lr', 'ctr'])
    out[name] = 0n;
  for (const [name, value] of test.inputs) out[name] = resolve(value, places);
  return out;
}

function after(test: AnnotatedTest, places: Places): Registers {
  const out = before(test, places);
  for (const [name, value] of test.outputs) out[name] = resolve(value, places);
  return out;
}

function memoryBefore(test: AnnotatedTest): Uint8Array {
  const memory = new Uint8Array(MEMORY_BYTES);
  for (const each of test.memory) memory.set(each.bytes, each.offset);
  return memory;
}
function memoryAfter(test: AnnotatedTest): Uint8Array {
  const memory = memoryBefore(test);
  for (const each of test.memoryAfter) memory.set(each.bytes, each.offset);
  return memory;
}

function runInEngine(
  test: AnnotatedTest,
  endian: Endian,
): { registers: Registers; memory: Uint8Array; nia: bigint } {
  const machine = new BareMachine({ memory: 2 * 1024 * 1024, endian, processorVersion: 0x4e1200 });
  const { ram, vcpu } = machine;
  const little = endian === 'little';
  // An interrupt stops at its vector.
  for (let vector = 0x100; vector < 0x1000; vector += 0x20) ram.writeU32(vector, ATTN, little);
  for (const [i, word] of [...test.words, ATTN].entries()) ram.writeU32(CODE + 4 * i, word, little);
  ram.write(MEMORY, memoryBefore(test));
  const places = { mem: MEMORY, start: CODE };
  const input = before(test, places);
  for (let n = 0; n < 32; n++) vcpu.setGpr(n, input[`r${n}`] as bigint);
  vcpu.cr = Number(input.cr);
  vcpu.xer = Number(input.xer);
  vcpu.set64(LR, input.lr as bigint);
  vcpu.set64(CTR, input.ctr as bigint);
  vcpu.nia = BigInt(CODE);
  expect(machine.run(1000)).toBe('attn');
  const registers: Registers = {
    cr: BigInt(vcpu.cr),
    xer: BigInt(vcpu.xer),
    lr: vcpu.get64(LR),
    ctr: vcpu.get64(CTR),
  };
  for (let n = 0; n < 32; n++) registers[`r${n}`] = vcpu.gpr(n);
  const special: Registers = {
    srr0: vcpu.spr(SPR.SRR0),
    srr1: vcpu.spr(SPR.SRR1),
    dar: vcpu.spr(SPR.DAR),
    nia: vcpu.nia,
  };
  for (const name of test.outputs.keys()) if (special[name] !== undefined) registers[name] = special[name];
  return { registers, memory: ram.read(MEMORY, MEMORY_BYTES), nia: vcpu.nia };
}

async function runInQemu(tests: readonly AnnotatedTest[], endian: Endian): Promise<void> {
  const layout = new Layout({ words: 24 });
  const places = (i: number): Places => ({ mem: layout.memoryAddress(i), start: layout.codeAddress(i) });
  const cases = tests.map((test, i): Case => {
    const input = before(test, places(i));
    const gpr = Array.from({ length: 32 }, (_, n) => input[`r${n}`] as bigint);
    const state = {
      gpr,
      cr: Number(input.cr),
      xer: Number(input.xer),
      lr: input.lr as bigint,
      ctr: input.ctr as bigint,
    };
    return { code: test.words, input: state, memory: memoryBefore(test) };
  });
  const data = await qemuRunner(buildImage(layout, cases, endian));
  tests.forEach((test, i) => {
    const { state, memory } = outcome(layout, data, endian, i);
    const registers: Registers = {
      cr: BigInt(state.cr),
      xer: BigInt(state.xer),
      lr: state.lr,
      ctr: state.ctr,
    };
    state.gpr.forEach((value, n) => {
      registers[`r${n}`] = value;
    });
    expect(text(registers), `${test.name}: registers`).toEqual(text(after(test, places(i))));
    expect(Buffer.from(memory).toString('hex'), `${test.name}: memory`).toBe(
      Buffer.from(memoryAfter(test)).toString('hex'),
    );
  });
}

function text(registers: Registers): Record<string, string> {
  return Object.fromEntries(
    Object.entries(registers).map(([name, value]) => [name, `0x${value.toString(16)}`]),
  );
}

const files = readdirSync(FOLDER).filter((name) => name.endsWith('.s'));

describe.each(files)('%s', (file) => {
  const tests = hasProgram(COMPILER) ? readAnnotated(join(FOLDER, file)) : [];

  it('engine: every annotated test → the registers and memory it says', () => {
    needsProgram(COMPILER);
    expect(tests.length).toBeGreaterThan(0);
    for (const test of tests) {
      for (const endian of test.endians) {
        const name = `${test.name}, ${endian}-endian`;
        const { registers, memory, nia } = runInEngine(test, endian);
        expect(text(registers), name).toEqual(text(after(test, { mem: MEMORY, start: CODE })));
        expect(Buffer.from(memory).toString('hex'), name).toBe(
          Buffer.from(memoryAfter(test)).toString('hex'),
        );
        expect(nia, name).toBe(BigInt(test.interrupt ?? CODE + 4 * test.words.length));
      }
    }
  });

  for (const endian of ['big', 'little'] as const) {
    const program = endian === 'big' ? 'qemu-ppc64' : 'qemu-ppc64le';
    const chosen = tests.filter((test) => test.qemu && test.endians.includes(endian));
    if (chosen.length === 0 && tests.length > 0) continue;
    it(`${program}: every annotated test → the same`, async () => {
      needsProgram(COMPILER, program);
      await runInQemu(chosen, endian);
    });
  }
});
