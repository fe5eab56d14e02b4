/** The matrix: which crashes it has, what becomes of a report, and the page that is written. */

import { describe, expect, it } from 'vitest';
import {
  type Combination,
  combinations,
  defaultSelection,
  listOf,
  MACHINES,
  nameOf,
  numbersOf,
  onOf,
  share,
} from '../../bench/matrix/combinations.ts';
import { failedRow, isGood, type Row, rowOf } from '../../bench/matrix/row.ts';
import { readBacktraces, readDrgnStack } from '../../bench/matrix/stacks.ts';
import { keyOf, supportText } from '../../bench/matrix/support-table.ts';
import { matrixText, stacksLine, summaryLine } from '../../bench/matrix/table.ts';
import type { RuleResult } from '../../src/panic/trace/index.ts';

const COMBINATION: Combination = {
  image: 'built-in',
  machine: 'power8-hash',
  cpus: 4,
  on: 3,
  trigger: 'nmi',
};
const RULES: readonly RuleResult[] = [
  { name: 'stop-reached', verdict: 'held' },
  { name: 'path-panic', verdict: 'held' },
  { name: 'path-reboot', verdict: 'not-applicable', note: 'the guest crashed' },
  { name: 'payload-any', verdict: 'not-applicable', note: 'the image is a kernel' },
];
const CAPTURED = {
  outcome: 'captured',
  instructions: { boot: 5, handoff: 1_000_000, capture: 234_567 },
} as const;

function row(change: Partial<Row> = {}): Row {
  return { ...rowOf(COMBINATION, CAPTURED, RULES), ...change };
}

describe('combinations', () => {
  it('built-in guest → every CPU of each machine by each trigger: 180', () => {
    const all = combinations('built-in', defaultSelection('built-in'));
    expect(all).toHaveLength(180);
    expect(new Set(all.map(nameOf)).size).toBe(180);
    expect(all.filter(({ on, cpus }) => on >= cpus)).toEqual([]);
  });

  it('Debian → CPU 0, and 3 where there is one: 72', () => {
    const all = combinations('debian', defaultSelection('debian'));
    expect(all).toHaveLength(72);
    expect(new Set(all.map(({ cpus, on }) => `${cpus}/${on}`))).toEqual(
      new Set(['1/0', '2/0', '4/0', '4/3', '8/0', '8/3']),
    );
  });

  it('share: all shares together → each combination once', () => {
    const all = combinations('debian', defaultSelection('debian'));
    const shares = ['1/5', '2/5', '3/5', '4/5', '5/5'].flatMap((text) => share(all, text));
    expect(shares.map(nameOf).sort()).toEqual(all.map(nameOf).sort());
    expect(share([10, 11, 12, 13], '2/3')).toEqual([11]);
  });

  it.each(['0/3', '4/3', '3', '1/0', 'a/b', '1/2/3'])('share %s → refused', (text) => {
    expect(() => share([1], text)).toThrow(`--only ${text}`);
  });

  it('lists → words and numbers, or the option by name', () => {
    expect(listOf('--processors', 'power9-hash,power8-hash', MACHINES)).toEqual([
      'power9-hash',
      'power8-hash',
    ]);
    expect(() => listOf('--processors', 'power7', MACHINES)).toThrow(
      '--processors power7: power7 is none of',
    );
    expect(numbersOf('--cpus', '1,8', 1, 8)).toEqual([1, 8]);
    expect(() => numbersOf('--cpus', '1,9', 1, 8)).toThrow('--cpus 1,9: 9 is not from 1 to 8');
    expect(() => numbersOf('--cpus', '', 1, 8)).toThrow('--cpus');
    expect(onOf('all')).toBe('all');
    expect(() => onOf('8')).toThrow('--on 8');
  });
});

describe('rowOf', () => {
  it('captured → verdicts counted, reasons kept, instructions from T0 to T4', () => {
    const made = row();
    expect(made).toMatchObject({ outcome: 'captured', held: 2, broken: [], instructions: 1_234_567 });
    expect(made.notApplicable).toEqual([
      { name: 'path-reboot', reason: 'the guest crashed' },
      { name: 'payload-any', reason: 'the image is a kernel' },
    ]);
    expect(isGood(made)).toBe(true);
  });

  it.each<[string, Partial<Row>]>([
    ['not captured', { outcome: 'failed' }],
    ['a rule broken', { broken: ['digest-ok'] }],
    ['a rule not reached', { notReached: ['digest-ok'] }],
    ['a rule not evaluated', { notEvaluated: ['digest-ok'] }],
    ['a CPU without a stack', { stacks: { cpus: 4, whole: 3 } }],
    ['a dump of fewer CPUs', { stacks: { cpus: 3, whole: 3 } }],
  ])('%s → not good', (_, change) => {
    expect(isGood(row(change))).toBe(false);
  });

  it('failed → no instructions', () => {
    const failed = rowOf(COMBINATION, { ...CAPTURED, outcome: 'failed', reason: 'lost' }, RULES);
    expect(failed.instructions).toBeUndefined();
    expect(failed.reason).toBe('lost');
  });
});

