/** The Node that is fetched, from a registry that this test serves, and what is handed over to it. */

import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ensureRuntime, type PinnedRuntime, pinnedRuntime } from '../../scripts/lib/runtime.mjs';
import { synthTar } from '../synth/deb.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PLATFORM = `${process.platform}-${process.arch}`;
const NAME = `node-${PLATFORM}`;
const VERSION = '99.1.2';

/** A package whose node is a shell script that says `version`. */
function runtimePackage(version: string): Buffer {
  const file = (path: string, data: string, mode = 0o644) => ({ path: `package/${path}`, data, mode });
  return gzipSync(
    synthTar([
      file('package.json', JSON.stringify({ name: NAME, version: VERSION })),
      file('bin/node', `#!/bin/sh\necho v${version}\n`, 0o755),
      file('include/node/node.h', ''),
      file('LICENSE', 'free'),
    ]),
  );
}

function pinnedTo(tarball: Uint8Array): PinnedRuntime {
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  return { version: VERSION, packages: { [PLATFORM]: { name: NAME, integrity } } };
}

let folder = '';
let store = '';
let server: Server;
let requests: string[];
let tarball: Buffer;
/** Resolves when the package itself is asked for; it is not served while `hangs`. */
let asked: Promise<void>;
let hangs: boolean;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kdumpd-runtime-'));
  store = join(folder, '.runtime');
  requests = [];
  hangs = false;
  tarball = runtimePackage(VERSION);
  let ask: () => void;
  asked = new Promise((resolve) => {
    ask = resolve;
  });
  server = createServer((request, response) => {
    requests.push(request.url ?? '');
    if (request.url === `/${NAME}`) {
      const dist = { tarball: `http://${request.headers.host}/package.tgz` };
      const versions = { [VERSION]: { name: NAME, version: VERSION, dist } };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ name: NAME, 'dist-tags': { latest: VERSION }, versions }));
    } else if (request.url === '/package.tgz') {
      ask();
      if (hangs) response.write(tarball.subarray(0, 100));
      else response.end(tarball);
    } else {
      response.statusCode = 404;
      response.end('{}');
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  vi.stubEnv('npm_config_registry', `http://127.0.0.1:${port}/`);
  vi.stubEnv('npm_config_cache', join(folder, 'cache'));
  vi.stubEnv('npm_config_fetch_retries', '0');
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

describe('ensureRuntime', () => {
  it('nothing there → fetched, only what runs is kept; a second time nothing is asked for', async () => {
    const node = await ensureRuntime(store, pinnedTo(tarball));
    const home = `${NAME}-${VERSION}`;
    expect(node).toBe(join(store, home, 'bin', 'node'));
    expect(readdirSync(store)).toEqual([home]);
    expect(readdirSync(join(store, home)).sort()).toEqual(['LICENSE', 'bin']);
    expect(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout).toBe(`v${VERSION}\n`);

    requests = [];
    expect(await ensureRuntime(store, pinnedTo(tarball))).toBe(node);
    expect(requests).toEqual([]);
  });

  it('another package than the pinned one → refused, nothing is left', async () => {
    const pinned = pinnedTo(tarball);
    tarball = runtimePackage(`${VERSION}-evil`);
    await expect(ensureRuntime(store, pinned)).rejects.toThrow('could not be fetched');
    expect(vi.mocked(process.stderr.write).mock.calls.join('')).toContain('EINTEGRITY');
    expect(readdirSync(store)).toEqual([]);
  });

  it('a program of another version → refused, nothing is left', async () => {
    tarball = runtimePackage('1.0.0');
    await expect(ensureRuntime(store, pinnedTo(tarball))).rejects.toThrow('says that it is v1.0.0');
    expect(readdirSync(store)).toEqual([]);
  });

  it('no registry → the message of npm, nothing is left', async () => {
    vi.stubEnv('npm_config_registry', 'http://127.0.0.1:9/');
    await expect(ensureRuntime(store, pinnedTo(tarball))).rejects.toThrow('could not be fetched');
    expect(vi.mocked(process.stderr.write).mock.calls.join('')).toContain('ECONNREFUSED');
    expect(readdirSync(store)).toEqual([]);
  });

  it('a platform without a pinned package → says which Node to install', async () => {
    const pinned = { version: VERSION, packages: {} };
    await expect(ensureRuntime(store, pinned)).rejects.toThrow(/none can be fetched for .*install Node 99/);
    expect(requests).toEqual([]);
  });

  it('two at the same time → both get it', async () => {
    const pinned = pinnedTo(tarball);
    const [a, b] = await Promise.all([ensureRuntime(store, pinned), ensureRuntime(store, pinned)]);
    expect(a).toBe(b);
    expect(readdirSync(store)).toEqual([`${NAME}-${VERSION}`]);
  });

  it('interrupted by a signal → ends by it and leaves nothing; left by a killed one → the next fetch clears up', async () => {
    hangs = true;
    const script = program(`
      import { ensureRuntime } from ${lib('runtime.mjs')};
      import { endLike } from ${lib('signals.mjs')};
      await ensureRuntime(${JSON.stringify(store)}, ${JSON.stringify(pinnedTo(tarball))}).catch(endLike);
    `);
    const terminated = start(script);
    await asked;
    terminated.kill('SIGTERM');
    expect(await ended(terminated)).toMatchObject({ code: null, signal: 'SIGTERM' });
    expect(readdirSync(store)).toEqual([]);

    mkdirSync(join(store, `fetch-${terminated.pid}-abcdef`, 'node_modules'), { recursive: true });
    hangs = false;
    await ensureRuntime(store, pinnedTo(tarball));
    expect(readdirSync(store)).toEqual([`${NAME}-${VERSION}`]);
  });
});

describe('handOver', () => {
  /** A program that starts itself again, once, and then does `second`. */
  const twice = (second: string): string =>
    program(`
      import { handOver } from ${lib('runtime.mjs')};
      if (process.env.SECOND === undefined) {
        process.env.SECOND = String(process.pid);
        await handOver(process.execPath);
      }
      ${second}
    `);

  it('arguments, options of Node, input, outputs and exit code → the same', async () => {
    const script = twice(`
      process.stdin.pipe(process.stdout);
      process.stdin.on('end', () => {
        console.error(JSON.stringify([process.argv.slice(1), process.execArgv]));
        process.exitCode = 7;
      });
    `);
    const args = ['--no-warnings', script, 'serve', '--', '', 'a b', '--flag=*'];
    const run = spawnSync(process.execPath, args, { input: 'through', encoding: 'utf8' });
    expect(run).toMatchObject({ status: 7, stdout: 'through' });
    expect(JSON.parse(run.stderr)).toEqual([args.slice(1), ['--no-warnings']]);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const)(
    '%s → passed on; its answer is the exit code of both',
    async (signal) => {
      const child = start(
        twice(`
          process.on('${signal}', () => process.exit(42));
          setInterval(() => {}, 1000);
          console.log('ready');
        `),
      );
      await saying(child, 'ready');
      child.kill(signal);
      expect(await ended(child)).toMatchObject({ code: 42, signal: null });
    },
  );

  it('killed → the one that took over is ended by SIGTERM, as in order', async () => {
    const child = start(
      program(`
        import { enterRuntime, handOver } from ${lib('runtime.mjs')};
        if (process.env.SECOND === undefined) {
          process.env.SECOND = '1';
          await handOver(process.execPath);
        }
        await enterRuntime();
        process.on('SIGTERM', () => {
          console.log('in order.');
          process.exit(0);
        });
        setInterval(() => {}, 1000);
        console.log('ready.');
      `),
    );
    await saying(child, 'ready.');
    child.kill('SIGKILL');
    await saying(child, 'in order.');
  });

  it('nothing left to do → the channel to the one that waits does not keep the process', async () => {
    const child = start(
      program(`
        import { enterRuntime, handOver } from ${lib('runtime.mjs')};
        if (process.env.SECOND === undefined) {
          process.env.SECOND = '1';
          await handOver(process.execPath);
        }
        await enterRuntime();
        process.exitCode = 9;
      `),
    );
    expect(await ended(child)).toMatchObject({ code: 9, signal: null });
  });

  it('ended by a signal → both are ended by it', async () => {
    for (const signal of ['SIGTERM', 'SIGKILL'])
      expect(
        await ended(start(twice(`process.kill(process.pid, '${signal}'); setInterval(() => {}, 1000);`))),
      ).toMatchObject({ code: null, signal });
  });
});

describe('dropRepeatedSignals', () => {
  it('one signal three times at once → handled once; later again → handled again', async () => {
    const child = start(
      program(`
        import { dropRepeatedSignals } from ${lib('signals.mjs')};
        dropRepeatedSignals();
        let count = 0;
        process.on('SIGTERM', () => console.log('seen ' + ++count + '.'));
        process.on('SIGINT', () => process.exit(count));
        setInterval(() => {}, 1000);
        for (let i = 0; i < 3; i++) process.emit('SIGTERM', 'SIGTERM', 15);
        setTimeout(() => console.log('later.'), 400);
      `),
    );
    await saying(child, 'later.');
    child.kill('SIGTERM');
    await saying(child, 'seen 2.');
    child.kill('SIGINT');
    expect(await ended(child)).toMatchObject({ code: 2 });
  });

  it('a burst, and a handler that takes itself away and comes back → handled once', async () => {
    const child = start(
      program(`
        import { dropRepeatedSignals } from ${lib('signals.mjs')};
        dropRepeatedSignals();
        process.once('SIGINT', () => {
          const until = performance.now() + 100;
          while (performance.now() < until);
          process.on('SIGINT', () => process.exit(1));
          setTimeout(() => process.exit(5), 200);
        });
        setInterval(() => {}, 1000);
        console.log('ready.');
      `),
    );
    await saying(child, 'ready.');
    for (let i = 0; i < 20; i++) {
      child.kill('SIGINT');
      await setTimeout(2);
    }
    expect(await ended(child)).toMatchObject({ code: 5, signal: null });
  });

  it('no handler → ends by the signal', async () => {
    const child = start(
      program(`
        import { dropRepeatedSignals } from ${lib('signals.mjs')};
        dropRepeatedSignals();
        setInterval(() => {}, 1000);
        console.log('ready.');
      `),
    );
    await saying(child, 'ready.');
    child.kill('SIGINT');
    expect(await ended(child)).toMatchObject({ code: null, signal: 'SIGINT' });
  });
});

describe('kdumpd.mjs', () => {
  it('under a Node that is new enough → the command line in the same process', () => {
    const log = join(folder, 'processes');
    const note = join(folder, 'note.mjs');
    writeFileSync(
      note,
      `import { appendFileSync } from 'node:fs'; appendFileSync(${JSON.stringify(log)}, 'one,');`,
    );
    const kdumpd = (env: NodeJS.ProcessEnv): SpawnSyncReturns<string> =>
      spawnSync(process.execPath, [join(ROOT, 'scripts', 'kdumpd.mjs'), '--help'], { encoding: 'utf8', env });
    expect(kdumpd(process.env).status).toBe(0); // what it builds, where dist/ is old, is built by processes
    const run = kdumpd({ ...process.env, NODE_OPTIONS: `--import=${note}` });
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(run.stdout).toMatch(/^Usage: kdumpd /);
    expect(readFileSync(log, 'utf8')).toBe('one,');
  });

  it('a fresh clone → dependencies are installed first', () => {
    const clone = join(folder, 'clone');
    cpSync(join(ROOT, 'scripts'), join(clone, 'scripts'), { recursive: true });
    for (const name of ['package.json', 'package-lock.json']) cpSync(join(ROOT, name), join(clone, name));
    const npm = join(folder, 'npm');
    const made =
      'mkdir -p node_modules dist/cli && echo \'console.log(String(["runs", process.argv[2]]))\' > dist/cli/main.js';
    writeFileSync(npm, `#!/bin/sh\necho "npm $1" >&2\n${made}\n`, { mode: 0o755 });
    const { npm_execpath: _own, ...env } = process.env;
    const kdumpd = (): SpawnSyncReturns<string> =>
      spawnSync(process.execPath, [join(clone, 'scripts', 'kdumpd.mjs'), 'image'], {
        encoding: 'utf8',
        env: { ...env, PATH: `${folder}:${env.PATH}` },
      });
    const first = kdumpd();
    expect(first).toMatchObject({ status: 0, stdout: 'runs,image\n' });
    expect(first.stderr).toContain('npm ci');
    expect(kdumpd()).toMatchObject({ status: 0, stdout: 'runs,image\n', stderr: '' });
  });
});

describe('scripts', () => {
  const { scripts, bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
    bin: Record<string, string>;
  };

  it.each(Object.entries(scripts))('npm run %s → a script of ours', (_, command) => {
    expect(command).toMatch(/^((exec )?node scripts\/[\w-]+\.mjs|bash \.ci\/run$)/);
  });

  it('bin → a script of ours', () => {
    expect(Object.values(bin)).toEqual(['scripts/kdumpd.mjs']);
  });

  it.each(readdirSync(join(ROOT, 'scripts')).filter((name) => name.endsWith('.mjs')))(
    '%s → enters the runtime before anything else',
    (name) => {
      const statements = readFileSync(join(ROOT, 'scripts', name), 'utf8')
        .replace(/^#!.*\n/, '')
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .replace(/\/\/.*\n/g, '')
        .replace(/import [\s\S]*?;\n/g, '')
        .trim();
      expect(statements).toMatch(/^(const \w+ = (?!await)[^;]*;\s*)*await enterRuntime\(\);/);
    },
  );

  it('what runs before the installation imports nothing that is installed', () => {
    const folder = join(ROOT, 'scripts', 'lib');
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.mjs'))) {
      const imports = readFileSync(join(folder, name), 'utf8').matchAll(/^(?:import|} from) .*'(.+)';$/gm);
      for (const [, from] of imports) expect(from, name).toMatch(/^(node:|\.\/)/);
    }
  });

  it('the pinned version is one that engines accepts', () => {
    expect(Number.parseInt(pinnedRuntime.version, 10)).toBeGreaterThanOrEqual(24);
    for (const { integrity } of Object.values(pinnedRuntime.packages))
      expect(Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').length).toBe(64);
  });
});

/** Writes a program of its own file. */
function program(text: string): string {
  const path = join(folder, `program-${Math.random().toString(36).slice(2)}.mjs`);
  writeFileSync(path, text);
  return path;
}

function lib(name: string): string {
  const path = join(ROOT, 'scripts', 'lib', name);
  expect(existsSync(path)).toBe(true);
  return JSON.stringify(pathToFileURL(path).href);
}

function start(script: string): ChildProcess {
  return spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'ignore'] });
}

async function saying(child: ChildProcess, words: string): Promise<void> {
  let said = '';
  for await (const bytes of child.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    said += String(bytes);
    if (said.includes(words)) return;
  }
  throw new Error(`it ended after ${said}`);
}

async function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return { code: child.exitCode, signal: child.signalCode };
}
