/** Where npm is, so that it can run under a Node that is not its own. Runs on old Node versions too. */

import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findOnPath } from './programs.mjs';

/**
 * The program and first arguments that run npm under `node`. npm says where it lies to what it starts; else it lies
 * behind the `npm` of PATH. Where neither leads to npm-cli.js (a version manager's own program), that `npm` is run, which
 * finds `node` on PATH.
 * @throws Error where there is no npm
 */
export function npmCommand(node) {
  const onPath = findOnPath('npm');
  const places = [process.env.npm_execpath, onPath === undefined ? undefined : realpathSync(onPath)];
  for (const place of places) {
    // npx-cli.js lies beside it.
    const entry = place === undefined ? undefined : join(dirname(place), 'npm-cli.js');
    if (entry !== undefined && existsSync(entry)) return { command: node, args: [entry] };
  }
  if (onPath === undefined) throw new Error('npm is not on PATH');
  return { command: onPath, args: [] };
}
