import { describe, expect, it } from 'vitest';
import { Past } from '../../../src/panic/guest/past.ts';

const AT = { insn: 100, slice: 3, resting: false };

describe('Past', () => {
  it('what was typed is kept byte for byte, with its place', () => {
    const past = new Past();
    past.readySeconds = 2;
    past.typed({ ...AT, resting: true }, 0, Uint8Array.of(0x0f, 0x63, 0xff));
    past.typed(AT, 0, new Uint8Array(0));
    expect(past.input).toEqual([{ insn: 100, slice: 3, vty: 0, text: '\x0fc\xff', resting: true }]);
    expect(past.obstacles).toEqual([]);
  });

  it.each<[string, string, (past: Past) => void]>([
    ['more than is kept', 'more was typed', (past) => past.typed(AT, 0, new Uint8Array(4097))],
    [
      'typed while held',
      'an image was being loaded',
      (past) => past.typed({ ...AT, held: true }, 0, Uint8Array.of(1)),
    ],
    [
      'typed at a rest of the boot',
      'before it was ready',
      (past) => past.typed({ ...AT, resting: true }, 0, Uint8Array.of(1)),
    ],
    ['asked twice', 'before, in the same power cycle', (past) => [past.asked(), past.asked()]],
  ])('%s → it cannot be repeated, and says why', (_what, why, act) => {
    const past = new Past();
    act(past);
    expect(past.obstacles).toEqual([expect.stringContaining(why)]);
  });
});
