/**
 * The traits of the rows against what their code does: every row's meaning is compiled as the interpreter does it, and
 * what the code calls, jumps and asks for is compared with the traits. Versions are compared with binutils.
 */

import { describe, expect, it } from 'vitest';
import { HANDLERS, type Handler } from '../../../src/emulator/engine/interpreter/handlers.ts';
import { InterpreterOps } from '../../../src/emulator/engine/interpreter/interpreter-ops.ts';
import { isInline } from '../../../src/emulator/engine/interpreter/placement.ts';
import { ALL_ROWS, type Effect, type Row } from '../../../src/emulator/isa/index.ts';
import { SEMANTICS } from '../../../src/emulator/semantics/index.ts';
import { specialId } from '../../../src/emulator/semantics/system/specials.ts';
import { Bytes } from '../../../src/emulator/wasm/bytes.ts';
import {
  FunctionBody,
  type FunctionRef,
  i32c,
  i64c,
  ModuleBuilder,
} from '../../../src/emulator/wasm/index.ts';
import { randomWord } from '../../differential/random-encoding.ts';
import { RandomSource } from '../../differential/random-source.ts';
import { needsProgram } from '../../support/programs.ts';
import { assemblerName, disassemble, OBJDUMP } from './disassemble.ts';

/** What a handler's code does, as far as it can be seen from the calls that it makes. */
type Seen = {
  readonly does: 'branch' | 'store' | 'load' | 'special' | 'registers' | 'nothing';
  /** It asks for its address or its place in the slice. */
  readonly positional: boolean;
  readonly specials: readonly string[];
};

function sizeOf(body: FunctionBody): number {
  const out = new Bytes();
  body.encode(out);
  return out.length;
}

/** Compiles a handler's meaning where every callee and every exit leaves a note. */
function compile(handler: Handler): Seen {
  const notes = new Set<string>();
  const specials: string[] = [];
  const ref = (): FunctionRef => new ModuleBuilder('test').declare('f', { parameters: [], results: [] });
  const noted = (note: string): FunctionRef => {
    notes.add(note);
    return ref();
  };
  const body = new FunctionBody(2);
  const ops = new InterpreterOps(
    { mode64: true, littleEndian: true },
    body,
    handler,
    {
      record: i32c(0),
      tlb: i32c(0),
      exit: () => notes.add('exit'),
      main: {
        cia: () => {
          notes.add('place');
          return i64c(0);
        },
        left: () => {
          notes.add('place');
          return i32c(0);
        },
        jumpNear: () => notes.add('jump'),
        jumpFar: () => notes.add('jump'),
      },
    },
    {
      publish: ref(),
      special: ref(),
      get slowRead() {
        return noted('load');
      },
      get slowWrite() {
        return noted('store');
      },
      get slowStore() {
        return noted('store');
      },
      get slowStoreVector() {
        return noted('store');
      },
      specialId: (name) => {
        specials.push(name);
        return specialId(name);
      },
      helper: () => ref(),
    },
  );
  SEMANTICS.get(handler.row.base)?.(ops);
  const order = ['jump', 'store', 'load'] as const;
  const first = order.find((note) => notes.has(note));
  const silent = notes.size === 0 && sizeOf(body) === sizeOf(new FunctionBody(2));
  const does =
    specials.length > 0
      ? 'special'
      : first === 'jump'
        ? 'branch'
        : (first ?? (silent ? ('nothing' as const) : ('registers' as const)));
  return { does, positional: notes.has('place'), specials };
}

/** What the code of a row with an effect may do. `system` and `linkage` are done by special handlers. */
const DOES: Readonly<Record<Effect, Seen['does']>> = {
  registers: 'registers',
  branch: 'branch',
  load: 'load',
  store: 'store',
  'touch-load': 'nothing',
  'touch-store': 'nothing',
  order: 'nothing',
  linkage: 'special',
  system: 'special',
};

