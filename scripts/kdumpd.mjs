#!/usr/bin/env node
/**
 * The command line, `npx kdumpd`: under a Node that is too old it starts again under the project's own; else it runs in
 * this process. dist/ is built first where it is not what the sources say; where only production dependencies are
 * installed, dist/ is what there is.
 */

import { existsSync } from 'node:fs';
import { build, canBuild, mainFile } from './lib/build.mjs';
import { become, fail } from './lib/process.mjs';
import { enterRuntime } from './lib/runtime.mjs';
import { dropRepeatedSignals } from './lib/signals.mjs';

await enterRuntime();
if (canBuild && !build()) fail('the build failed: see the messages above');
if (!existsSync(mainFile)) fail('not installed: npm ci');
dropRepeatedSignals();
await become(mainFile, process.argv.slice(2));
