import { expect, it } from 'vitest';
import { withoutPlaces } from '../../src/images/apt.ts';

it.each([
  [
    'Could not open lock file /tmp/x/data/images/.import-1/scratch/apt/lists/lock - open (13: Permission denied)',
    'Could not open lock file lock - open (13: Permission denied)',
  ],
  [
    'Failed to fetch http://user:word@proxy.example/debian/dists/x/InRelease  403',
    'Failed to fetch http://proxy.example/debian/dists/x/InRelease  403',
  ],
  ['Failed to fetch file:/srv/mirror/dists/x  File not found', 'Failed to fetch x  File not found'],
  [
    "The list of sources '/etc/apt/sources.list' could not be read",
    "The list of sources 'sources.list' could not be read",
  ],
  ['Unable to locate package linux-image', 'Unable to locate package linux-image'],
])('withoutPlaces: %s', (line, expected) => {
  expect(withoutPlaces(line)).toBe(expected);
});
