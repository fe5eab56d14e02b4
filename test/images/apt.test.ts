import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { parseIndex, withoutPlaces } from '../../src/images/apt.ts';
import { importDebian } from '../../src/images/debian.ts';

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

it('parseIndex: stanzas → names, sections and what is needed, alternatives together', () => {
  const text = `Package: makedumpfile
Section: admin
Pre-Depends: libc6 (>= 2.36)
Depends: perl:any, libdw1 (>= 0.168) | libdw1t64,
 zlib1g

Package: libdw1t64
Section: contrib/libs

`;
  expect(parseIndex(text)).toEqual([
    {
      name: 'makedumpfile',
      isLibrary: false,
      needs: [['libc6'], ['perl'], ['libdw1', 'libdw1t64'], ['zlib1g']],
    },
    { name: 'libdw1t64', isLibrary: true, needs: [] },
  ]);
});

it('a suite → packages of that suite from the machine’s mirrors of Debian, security apart', async () => {
  const root = await mkdtemp(join(tmpdir(), 'kdumpd-apt-'));
  const bin = join(root, 'bin');
  await mkdir(bin);
  const apt = `#!/bin/sh
case "$*" in
*indextargets*) printf '%s\\n' http://mirror.example/debian http://mirror.example/debian-security http://mirror.example/debian ;;
*update*) for word; do case $word in Dir::Etc::SourceList=*) cat "\${word#*=}" >${root}/list ;; esac; done ;;
esac
`;
  for (const name of ['apt-get', 'apt-cache']) await writeFile(join(bin, name), apt, { mode: 0o755 });
  vi.stubEnv('PATH', `${bin}:${process.env.PATH}`);
  try {
    const load = (suite: string) => importDebian({ imageRoot: join(root, 'images'), name: 'x', suite });
    await expect(load('trixie')).rejects.toMatchObject({ code: 'import/package-missing' });
    const list = (await readFile(join(root, 'list'), 'utf8')).replace(/\[signed-by=\S+\] /, '');
    expect(list).toBe('deb http://mirror.example/debian trixie main\n');
    await expect(load('a suite')).rejects.toMatchObject({ message: '"a suite" is no suite' });
  } finally {
    vi.unstubAllEnvs();
    await rm(root, { recursive: true, force: true });
  }
});
