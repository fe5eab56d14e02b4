/**
 * `npm start`: on a fresh clone with nothing installed, installs, builds and serves; later it only serves.
 * The daemon runs in this very process, so that signals and exit codes are its own. Arguments after `--` go to `serve`.
 */

import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { build, mainFile } from './lib/build.mjs';
import { ensureDependencies } from './lib/dependencies.mjs';
import { fail } from './lib/process.mjs';

ensureDependencies();
if (!build()) fail('the build failed: see the messages above');
if (!existsSync(mainFile)) fail(`the build left no ${mainFile}`);

dropRepeatedInterrupts();
process.argv = [process.execPath, mainFile, 'serve', ...process.argv.slice(2)];
await import(pathToFileURL(mainFile).href);

/**
 * A terminal sends Ctrl-C to npm and to us, and npm passes its own on: one key press would be two signals, and the
 * second one makes the daemon give up its graceful close. An interrupt right after another is the same key press.
 */
function dropRepeatedInterrupts() {
  const emit = process.emit;
  let last = Number.NEGATIVE_INFINITY;
  process.emit = function emitUnlessRepeated(event, ...rest) {
    if (event === 'SIGINT') {
      const before = last;
      last = performance.now();
      if (last - before < 300) return true;
    }
    return emit.call(process, event, ...rest);
  };
}
