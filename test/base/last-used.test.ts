import { expect, it } from 'vitest';
import { LastUsed } from '../../src/base/last-used.ts';

it('LastUsed: more than it keeps → the one that was not used for the longest is made again', () => {
  const made: string[] = [];
  const kept = new LastUsed<string, string>(2);
  const get = (key: string): string =>
    kept.get(key, () => {
      made.push(key);
      return `${key}${made.length}`;
    });
  expect([get('a'), get('b'), get('a'), get('c'), get('a')]).toEqual(['a1', 'b2', 'a1', 'c3', 'a1']);
  expect(get('b')).toBe('b4');
  kept.delete('a');
  expect(get('a')).toBe('a5');
  expect(made).toEqual(['a', 'b', 'c', 'b', 'a']);
});