describe('matrixText', () => {
  it('two rows → summary, a line each, each reason once', () => {
    const rows = [
      row({ stacks: { cpus: 4, whole: 4 } }),
      row({
        on: 0,
        broken: ['digest-ok'],
        notEvaluated: ['stays-put'],
        stacks: { cpus: 4, whole: 2 },
        notApplicable: [
          { name: 'path-reboot', reason: 'the guest crashed' },
          { name: 'memory-64bit', reason: 'the image is a kernel' },
        ],
      }),
    ];
    const text = matrixText(rows).join('\n');
    expect(text).toContain('2 crashes: 2 captured, 1 rules broken, 1 not evaluated');
    expect(text).toContain('2 dumps looked at: every CPU has its stack in 1');
    expect(text).toContain(
      '| power8 hash | 4 | 3 | nmi | captured | 2 | 0 | 0 | 2 (ab) | 1,234,567 | 4 CPUs |\n' +
        '| power8 hash | 4 | 0 | nmi | captured | 2 | digest-ok | stays-put | 2 (ab) | 1,234,567 | 2 of 4 CPUs |',
    );
    expect(text).toContain('- **a** (all) `path-reboot`: the guest crashed');
    expect(text).toContain('- **b** (all) `payload-any`, `memory-64bit`: the image is a kernel');
    expect(text).not.toContain('What went wrong');
  });

  it('a crash that was not run → why, below the table', () => {
    const rows = [row(), failedRow(COMBINATION, 'the process that ran it ended with SIGKILL')];
    expect(summaryLine(rows)).toBe('2 crashes: 1 captured, 0 rules broken, 0 not evaluated');
    expect(stacksLine(rows)).toBeUndefined();
    const text = matrixText(rows);
    expect(text.at(-1)).toBe(
      '- built-in power8-hash 4 CPUs, nmi on 3: the process that ran it ended with SIGKILL',
    );
    expect(text).toContain(
      '- **a** (1) `path-reboot`: the guest crashed\n- **b** (1) `payload-any`: the image is a kernel',
    );
  });

  it('rules not reached → said in the summary', () => {
    expect(summaryLine([row({ notReached: ['hv-quiet'] })])).toBe(
      '1 crashes: 1 captured, 0 rules broken, 0 not evaluated, 1 not reached',
    );
  });
});

describe('what debuggers say', () => {
  const thread = (n: number, ...names: string[]): string =>
    `\nThread ${n} (LWP ${n}):\n${names.map((name, i) => `#${i}  ${i === 0 ? '' : '0xc000000000004b64 in '}${name} () at x.c:${i}`).join('\n')}\n`;

  it('gdb: whole stacks → counted', () => {
    const text =
      thread(1, 'panic', '<signal handler called>', 'start_kernel', 'cpu_begins') +
      thread(2, 'idle_loop', 'cpu_begins');
    expect(readBacktraces(text)).toEqual({ cpus: 2, whole: 2 });
  });

  it('gdb: one without a name, one that ends early → not whole', () => {
    const text =
      thread(1, 'panic', '??', 'cpu_begins') +
      thread(2, 'idle_loop', 'start_secondary') +
      thread(3, 'cpu_begins');
    expect(readBacktraces(text)).toEqual({ cpus: 3, whole: 1 });
    expect(readBacktraces('No stack.')).toEqual({ cpus: 0, whole: 0 });
  });

  it('drgn-stack.py → its last line, or nothing', () => {
    expect(readDrgnStack('CPU 0: task 1 init\n8 CPUs: 7 with registers and stack\n')).toEqual({
      cpus: 8,
      whole: 7,
    });
    expect(readDrgnStack('Traceback')).toBeUndefined();
  });
});

describe('supportText', () => {
  const support = (change: Partial<Row>) => ({
    ...row({ image: 'trixie', kernelRelease: '6.12', cpus: 1, dump: 'raw', drgn: 'opens', ...change }),
    commit: 'abc',
  });

  it('rows that differ in CPUs alone → one line; a reason once, whatever its numbers', () => {
    const open = (pages: number) => ({
      notEvaluated: ['vmcore-complete'],
      notes: [{ name: 'vmcore-complete', reason: `${pages} pages were left out` }],
    });
    const text = supportText([
      support({}),
      support({ cpus: 4 }),
      support({ dump: '-l -d 31', ...open(5) }),
      support({ dump: '-l -d 31', cpus: 2, ...open(7), drgn: 'not a core dump' }),
      support({ machine: 'power9-radix', outcome: 'failed', reason: 'lost' }),
    ]).join('\n');
    expect(text).toContain('**5 crashes: 4 captured.** At commit abc.');
    expect(text).toContain('| 6.12 (`trixie`) | power8 hash | `raw` | 1, 4 | captured | 2 | 0 | 0 | opens |');
    expect(text).toContain('| `-l -d 31` | 2 | captured | 2 | 0 | vmcore-complete | does not open |');
    expect(text.match(/pages were left out/g)).toHaveLength(1);
    expect(text).toContain('- failed: lost');
    expect(text).toContain('- drgn: not a core dump');
  });

  it('the same crash at another commit → the same key', () => {
    expect(keyOf(support({ held: 1 }))).toBe(keyOf(support({})));
    expect(keyOf(support({ cpus: 2 }))).not.toBe(keyOf(support({})));
  });

  it('notes of rules that did not hold → kept in the row', () => {
    const made = rowOf(COMBINATION, CAPTURED, [
      { name: 'vmcore-complete', verdict: 'not-evaluated', note: 'why' },
      { name: 'stop-reached', verdict: 'held', note: 'no matter' },
    ]);
    expect(made.notes).toEqual([{ name: 'vmcore-complete', reason: 'why' }]);
  });
});
