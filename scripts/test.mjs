/**
 * `npm test`: installs what is missing, builds (end-to-end tests run the real command line) and runs the tests.
 * Arguments after `--` go to vitest; KDUMPD_TEST_RESULTS=FILE also writes the results there as JSON.
 */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build } from './lib/build.mjs';
import { ensureTestPrograms } from './lib/debian.mjs';
import { ensureDependencies } from './lib/dependencies.mjs';
import { fail, packageRoot } from './lib/process.mjs';

ensureDependencies();
ensureTestPrograms();
if (!build()) fail('the build failed: see the messages above');

const vitest = join(packageRoot, 'node_modules', 'vitest', 'vitest.mjs');
const args = [vitest, 'run', ...process.argv.slice(2)];
const result = spawnSync(process.execPath, args, { cwd: packageRoot, stdio: 'inherit' });
process.exit(result.status ?? 1);
