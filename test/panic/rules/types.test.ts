/**
 * What must not compile: a rule that asks for a place, a function, a call or a rule that does not exist. Each line is checked
 * by the compiler as a file beside this one would be; the same line spelt rightly compiles.
 */

import { describe, expect, it } from 'vitest';
import { compileLines } from '../../support/compile-lines.ts';

const PRELUDE = [
  "import { calls, fetchesAt, hypercalls, storesAt, type TraceEvent } from '../../../src/panic/trace/index.ts';",
  "import type { RuleName } from '../../../src/panic/rules/index.ts';",
  "import type { Judge } from '../../../src/panic/rules/shared/input.ts';",
  'declare const event: TraceEvent;',
  'declare const judge: Judge;',
  'declare const others: Readonly<Record<RuleName, Judge>>;',
  'void [calls, fetchesAt, hypercalls, storesAt, event, judge, others];',
  'export type Name = RuleName;',
].join('\n');

/** Right, and with one letter wrong. */
const LINES: readonly (readonly [what: string, right: string, wrong: string])[] = [
  ['a place', "void storesAt(event, 'low');", "void storesAt(event, 'lwo');"],
  [
    'a mark of a segment',
    "void fetchesAt(event, { at: 'segment', role: 'kernel' });",
    "void fetchesAt(event, { at: 'segment', role: 'kernal' });",
  ],
  ['a function', "void calls(event, 'crash_save_cpu');", "void calls(event, 'crash_save_cpus');"],
  ['a kernel', "void calls(event, 'panic', 'moved');", "void calls(event, 'panic', 'mvoed');"],
  [
    'a hypercall',
    "void hypercalls(event, 'H_SIGNAL_SYS_RESET');",
    "void hypercalls(event, 'H_SIGNAL_SYSRESET');",
  ],
  ['a kind', "void (event.kind === 'census');", "void (event.kind === 'cencus');"],
  [
    'a register',
    "if (event.kind === 'fetch') void event.regs.r3;",
    "if (event.kind === 'fetch') void event.regs.r7;",
  ],
  ['a rule', "export const name: RuleName = 'path-panic';", "export const name: RuleName = 'path-panics';"],
  [
    'a rule without a judge',
    "const { 'path-panic': first, ...rest } = others; export const all: Readonly<Record<RuleName, Judge>> = { ...rest, 'path-panic': first };",
    "const { 'path-panic': first, ...rest } = others; export const all: Readonly<Record<RuleName, Judge>> = rest; void first;",
  ],
];

describe('what a rule asks for', () => {
  const found = compileLines(
    import.meta.dirname,
    PRELUDE,
    LINES.flatMap(([, right, wrong]) => [right, wrong]),
  );

  it.each(LINES.map(([what], i) => [what, i] as const))(
    '%s: spelt rightly it compiles, misspelt it does not',
    (_what, i) => {
      expect(found[2 * i]).toEqual([]);
      expect(found[2 * i + 1]).not.toEqual([]);
    },
  );
});
