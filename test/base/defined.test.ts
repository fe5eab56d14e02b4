import { describe, expect, it } from 'vitest';
import { defined } from '../../src/base/defined.ts';

describe('defined', () => {
  it('defined: some values undefined → they are absent, the others in order', () => {
    const made: { readonly a?: number; readonly b: null; readonly c?: 'x' | 'y' } = defined({
      a: undefined,
      b: null,
      c: 'x',
    });
    expect(Object.entries(made)).toEqual([
      ['b', null],
      ['c', 'x'],
    ]);
  });

  it('defined: false, 0 and empty text → stay', () => {
    expect(defined({ a: false, b: 0, c: '' })).toEqual({ a: false, b: 0, c: '' });
  });
});
