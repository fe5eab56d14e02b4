/** Checks the types of everything: the project, and the dashboard, which has its own settings (DOM, JSX). */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot, runNode } from './lib/process.mjs';
import { enterRuntime } from './lib/runtime.mjs';

await enterRuntime();
const projects = ['tsconfig.json', 'web/tsconfig.json'].filter((path) => existsSync(join(packageRoot, path)));
const failures = projects.filter((path) => runNode('typescript/bin/tsc', ['--noEmit', '-p', path]) !== 0);
process.exit(failures.length === 0 ? 0 : 1);
