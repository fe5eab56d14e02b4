/**
 * The table of special purpose registers against the machine: every row is read and written in privileged and in problem
 * state on both processors, and does what its columns say. docs/spr.md is the table (UPDATE_DOCS=1 rewrites it).
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MSR, VECTOR } from '../../../src/base/power.ts';
import { PROCESSOR_VERSION, processorModel } from '../../../src/emulator/cpu/processor.ts';
import {
  guestMay,
  hasSpr,
  SPR,
  SPR_ROWS,
  type SprRow,
  type SprState,
  sprOffset,
} from '../../../src/emulator/cpu/spr.ts';
import { BareMachine } from '../../../src/emulator/partition/bare-machine.ts';
import { ATTN, mfspr, mtspr } from '../../synth/power-words.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const START = 0x1000;
const VALUE = 0x0123_4567_89ab_cdefn;
const NOT_READ = 0x5555n;
/** SRR1 of a program interrupt: an illegal instruction, a privileged one. */
const ILLEGAL = 0x0008_0000n;
const PRIVILEGED = 0x0004_0000n;

type State = 'problem' | 'privileged';
type Outcome = {
  readonly kind: 'done' | 'illegal' | 'privileged' | 'facility';
  readonly value: bigint;
  readonly reports: readonly string[];
};

/** Two machines, each kept for all its rows. */
function machineOf(processorVersion: number): (state: State, words: readonly number[]) => Outcome {
  let reports: string[] = [];
  const machine = new BareMachine({
    memory: 0x1_0000,
    endian: 'big',
    processorVersion,
    unsupported: ({ kind, key, detail }) => {
      if (kind === 'spr') reports.push(`${key} ${detail}`);
    },
  });
  for (const vector of [VECTOR.program, VECTOR.facilityUnavailable])
    machine.ram.writeU32(vector, ATTN, false);
  return (state, words) => {
    machine.reset();
    reports = [];
    for (const [i, word] of [...words, ATTN].entries()) machine.ram.writeU32(START + 4 * i, word, false);
    const { vcpu } = machine;
    vcpu.nia = BigInt(START);
    if (state === 'problem') vcpu.msr |= MSR.PR;
    vcpu.setGpr(5, VALUE);
    vcpu.setGpr(6, NOT_READ);
    expect(machine.run(100)).toBe('attn');
    if (vcpu.nia === BigInt(VECTOR.facilityUnavailable))
      return { kind: 'facility', value: vcpu.gpr(6), reports };
    const status = vcpu.nia === BigInt(VECTOR.program) ? vcpu.spr(SPR.SRR1) : 0n;
    const kind = (status & ILLEGAL) !== 0n ? 'illegal' : (status & PRIVILEGED) !== 0n ? 'privileged' : 'done';
    return { kind, value: vcpu.gpr(6), reports };
  };
}

const PROCESSORS = (['power8', 'power9'] as const).map((name) => ({
  name,
  isa: processorModel(PROCESSOR_VERSION[name]).isa,
  run: machineOf(PROCESSOR_VERSION[name]),
}));
const STATES: readonly State[] = ['problem', 'privileged'];

/** What Book III §4.4.4 has for a number that no register of this machine has. */
function withoutRegister(number: number, state: State): Outcome['kind'] {
  if (state === 'privileged') return 'done';
  return (number & 0x10) !== 0 ? 'privileged' : 'illegal';
}

/** Of the facilities that FSCR switches on for programs, which it does for none here. */
const BY_FSCR: ReadonlySet<string> = new Set([
  ...['DSCR_USER', 'BESCR', 'BESCRS', 'BESCRSU', 'BESCRR', 'BESCRRU', 'EBBHR', 'EBBRR', 'TAR'],
]);
/** Group A of the performance monitor, which programs read alone while MMCR0[PMCC] is 0: Book III §9.4.4. */
const GROUP_A = /^(MMCR[02A]|PMC[1-6])_USER$/;

