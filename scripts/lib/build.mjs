/**
 * Builds dist/: the server from src/ with tsc (src/x.ts becomes dist/x.js) and finish-server.mjs, the dashboard from web/
 * with vite into dist/web. Each part is left alone while the sha256 of its sources agrees with its stamp.
 */

import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { hashTree, packageRoot, readStamp, run, runNode, say } from './process.mjs';

/** Where the daemon and the command line start. */
export const mainFile = join(packageRoot, 'dist', 'cli', 'main.js');

const dist = join(packageRoot, 'dist');
const finish = join('scripts', 'build', 'finish-server.mjs');
const compilerInputs = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', finish];

/** Whether what builds is installed: in production only dist/ is. */
export const canBuild = existsSync(join(packageRoot, 'node_modules', 'typescript'));

/** Brings dist/ up to date. Returns false when a part could not be built; the messages are on stderr by then. */
export function build() {
  return buildServer() && buildDashboard();
}

function buildServer() {
  return unlessStamped('.server-stamp', ['src', ...compilerInputs], () => {
    say('building the server');
    // tsc never removes the output of a source that is gone.
    for (const name of readdirSync(dist)) {
      if (name !== 'web' && !name.startsWith('.')) rmSync(join(dist, name), { recursive: true });
    }
    return (
      runNode('typescript/bin/tsc', ['-p', 'tsconfig.build.json']) === 0 &&
      run(process.execPath, [join(packageRoot, finish)]) === 0
    );
  });
}

function buildDashboard() {
  if (!existsSync(join(packageRoot, 'web', 'index.html'))) return true;
  // src belongs to the inputs: the dashboard may take schemas and formatting from it.
  return unlessStamped('.web-stamp', ['web', 'src', 'package-lock.json'], () => {
    say('building the dashboard');
    const args = ['build', 'web', '--outDir', join(dist, 'web'), '--emptyOutDir', '--logLevel', 'warn'];
    return runNode('vite/bin/vite.js', args) === 0;
  });
}

/** One process builds; another that wants the same waits for it, and finds it done. */
function unlessStamped(stampName, inputs, work) {
  const stamp = join(dist, stampName);
  const key = hashTree(inputs);
  if (readStamp(stamp) === key) return true;
  mkdirSync(dist, { recursive: true });
  return withLock(join(dist, '.building'), () => {
    if (readStamp(stamp) === key) return true;
    rmSync(stamp, { force: true });
    if (!work()) return false;
    writeFileSync(stamp, `${key}\n`);
    return true;
  });
}
