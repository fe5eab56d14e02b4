/**
 * `npm test`: installs what is missing, builds (end-to-end tests run the real command line) and runs the tests.
 * Arguments after `--` go to vitest; KDUMPD_TEST_RESULTS=FILE also writes the results there as JSON.
 */

import { build } from './lib/build.mjs';
import { ensureTestPrograms } from './lib/debian.mjs';
import { ensureDependencies } from './lib/dependencies.mjs';
import { becomeInstalled, fail, packageRoot } from './lib/process.mjs';
import { enterRuntime } from './lib/runtime.mjs';

await enterRuntime();
ensureDependencies();
ensureTestPrograms();
if (!build()) fail('the build failed: see the messages above');

process.chdir(packageRoot);
await becomeInstalled('vitest', ['run', ...process.argv.slice(2)]);
