/** Comparing the two runs of a differential program (qemu-user.ts), and reducing a difference to one instruction. */

import { hex32, hex64 } from '../../src/base/hex.ts';
import { decode } from '../../src/emulator/isa/index.ts';
import { engineRunner, executedInstructions } from './engine-runner.ts';
import {
  buildImage,
  type Case,
  type Endian,
  type Layout,
  type Outcome,
  outcome,
  qemuRunner,
  type Range,
  type Runner,
} from './qemu-user.ts';

export type Batch = {
  readonly layout: Layout;
  readonly cases: readonly Case[];
  readonly endian: Endian;
  /** Whether two outcomes that differ in some byte are the same where the ISA defines them. Default: never. */
  readonly equivalent?: (ours: Outcome, theirs: Outcome, index: number) => boolean;
  /** What runs our side; the engine unless the harness itself is tested. */
  readonly engine?: Runner;
  /** Called with the number of the cases' instructions that were executed. */
  readonly executed?: (instructions: number) => void;
};

/** A difference, or a run that did not end, reduced to the instruction that makes it. */
export type Failure = {
  readonly index: number;
  /** Which of the case's instructions, its word. */
  readonly position: number;
  readonly word: number;
  readonly endian: Endian;
  /** Registers and memory just before that instruction. */
  readonly before: Outcome;
  /** After it; a text where the run did not end. */
  readonly ours: Outcome | string;
  readonly theirs: Outcome | string;
};

/**
 * Runs the batch in both. @returns the numbers of the cases that differ, at most `most`.
 * Where a run does not end, the case that is to blame is among them.
 */
export async function compareRuns(batch: Batch, most = 10): Promise<readonly number[]> {
  const { layout, cases, endian, engine = engineRunner } = batch;
  const image = buildImage(layout, cases, endian);
  const [theirs, ours] = await Promise.allSettled([qemuRunner(image), engine(image)]);
  if (theirs.status === 'rejected') return [await firstCrash(batch, qemuRunner)];
  if (ours.status === 'rejected') return [await firstCrash(batch, engine)];
  batch.executed?.(executedInstructions.get(image) ?? 0);
  const out: number[] = [];
  for (let index = 0; index < cases.length && out.length < most; index++) {
    const from = index * layout.stride;
    const to = from + layout.stride;
    if (Buffer.compare(ours.value.subarray(from, to), theirs.value.subarray(from, to)) === 0) continue;
    const pair = [
      outcome(layout, ours.value, endian, index),
      outcome(layout, theirs.value, endian, index),
    ] as const;
    if (batch.equivalent?.(...pair, index) !== true) out.push(index);
  }
  return out;
}

/** The first instruction after which the two differ, when the code before it is run and nothing after it. */
export async function shrink(batch: Batch, index: number): Promise<Failure> {
  const { endian, cases, engine = engineRunner } = batch;
  const whole = cases[index] as Case;
  let before: Outcome = { state: whole.input, memory: whole.memory };
  for (let position = 0; position < whole.code.length; position++) {
    const cut = { ...whole, code: truncated(whole.code, position + 1) };
    const [theirs, ours] = await Promise.all([
      runOne(batch, index, cut, qemuRunner),
      runOne(batch, index, cut, engine),
    ]);
    const failed = typeof theirs === 'string' || typeof ours === 'string';
    if (failed || (!same(ours, theirs) && batch.equivalent?.(ours, theirs, index) !== true)) {
      return { index, position, word: whole.code[position] as number, endian, before, ours, theirs };
    }
    before = theirs;
  }
  throw new Error(`case ${index} differs in the batch but not alone`);
}

