/** Branch facility, Power ISA 3.0B, Book I, chapter 2. In the book's order. */

import { form, type Row, rows } from './row.ts';

export const BRANCH: readonly Row[] = [
  ...rows('b', 18, null, 'LI', 'branch', { fixed: [[30, 31, 0]], spins: true }),
  ...rows('ba', 18, null, 'LI', 'branch', { fixed: [[30, 31, 2]] }),
  ...rows('bl', 18, null, 'LI', 'branch', { fixed: [[30, 31, 1]], spins: true }),
  ...rows('bla', 18, null, 'LI', 'branch', { fixed: [[30, 31, 3]] }),
  ...rows('bc', 16, null, 'BO BIF BIM BD', 'branch', { fixed: [[30, 31, 0]], spins: true }),
  ...rows('bca', 16, null, 'BO BIF BIM BD', 'branch', { fixed: [[30, 31, 2]] }),
  ...rows('bcl', 16, null, 'BO BIF BIM BD', 'branch', { fixed: [[30, 31, 1]], spins: true }),
  ...rows('bcla', 16, null, 'BO BIF BIM BD', 'branch', { fixed: [[30, 31, 3]] }),
  ...rows('bclr', 19, [21, 30, 16], 'BO BIF BIM', 'branch', { fixed: [[31, 31, 0]], spins: true }),
  ...rows('bclrl', 19, [21, 30, 16], 'BO BIF BIM', 'branch', { fixed: [[31, 31, 1]], spins: true }),
  ...rows('bcctr', 19, [21, 30, 528], 'BO BIF BIM', 'branch', { fixed: [[31, 31, 0]], spins: true }),
  ...rows('bcctrl', 19, [21, 30, 528], 'BO BIF BIM', 'branch', { fixed: [[31, 31, 1]], spins: true }),
  ...rows('bctar', 19, [21, 30, 560], 'BO BIF BIM', 'branch', { fixed: [[31, 31, 0]], special: 'noTarget' }),
  ...rows('bctarl', 19, [21, 30, 560], 'BO BIF BIM', 'branch', { fixed: [[31, 31, 1]], special: 'noTarget' }),
  ...form.X('crand', 19, 257, 'BT BA BB', 'registers', { spins: true }),
  ...form.X('crnand', 19, 225, 'BT BA BB', 'registers', { spins: true }),
  ...form.X('cror', 19, 449, 'BT BA BB', 'registers', { hot: true, spins: true }),
  ...form.X('crxor', 19, 193, 'BT BA BB', 'registers', { spins: true }),
  ...form.X('crnor', 19, 33, 'BT BA BB', 'registers', { spins: true }),
  ...form.X('creqv', 19, 289, 'BT BA BB', 'registers', { spins: true }),
  ...form.X('crandc', 19, 129, 'BT BA BB', 'registers', { spins: true }),
  ...form.X('crorc', 19, 417, 'BT BA BB', 'registers', { spins: true }),
  ...form.X('mcrf', 19, 0, 'BF BFA', 'registers', { hot: true, spins: true }),
];
