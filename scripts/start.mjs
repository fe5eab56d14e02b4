/**
 * `npm start`: on a fresh clone with nothing installed, installs, builds and serves; later it only serves.
 * The daemon runs in this very process, so that signals and exit codes are its own. Arguments after `--` go to `serve`.
 */

import { existsSync } from 'node:fs';
import { build, mainFile } from './lib/build.mjs';
import { ensureDependencies } from './lib/dependencies.mjs';
import { become, fail } from './lib/process.mjs';
import { enterRuntime } from './lib/runtime.mjs';
import { dropRepeatedSignals } from './lib/signals.mjs';

await enterRuntime();
ensureDependencies();
if (!build()) fail('the build failed: see the messages above');
if (!existsSync(mainFile)) fail(`the build left no ${mainFile}`);

dropRepeatedSignals();
await become(mainFile, ['serve', ...process.argv.slice(2)]);
