import { expect, it } from 'vitest';
import { oneLine } from '../../src/cli/one-line.ts';

it.each([
  ['panic \u001b[2J\u001b]0;title\u0007', 'panic \\x1b[2J\\x1b]0;title\\x07'],
  ['first\nkdumpd: forged\r', 'first\\x0akdumpd: forged\\x0d'],
  ['\u009b31m', '\\x9b31m'],
  ['name\u202etxt.exe', 'name\\u{202e}txt.exe'],
  ['plain ü 💥 “text”', 'plain ü 💥 “text”'],
])('oneLine: %j', (text, expected) => {
  expect(oneLine(text)).toBe(expected);
});

it('oneLine: what it lets pass → nothing that a terminal acts on', () => {
  for (let code = 0; code < 0x3000; code++) {
    const out = oneLine(String.fromCharCode(code));
    if (out.length === 1) expect(/[\p{Cc}\p{Bidi_Control}]/u.test(out)).toBe(false);
  }
});
