/** Documents that are written in parts (docs/benchmarks.md, docs/matrix.md): a part replaces its own section and leaves the others as they were. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';

export type Section = { readonly name: string; readonly title: string; readonly text: readonly string[] };

const HEAD = `# Benchmarks

Written by \`npm run bench\`; do not edit. Every section says at which commit and on which machine it was measured; figures of different sections are not to be compared unless both are the same. Runs of ours and of QEMU alternate, so that what else the machine does falls on both.`;

/** The order of sections. */
const ORDER = ['programs', 'byte-order', 'linux', 'memory'];

/** Puts sections in, each with `stamp`, which says where and at what commit it was measured. */
export function updateReport(path: string, sections: readonly Section[], stamp: string): void {
  const stamped = sections.map((section) => ({ ...section, text: [stamp, ...section.text] }));
  updateSections(path, HEAD, ORDER, stamped);
}

/** The same for any document: its head, and the names of its sections in order. */
export function updateSections(
  path: string,
  head: string,
  order: readonly string[],
  sections: readonly Section[],
): void {
  const kept = new Map(existsSync(path) ? parseSections(readFileSync(path, 'utf8')) : []);
  for (const { name, title, text } of sections) kept.set(name, [`## ${title}`, ...text].join('\n\n'));
  const bodies = order.flatMap((name) => {
    const body = kept.get(name);
    return body === undefined ? [] : [`<!-- ${name} -->\n${body}\n<!-- end of ${name} -->`];
  });
  writeFileSync(path, `${[head, ...bodies].join('\n\n')}\n`);
}

/** Replaces the part of a document between its two marks; all else stays. @throws Error where the document has no such part */
export function updatePart(path: string, name: string, text: readonly string[]): void {
  const before = readFileSync(path, 'utf8');
  const part = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(\\n<!-- end of ${name} -->)`);
  if (!part.test(before)) throw new Error(`${path} has no part ${name}`);
  writeFileSync(
    path,
    before.replace(part, (_, head: string, end: string) => head + text.join('\n\n') + end),
  );
}

function parseSections(text: string): [string, string][] {
  return [...text.matchAll(/<!-- ([a-z-]+) -->\n([\s\S]*?)\n<!-- end of \1 -->/g)].map((found) => [
    found[1] ?? '',
    found[2] ?? '',
  ]);
}

/** A Markdown table; all columns but the first are right-aligned. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}
