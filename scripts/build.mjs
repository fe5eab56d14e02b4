/**
 * `npm run build`, and `prepare`, which npm runs at the end of `npm ci` so that `npx kdumpd` works after it.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './lib/build.mjs';
import { markInstalled } from './lib/dependencies.mjs';
import { packageRoot, say } from './lib/process.mjs';

const preparing = process.argv.includes('--prepare');

if (preparing && !existsSync(join(packageRoot, 'node_modules', 'typescript'))) {
  say('development dependencies are left out: dist/ is not built');
} else {
  if (preparing) markInstalled();
  if (!build()) process.exit(1);
}