/** What went wrong, for a person: the instruction, its inputs, both results. */
export function describeFailure(failure: Failure): string {
  const { before, ours, theirs, word } = failure;
  const row = decode(word);
  const operands = row?.operands.map((each) => `${each.name}=${each.extract(word)}`).join(' ') ?? '';
  const lines = [
    `case ${failure.index}, instruction ${failure.position}, ${failure.endian}-endian: ${hex32(word)} ${row?.mnemonic ?? 'unknown'} ${operands}`,
    `before: cr ${hex32(before.state.cr)} xer ${hex32(before.state.xer)} lr ${hex64(before.state.lr)} ctr ${hex64(before.state.ctr)}`,
  ];
  const fields = new Set([6, 11, 16, 21].map((from) => (word >>> (27 - from)) & 31));
  for (const n of fields)
    lines.push(
      `  r${n} ${hex64(before.state.gpr[n] as bigint)}${vsrText(before, n)}${vsrText(before, n + 32)}`,
    );
  if (typeof ours === 'string' || typeof theirs === 'string') {
    lines.push(
      `ours: ${typeof ours === 'string' ? ours : 'ended'}`,
      `QEMU: ${typeof theirs === 'string' ? theirs : 'ended'}`,
    );
  } else lines.push(...differences(ours, theirs));
  return lines.join('\n');
}

function differences(ours: Outcome, theirs: Outcome): string[] {
  const out: string[] = [];
  const one = (name: string, a: bigint | number, b: bigint | number): void => {
    if (a !== b) out.push(`  ${name}: ours ${hex64(a)}, QEMU ${hex64(b)}`);
  };
  for (const [n, value] of ours.state.gpr.entries()) one(`r${n}`, value, theirs.state.gpr[n] as bigint);
  for (const name of ['cr', 'xer', 'lr', 'ctr'] as const) one(name, ours.state[name], theirs.state[name]);
  one('fpscr', ours.state.fpscr ?? 0n, theirs.state.fpscr ?? 0n);
  one('vscr', ours.state.vscr ?? 0, theirs.state.vscr ?? 0);
  for (const [n, value] of (ours.state.vsr ?? []).entries()) {
    one(`vsr${n >> 1}[${n & 1}]`, value, theirs.state.vsr?.[n] as bigint);
  }
  for (const [n, value] of ours.memory.entries()) one(`memory+${n}`, value, theirs.memory[n] as number);
  return out;
}

function vsrText(at: Outcome, n: number): string {
  const { vsr } = at.state;
  if (vsr === undefined) return '';
  return `  vs${n} ${hex64(vsr[2 * n] as bigint)} ${hex64(vsr[2 * n + 1] as bigint)}`;
}

function same(a: Outcome, b: Outcome): boolean {
  return differences(a, b).length === 0;
}

/** The first `count` words; the rest are branches to the end. */
function truncated(code: readonly number[], count: number): number[] {
  return code.map((word, i) => (i < count ? word : (0x48000000 | ((code.length - i) * 4)) >>> 0));
}

async function runOne(
  batch: Batch,
  index: number,
  replaced: Case,
  runner: Runner,
): Promise<Outcome | string> {
  const cases = batch.cases.map((each, i) => (i === index ? replaced : each));
  const image = buildImage(batch.layout, cases, batch.endian, { from: index, to: index + 1 });
  try {
    return outcome(batch.layout, await runner(image), batch.endian, index);
  } catch (error) {
    return String(error);
  }
}

/** The number of the first case at which a runner fails; throws when it fails on none alone. */
async function firstCrash(batch: Batch, runner: Runner): Promise<number> {
  const fails = async (range: Range): Promise<boolean> => {
    try {
      await runner(buildImage(batch.layout, batch.cases, batch.endian, range));
      return false;
    } catch {
      return true; // what failed is reported when the case is shrunk
    }
  };
  let from = 0;
  let to = batch.cases.length;
  while (to - from > 1) {
    const middle = (from + to) >>> 1;
    if (await fails({ from, to: middle })) to = middle;
    else from = middle;
  }
  if (!(await fails({ from, to }))) throw new Error('a run fails as a whole, but no case of it fails alone');
  return from;
}
