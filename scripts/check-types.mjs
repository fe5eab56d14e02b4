/**
 * Checks the types of everything: the project, and the dashboard, which has its own settings (DOM, JSX). What a run found is kept
 * beside the installed packages: the next one checks only what a change can have touched.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot, runNode } from './lib/process.mjs';
import { enterRuntime } from './lib/runtime.mjs';

await enterRuntime();
const projects = ['tsconfig.json', 'web/tsconfig.json'].filter((path) => existsSync(join(packageRoot, path)));
const failures = projects.filter((path) => {
  const seen = join(packageRoot, 'node_modules', '.cache', 'types', `${path.replace('/', '-')}.tsbuildinfo`);
  const args = ['--noEmit', '--incremental', '--tsBuildInfoFile', seen, '-p', path];
  return runNode('typescript/bin/tsc', args) !== 0;
});
process.exit(failures.length === 0 ? 0 : 1);
