/**
 * Starts a worker thread from a module of this program, whether it runs as built JavaScript or, in tests and development,
 * as TypeScript source. Node 20 runs no TypeScript and does not hand a loader on to workers; a bootstrap of one line
 * loads the module through tsx instead.
 */

import type { WorkerOptions } from 'node:worker_threads';
import { Worker } from 'node:worker_threads';

/**
 * @param name the module beside the caller, without its extension: `./worker`.
 * @param callerUrl the caller's `import.meta.url`.
 */
export function startWorker(name: string, callerUrl: string, options: WorkerOptions = {}): Worker {
  if (!callerUrl.endsWith('.ts')) return new Worker(new URL(`${name}.js`, callerUrl), options);
  const module = JSON.stringify(new URL(`${name}.ts`, callerUrl).href);
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const bootstrap = `import { tsImport } from ${tsx}; await tsImport(${module}, ${module});`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(bootstrap)}`), options);
}
