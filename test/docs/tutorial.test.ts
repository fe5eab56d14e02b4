/**
 * The tutorial shows what its commands print: every crash of the built-in guest in it is run, and its blocks are compared with
 * the traces. UPDATE_DOCS=1 draws the blocks again; the sentences around them are the writer's.
 *
 *     <!-- FILE: events FROM .. TO -->          events by their words, from the first FROM to the first TO after it
 *     <!-- FILE: events FROM .. TO, CPUs 0 3 --> of these CPUs alone
 *     <!-- FILE: instants -->                   T0 to T4
 *     <!-- FILE: rules VERDICT -->              rules with this verdict, and their notes
 *
 * Left out: the stacks that gdb prints, whose lines change with every edit of the guest (test/guest/backtrace.test.ts).
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Trace, upgradeTrace } from '../../src/panic/trace/index.ts';

const PAGE = fileURLToPath(new URL('../../docs/tutorial.md', import.meta.url));
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const UPDATE = process.env.UPDATE_DOCS === '1';
const LIMIT = { timeout: 300_000 };

const COMMAND = /^ {4}npx kdumpd (crash --image built-in .*--trace (\S+).*)$/gm;
const BLOCK = /<!-- (\S+): (events|instants|rules) ?(.*?) -->\n[\s\S]*?<!-- end -->/g;

/** Runs a command line of the page in `folder`, without its dump. @returns its exit code */
function run(words: string, folder: string): number | null {
  const args = words.replace(/ --vmcore \S+/, '').split(' ');
  const done = spawnSync(process.execPath, [MAIN, ...args], { cwd: folder, encoding: 'utf8' });
  expect(done.stderr).toContain('\ncaptured: ');
  return done.status;
}

function draw(trace: Trace, what: string, of: string): string {
  switch (what) {
    case 'events':
      return ['```', ...drawEvents(trace, of), '```'].join('\n');
    case 'instants':
      return drawInstants(trace);
    default:
      return ['```', ...drawRules(trace, of), '```'].join('\n');
  }
}

function drawEvents({ events }: Trace, of: string): string[] {
  const [, from = '', to = '', cpus] = /^(.+?) \.\. (.+?)(?:, CPUs ([\d -]+))?$/.exec(of) ?? [];
  const start = events.findIndex(({ text }) => text.startsWith(from));
  const end = events.findIndex(({ text, n }) => n > start && text.startsWith(to));
  expect([start, end], `${from} .. ${to}`).not.toContain(-1);
  const wanted = cpus?.split(' ').map(Number);
  return events
    .slice(start, end + 1)
    .filter(({ cpu }) => wanted === undefined || wanted.includes(cpu))
    .map((event) =>
      [
        grouped(event.insn).padStart(10),
        event.cpu < 0 ? 'device' : `CPU ${event.cpu} `,
        event.kind.padEnd(9),
        event.text,
        'symbol' in event && event.symbol !== undefined ? `  (${event.symbol})` : '',
      ]
        .join('  ')
        .trimEnd(),
    );
}

function drawInstants({ instants }: Trace): string {
  const rows = Object.entries(instants).map(
    ([name, { insn, cpu }]) =>
      `| **${name.toUpperCase()}** | ${grouped(insn)} | ${cpu < 0 ? 'the dump disk' : `CPU ${cpu}`} |`,
  );
  return ['| instant | instruction | by |', '|---|---|---|', ...rows].join('\n');
}

function drawRules({ rules }: Trace, verdict: string): string[] {
  return rules.filter((rule) => rule.verdict === verdict).map(({ name, note = '' }) => `${name}: ${note}`);
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

describe('docs/tutorial.md', () => {
  it('every block → what the commands of the page print', LIMIT, () => {
    const text = readFileSync(PAGE, 'utf8');
    const folder = mkdtempSync(join(tmpdir(), 'kdumpd-tutorial-'));
    try {
      const codes = [...text.matchAll(COMMAND)].map(([, words = '']) => run(words, folder));
      // The first crash breaks nothing; the others break something on purpose.
      expect(codes).toEqual([0, 1, 1]);
      let blocks = 0;
      const drawn = text.replace(BLOCK, (_, file: string, what: string, of: string) => {
        blocks++;
        const trace = upgradeTrace(JSON.parse(readFileSync(join(folder, file), 'utf8')));
        return `<!-- ${`${file}: ${what} ${of}`.trim()} -->\n${draw(trace, what, of)}\n<!-- end -->`;
      });
      expect(blocks).toBeGreaterThan(6);
      if (UPDATE) writeFileSync(PAGE, drawn);
      expect(readFileSync(PAGE, 'utf8')).toBe(drawn);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