/** Why a row's traits are not those of its code; empty where they are. */
function wrong(row: Row, seen: Seen): string[] {
  const out: string[] = [];
  const say = (what: string): number => out.push(`${row.mnemonic}: ${what}`);
  if (row.special === undefined) {
    // attn alone leaves by an exit of its own.
    if (seen.does !== DOES[row.effect] && row.mnemonic !== 'attn') say(`${row.effect}, but ${seen.does}`);
  } else {
    if (seen.does !== 'special') say(`special, but ${seen.does}`);
    if (seen.specials.join() !== row.special) say(`special ${row.special}, but ${seen.specials.join()}`);
    // A branch to TAR leaves the interrupt alone to its handler.
    if (
      ['registers', 'branch', 'order', 'touch-load', 'touch-store'].includes(row.effect) &&
      !(row.effect === 'branch' && row.special === 'noTarget')
    )
      say(`special, but ${row.effect}`);
  }
  if ((row.positional === true) !== (seen.positional && row.effect !== 'branch')) say('positional');
  const updates = row.effect === 'load' && row.operands.some(({ name }) => name === 'RA');
  const repeatable = ['registers', 'branch', 'load', 'order'].includes(row.effect) && !updates;
  if (row.spins === true && (!repeatable || row.special !== undefined || row.privileged === true))
    say('spins');
  return out;
}

const general = (row: Row): Handler => {
  const handler = HANDLERS.find((each) => each.row === row && each.known.size === 0 && !each.near);
  if (handler === undefined) throw new Error(`no handler for ${row.mnemonic}`);
  return handler;
};

describe('traits of the rows', () => {
  it('effect, special, positional, spins → what the code does', () => {
    expect(ALL_ROWS.flatMap((row) => wrong(row, compile(general(row))))).toEqual([]);
  });

  it('another effect, or a special handler more or less → caught', () => {
    const effects = Object.keys(DOES) as Effect[];
    for (const row of ALL_ROWS) {
      if (row.mnemonic === 'attn') continue;
      const seen = compile(general(row));
      for (const effect of effects) {
        const same = DOES[effect] === DOES[row.effect];
        const aside = row.special !== undefined && ['load', 'store', 'linkage', 'system'].includes(effect);
        if (!same && !aside)
          expect(wrong({ ...row, effect }, seen), `${row.mnemonic} ${effect}`).not.toEqual([]);
      }
      const { special, ...without } = row;
      if (special === undefined)
        expect(wrong({ ...row, special: 'mfspr' }, seen), row.mnemonic).not.toEqual([]);
      else if (row.effect !== 'system' && row.effect !== 'linkage')
        expect(wrong(without, seen), row.mnemonic).not.toEqual([]);
    }
  });

  it('rows outside of the main function → need nothing of it', () => {
    const outside = HANDLERS.filter((handler) => !isInline(handler)).map((handler) => ({
      handler,
      seen: compile(handler),
    }));
    const misplaced = outside.filter(
      ({ seen }) => seen.positional || seen.does === 'branch' || seen.does === 'special',
    );
    expect(misplaced.map(({ handler }) => handler.row.mnemonic)).toEqual([]);
  });

  it('since → what objdump knows of POWER8', () => {
    needsProgram(OBJDUMP);
    const random = new RandomSource(2);
    const samples = ALL_ROWS.flatMap((row) => [
      { row, word: row.value },
      ...Array.from({ length: 16 }, () => ({ row, word: randomWord(random, row) })),
    ]);
    const words = samples.map(({ word }) => word);
    const [power8, older] = [disassemble(words, 'power8'), disassemble(words, 'power6')];
    const known = new Set<string>();
    samples.forEach(({ row }, i) => {
      for (const names of [power8, older]) known.add(`${row.mnemonic} ${names[i]}`);
    });
    const has = (row: Row): boolean => known.has(`${row.mnemonic} ${assemblerName(row)}`);
    const wrongly = ALL_ROWS.filter((row) => (row.since === undefined) !== has(row));
    expect(wrongly.map(({ mnemonic, since }) => `${mnemonic} ${since}`)).toEqual(OTHERWISE);
  });

  it('until → what objdump no longer knows of POWER9', () => {
    needsProgram(OBJDUMP);
    const dropped = ALL_ROWS.filter((row) => row.until !== undefined);
    expect(
      disassemble(
        dropped.map(({ value }) => value),
        'power9',
      ),
    ).toEqual(dropped.map(() => '.long'));
    expect(dropped.map(({ mnemonic }) => mnemonic)).toEqual(['doze', 'nap', 'sleep', 'rvwinkle']);
  });
});

/** mftb reads registers that random words do not name; binutils has vabsdu* for POWER8 since e6500 has them. */
const OTHERWISE = ['mftb undefined', 'vabsdub 3.0', 'vabsduh 3.0', 'vabsduw 3.0'];
