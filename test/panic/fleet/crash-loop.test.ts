import { expect, test } from 'vitest';
import { crashLoop } from '../../../src/panic/fleet/crash-loop.ts';

test.each<[string, readonly number[], boolean]>([
  ['never started', [], false],
  ['died once', [100], false],
  ['died twice, each time at once', [100, 30_000], true],
  ['died long ago', [60_000, 90_000], false],
  ['the start before lasted', [100, 60_100], false],
  ['the clock was set back since', [-3600_000, -3500_000], false],
  ['the clock was set back between the starts', [100, -3600_000], false],
])('crashLoop: %s', (_what, ages, isLoop) => {
  expect(crashLoop(ages) !== undefined).toBe(isLoop);
});
