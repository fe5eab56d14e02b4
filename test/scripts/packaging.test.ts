/** What is installed and shipped: the lockfile, the image and what its build sees. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { oldestMajor, pinnedRuntime } from '../../scripts/lib/runtime.mjs';

const read = (name: string): string => readFileSync(join(import.meta.dirname, '..', '..', name), 'utf8');

type Package = { version?: string; integrity?: string; hasInstallScript?: boolean };

describe('package-lock.json', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Package> };
  const installed = Object.entries(packages).filter(([path]) => path !== '');

  it('every package has a sha512', () => {
    const without = installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'));
    expect(without.map(([path]) => path)).toEqual([]);
  });

  it('no package runs a program at install: nothing is compiled or downloaded from elsewhere', () => {
    expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m);
    const { allowScripts } = JSON.parse(read('package.json')) as { allowScripts: Record<string, boolean> };
    const scripted = installed.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    const names = scripted.map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 13));
    expect(names.filter((name) => allowScripts[name] !== false)).toEqual([]);
    expect(Object.values(allowScripts)).not.toContain(true);
  });
});

describe('Dockerfile', () => {
  const lines = read('Dockerfile')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const starting = (word: string): string[] => lines.filter((line) => line.startsWith(`${word} `));

  it('both stages run the pinned Node, of the image without a compiler', () => {
    expect(starting('ARG')).toEqual([`ARG NODE_IMAGE=node:${pinnedRuntime.version}-bookworm-slim`]);
    expect(starting('FROM').map((line) => line.split(' ')[1])).toEqual([
      '$' + '{NODE_IMAGE}',
      '$' + '{NODE_IMAGE}',
    ]);
    expect(Number.parseInt(pinnedRuntime.version, 10)).toBeGreaterThanOrEqual(oldestMajor);
    expect(lines.join('\n')).not.toMatch(/g\+\+|gcc|build-essential|python|nodedir/);
  });

  it('dependencies are installed before the sources are copied', () => {
    const at = (start: string): number => lines.findIndex((line) => line.startsWith(start));
    expect(at('COPY package.json package-lock.json')).toBeGreaterThan(0);
    expect(at('RUN npm ci')).toBeGreaterThan(at('COPY package.json package-lock.json'));
    expect(at('COPY . .')).toBeGreaterThan(at('RUN npm ci'));
    expect(at('RUN npm run build')).toBeGreaterThan(at('COPY . .'));
  });

  it('an init process is process 1', () => {
    expect(starting('RUN').join('\n')).toMatch(/apt-get install .*\btini\b/);
    const [entry] = starting('ENTRYPOINT').map((line) => JSON.parse(line.slice(11)) as string[]);
    expect(entry?.slice(0, 3)).toEqual(['/usr/bin/tini', '--', 'node']);
    expect(entry?.[3]).toBe('dist/cli/main.js');
  });

  it('.dockerignore: what the image takes from the build is let in; what is fetched or built here is not', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    expect(read('.dockerignore').split('\n')[0]).toBe('*');
    const taken = starting('COPY')
      .flatMap((line) => [...line.matchAll(/\/app\/([\w.-]+)/g)].map(([, name]) => name ?? ''))
      .filter((name) => name !== 'node_modules' && name !== 'dist');
    expect(taken).toEqual(expect.arrayContaining(['docs', 'guest', 'migrations', 'package.json']));
    expect(allowed).toEqual(expect.arrayContaining([...taken, 'scripts', 'src', 'web', 'package-lock.json']));
    for (const name of ['.runtime', 'node_modules', 'dist', '.']) expect(allowed).not.toContain(name);
  });
});
