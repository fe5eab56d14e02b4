/**
 * Finds what makedumpfile printed of its own work. Source: makedumpfile.c b7587f1, print_report: hexadecimal numbers of pages
 * of the kernel's size, printed where the message level has 16.
 */

import type { PageKind, ToolReport } from '../trace/index.ts';

const LINE =
  /^\s*(Original pages|Pages filled with zero|Non-private cache pages|Private cache pages|User process data pages|Free pages|Hwpoison pages|Offline pages|Remaining pages)\s*:\s*0x([0-9a-f]{1,16})\s*$/;
const KINDS: Readonly<Record<string, PageKind>> = {
  'Pages filled with zero': 'zero',
  'Non-private cache pages': 'cache',
  'Private cache pages': 'private',
  'User process data pages': 'user',
  'Free pages': 'free',
  'Hwpoison pages': 'poisoned',
  'Offline pages': 'offline',
};

/** The last report on a console; undefined where there is none. */
export function toolReport(console: string): ToolReport | undefined {
  let original: number | undefined;
  let excluded: Partial<Record<PageKind, number>> = {};
  let found: ToolReport | undefined;
  for (const line of console.split(/\r?\n/)) {
    const [, name, digits] = LINE.exec(line) ?? [];
    if (name === undefined || digits === undefined) continue;
    const pages = Number.parseInt(digits, 16);
    const kind = KINDS[name];
    if (kind !== undefined) excluded[kind] = pages;
    else if (name === 'Original pages') [original, excluded] = [pages, {}];
    else if (original !== undefined) found = { original, excluded, remaining: pages };
  }
  return found;
}
