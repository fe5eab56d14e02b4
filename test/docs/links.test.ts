/**
 * What the pages name exists: files behind relative links, headings behind `#…`, and paths written as `src/…/file.ts`.
 * Left out: addresses on the web, and paths inside a guest, a data folder or another project.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { PROBLEMS } from '../../src/server/http/shared/problem.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Folders of the package: a path that begins with one of them is a path in this repository. */
const TOP = 'src|test|docs|guest|web|bench|scripts|migrations|\\.ci';
/** `src/a/b.ts`, `docs/x.md`, `guest/kernel`; braces and stars stand for several files. */
const PATH = new RegExp(`^(?:${TOP})/[\\w./@+{},*-]*$`);
const LINK = /\]\(([^)\s]+)\)/g;
const CODE = /`([^`\n]+)`/g;
const FENCE = /^(```|~~~)[\s\S]*?^\1/gm;

/** Paths that stand for any: `migrations/NNN_verb_noun.sql`, `src/a/b.ts`, `src/x.ts`. */
const EXAMPLE = /\/NNN|^src\/(?:a\/b|x)\.ts$/;

/** Rows of tables that are no rules. */
const VERDICTS: readonly string[] = ['not-reached', 'not-applicable', 'not-evaluated'];

type Reference = { readonly page: string; readonly text: string; readonly missing: boolean };

/** Every page that git knows, or that is new; not those of installed packages. */
function pages(): string[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return listed.split('\n').filter((name) => name !== '' && existsSync(join(ROOT, name)));
}

/** The anchors that a page's headings make, as GitHub makes them. */
function anchors(text: string): ReadonlySet<string> {
  const headings = [...text.replace(FENCE, '').matchAll(/^#+ +(.+)$/gm)].map(([, title = '']) => title);
  return new Set(
    headings.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function linksOf(page: string, text: string): Reference[] {
  return [...text.matchAll(LINK)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : normalize(join(dirname(page), path));
      const found = existsSync(join(ROOT, file));
      const hasAnchor =
        anchor === undefined ||
        (found && anchors(readFileSync(join(ROOT, file), 'utf8')).has(decodeURIComponent(anchor)));
      return { page, text: target, missing: !found || !hasAnchor };
    });
}

function pathsOf(page: string, text: string): Reference[] {
  return [...text.matchAll(CODE)]
    .map(([, word = '']) => word.replace(/[:#]\d+$/, ''))
    .filter((word) => PATH.test(word) && !EXAMPLE.test(word))
    .flatMap((word) => expand(word).map((path) => ({ page, text: word, missing: !exists(path) })));
}

/** `a/{b,c}.ts` → `a/b.ts`, `a/c.ts`. */
function expand(word: string): string[] {
  const braces = /^(.*?)\{([^{}]*)\}(.*)$/.exec(word);
  if (braces === null) return [word];
  const [, before = '', inner = '', after = ''] = braces;
  return inner.split(',').flatMap((each) => expand(`${before}${each}${after}`));
}

/** A star stands for any name: its folder must exist. */
function exists(path: string): boolean {
  const star = path.indexOf('*');
  return existsSync(join(ROOT, star < 0 ? path : path.slice(0, path.lastIndexOf('/', star))));
}

describe('docs', () => {
  const texts = pages().map((page) => [page, readFileSync(join(ROOT, page), 'utf8')] as const);

  it('links: every relative link → a file, and a heading where it names one', () => {
    const links = texts.flatMap(([page, text]) => linksOf(page, text));
    expect(links.length).toBeGreaterThan(100);
    expect(links.filter(({ missing }) => missing)).toEqual([]);
  });

  it('paths: every `folder/file` of ours → exists', () => {
    const paths = texts.flatMap(([page, text]) => pathsOf(page, text));
    expect(paths.length).toBeGreaterThan(100);
    expect(paths.filter(({ missing }) => missing)).toEqual([]);
  });

  it('links and paths that lead nowhere → found', () => {
    const text =
      '[a](nowhere.md) [b](README.md#no-such-heading) [c](README.md) `src/nowhere.ts` `src/cli/main.ts`';
    expect(linksOf('docs/README.md', text).map(({ missing }) => missing)).toEqual([true, true, false]);
    expect(pathsOf('docs/README.md', text).map(({ missing }) => missing)).toEqual([true, false]);
    expect(pathsOf('docs/README.md', '`src/{cli,nowhere}/main.ts`').map(({ missing }) => missing)).toEqual([
      false,
      true,
    ]);
  });

  it('index: docs/README.md → names every page of docs/', () => {
    const index = readFileSync(join(ROOT, 'docs/README.md'), 'utf8');
    const unnamed = pages()
      .filter((page) => page.startsWith('docs/') && page !== 'docs/README.md')
      .filter((page) => !index.includes(`](${page.slice('docs/'.length)})`));
    expect(unnamed).toEqual([]);
  });

  it('handoff.md: its rules → those of rules.md, in the same order', () => {
    // rules.md may have several tables.
    const rules = (page: string): string[] => {
      const rows = readFileSync(join(ROOT, page), 'utf8').matchAll(/^\| `([a-z0-9]+(?:-[a-z0-9]+)+)` \|/gm);
      const names = [...rows].map(([, name = '']) => name);
      return [...new Set(names)].filter((name) => !VERDICTS.includes(name));
    };
    const contract = rules('docs/handoff.md');
    expect(contract.length).toBeGreaterThan(30);
    expect(contract).toEqual(rules('docs/rules.md'));
  });

  it('troubleshooting: every code of docs/errors.md and every kind of problem → has a row', () => {
    const guide = readFileSync(join(ROOT, 'docs/troubleshooting.md'), 'utf8');
    const errors = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8');
    const codes = [...errors.matchAll(/^\| `([a-z0-9]+\/[a-z0-9-]+)` \|/gm)].map(([, code = '']) => code);
    expect(codes.length).toBeGreaterThan(80);
    const wanted = [...codes, ...Object.keys(PROBLEMS)];
    expect(wanted.filter((code) => !guide.includes(`\`${code}\``))).toEqual([]);
  });
});
