/** Installs npm dependencies and, as root on Debian, the programs that the tests use. `npm test` does it by itself. */

import { ensureTestPrograms } from './lib/debian.mjs';
import { ensureDependencies } from './lib/dependencies.mjs';
import { enterRuntime } from './lib/runtime.mjs';

await enterRuntime();
ensureDependencies();
ensureTestPrograms();
