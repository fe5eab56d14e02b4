/** `npm run build`: dist/, from what is installed. */

import { build } from './lib/build.mjs';
import { enterRuntime } from './lib/runtime.mjs';

await enterRuntime();
if (!build()) process.exit(1);
