#!/usr/bin/env node
/**
 * The command line, `npx kdumpd`: under a Node that is too old it starts again under the project's own; else it runs in
 * this process. In a fresh clone it installs dependencies first, as `npm start` does. It builds dist/ where dist/ is older
 * than the sources; where only production dependencies are installed, it runs the dist/ that is there.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDependencies } from './lib/dependencies.mjs';
import { become, fail, packageRoot } from './lib/process.mjs';
import { enterRuntime } from './lib/runtime.mjs';
import { dropRepeatedSignals } from './lib/signals.mjs';

await enterRuntime();
if (!existsSync(join(packageRoot, 'node_modules'))) ensureDependencies();
const { build, canBuild, mainFile } = await import('./lib/build.mjs');
if (canBuild && !build()) fail('the build failed: see the messages above');
if (!existsSync(mainFile)) fail('not installed: npm ci');
dropRepeatedSignals();
await become(mainFile, process.argv.slice(2));