/** How an access ends, and whether it is one to a register that is not there. */
function expected(row: SprRow, there: boolean, right: SprState, state: State): [Outcome['kind'], boolean] {
  if (!there || row.kind === 'absent' || !guestMay(right)) return [withoutRegister(row.number, state), true];
  if (row.kind === 'unavailable' || (state === 'problem' && BY_FSCR.has(row.key))) return ['facility', false];
  return [right === 'privileged' && state === 'problem' ? 'privileged' : 'done', false];
}

describe('special purpose registers', () => {
  it('rows: one a number, in order, each a key of SPR', () => {
    const numbers = SPR_ROWS.map(({ number }) => number);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(SPR_ROWS.map(({ key }) => SPR[key])).toEqual(numbers);
    expect(numbers.every((number) => number > 0 && number < 1024)).toBe(true);
  });

  it('places: one a plain register, and an alias has that of its register', () => {
    const plain = SPR_ROWS.filter(({ kind }) => kind === 'plain');
    expect(new Set(plain.map(({ number }) => sprOffset(number))).size).toBe(plain.length);
    for (const row of SPR_ROWS) {
      const own = plain.find(({ name }) => name === row.name);
      if (row.kind === 'alias') expect(sprOffset(row.number), row.key).toBe(sprOffset(own?.number ?? 0));
      else expect(sprOffset(row.number) !== undefined, row.key).toBe(row.kind === 'plain');
    }
  });

  const cases = PROCESSORS.flatMap((processor) =>
    STATES.flatMap((state) => SPR_ROWS.map((row) => ({ row, processor, state }))),
  );

  it.each(cases)('$row.key, $processor.name, $state: mfspr → as the table says', (each) => {
    const { row, processor, state } = each;
    const there = hasSpr(row, processor.isa);
    const [kind, absent] = expected(row, there, row.reads, state);
    const outcome = processor.run(state, [mfspr(6, row.number)]);
    expect(outcome.kind).toBe(kind);
    expect(outcome.reports).toEqual(absent ? [`mfspr ${row.number} ${row.name}`] : []);
    // A read that ends otherwise leaves the target; of registers that are 0 at reset the value read is 0.
    if (absent || kind !== 'done') expect(outcome.value).toBe(NOT_READ);
    else if (row.kind !== 'compiled' && row.kind !== 'special') expect(outcome.value).toBe(0n);
  });

  it.each(cases)('$row.key, $processor.name, $state: mtspr, then mfspr → as the table says', (each) => {
    const { row, processor, state } = each;
    const there = hasSpr(row, processor.isa);
    const readOnly = state === 'problem' && GROUP_A.test(row.key);
    const [kind, absent] = readOnly ? ['illegal', false] : expected(row, there, row.writes, state);
    const outcome = processor.run(state, [mtspr(row.number, 5), mfspr(6, row.number)]);
    if (kind !== 'done') {
      expect(outcome).toEqual({
        kind,
        value: NOT_READ,
        reports: absent ? [`mtspr ${row.number} ${row.name}`] : [],
      });
      return;
    }
    if (absent) {
      expect(outcome.reports).toContain(`mtspr ${row.number} ${row.name}`);
      expect(outcome.value).not.toBe(VALUE);
      return;
    }
    if (row.reads === '-') {
      expect(outcome.reports).toEqual([`mfspr ${row.number} ${row.name}`]);
      return;
    }
    expect(outcome.reports).toEqual([]);
    if (row.kind === 'plain' || row.kind === 'alias')
      expect(outcome.value).toBe(BigInt.asUintN(row.width, VALUE));
    else expect(outcome.value).toBe(readBack(row, processor.name, state));
  });

  it.each(PROCESSORS)('$name: a branch to TAR in problem state → as a move of TAR', ({ run }) => {
    const bctar = 0x4e800460;
    // CR[2] is 0: it is not taken.
    const untaken = 0x4d820460;
    for (const word of [bctar, untaken])
      expect(run('problem', [word, mfspr(6, SPR.CTR)]).kind).toBe('facility');
    expect(run('privileged', [untaken, mfspr(6, SPR.CTR)]).kind).toBe('done');
  });

  it('src: no bare number of a register', () => {
    const bare = /\b(?:spr|setSpr|sprOffset)\((?:0x)?[0-9]/;
    const constants = SPR_ROWS.map(({ name, number }) => new RegExp(`const ${name} = ${number};`));
    const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
    const found = files
      .filter((name) => name.endsWith('.ts'))
      .filter((name) => {
        const text = readFileSync(join(ROOT, 'src', name), 'utf8');
        return [bare, ...constants].some((each) => each.test(text));
      })
      .map((name) => name.replaceAll('\\', '/'));
    expect(found.sort()).toEqual([]);
  });

  it('docs/spr.md → is the table', () => {
    const file = join(ROOT, 'docs/spr.md');
    if (process.env.UPDATE_DOCS === '1') writeFileSync(file, page());
    expect(readFileSync(file, 'utf8')).toBe(page());
  });
});

/** What registers that keep only a part, or go on counting, hold right after {@link VALUE} was written. */
function readBack(row: SprRow, processor: 'power8' | 'power9', state: State): bigint | undefined {
  const power9 = processor === 'power9';
  const values: Readonly<Record<string, bigint>> = {
    XER: power9 ? 0x800b_cdefn : 0x8003_cdefn,
    LR: VALUE,
    CTR: VALUE,
    TAR: VALUE,
    DSCR_USER: VALUE,
    BESCR: VALUE,
    BESCRS: VALUE,
    // Of the upper word, which is read as the low one.
    BESCRSU: VALUE & 0xffff_ffffn,
    // Bits of a register that is 0 are reset.
    BESCRR: 0n,
    BESCRRU: 0n,
    EBBHR: VALUE,
    EBBRR: VALUE,
    PPR32: VALUE & 0xffff_ffffn,
    AMR: VALUE,
    IAMR: VALUE,
    // In problem state UAMOR, which is 0 here, gives no bit of AMR.
    AMR_USER: state === 'problem' ? 0n : VALUE,
    DEC: power9 ? BigInt.asIntN(56, VALUE) : 0x89ab_cdefn,
    PIDR: VALUE & 0xf_ffffn,
  };
  if (GROUP_A.test(row.key)) return BigInt.asUintN(row.width, VALUE);
  return values[row.key];
}

function page(): string {
  const kinds: Readonly<Record<SprRow['kind'], string>> = {
    plain: 'register block',
    alias: 'another number of a plain one',
    compiled: 'handler',
    special: 'special handler',
    unavailable: 'facility unavailable interrupt',
    absent: 'not there',
  };
  const line = (row: SprRow): string =>
    `| ${row.number} | ${row.name} | ${row.width} | ${row.reads} | ${row.writes} | ${kinds[row.kind]} | ` +
    `${row.only === undefined ? '' : row.only === '3.0' ? 'POWER9' : 'POWER8'} | ${row.section} | ${row.differs ?? ''} |`;
  return [
    '# Special purpose registers',
    '',
    'Every register that the emulator knows, as mfspr and mtspr find it. This page is drawn from `src/emulator/cpu/spr.ts` by',
    '`UPDATE_DOCS=1 npx vitest run test/emulator/cpu/spr.test.ts`; the same test reads and writes every row.',
    '',
    '- *read*, *write*: the least privileged state that may; a dash: none. Guests run in problem and privileged state.',
    '- *where*: a register in the *register block* keeps what is written and has no other effect; a *handler* of the',
    '  interpreter or a *special handler* in TypeScript computes the others.',
    '- A register that is *not there*, that the processor lacks, or that a guest may not access: the access is reported as',
    '  unsupported (kind `spr`) and, as for every other number, does nothing in privileged state and is a program interrupt',
    '  in problem state (Power ISA 3.0B, Book III §4.4.4).',
    '- *section*: book and section, or chapter, of Power ISA 3.0B.',
    '',
    '| number | name | bits | read | write | where | only | section | here |',
    '|---|---|---|---|---|---|---|---|---|',
    ...SPR_ROWS.map(line),
    '',
  ].join('\n');
}
