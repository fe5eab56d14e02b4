/**
 * Does after tsc what a partition need not do again each time that it starts: makes the bytes of the interpreters' and the helpers' modules
 * (dist/emulator/engine/interpreter/mode-N.wasm and helpers.wasm), and puts the partition worker's modules into one file, since reading and linking
 * some 260 takes longer than running them. Its argument is the folder to finish; default dist/.
 */

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'vite';
import { packageRoot } from '../lib/process.mjs';

const dist = resolve(process.argv[2] ?? join(packageRoot, 'dist'));
const emulator = join(dist, 'emulator');
const interpreter = join(emulator, 'engine', 'interpreter');
const bytes = join(interpreter, 'bytes.js');
const worker = join(emulator, 'host', 'worker.js');

const load = (path) => import(pathToFileURL(path).href);
const { MODES, modeKey } = await load(join(emulator, 'cpu', 'mode.js'));
const { buildInterpreter } = await load(join(interpreter, 'interpreter.js'));
const { buildHelpers } = await load(join(emulator, 'semantics', 'helpers', 'compiled', 'index.js'));

for (const mode of MODES)
  writeFileSync(join(interpreter, `mode-${modeKey(mode)}.wasm`), buildInterpreter(mode));
writeFileSync(join(interpreter, 'helpers.wasm'), buildHelpers());
copyFileSync(join(interpreter, 'built-bytes.js'), bytes);

await build({
  configFile: false,
  root: dist,
  logLevel: 'warn',
  build: {
    ssr: worker,
    outDir: join(emulator, 'host'),
    emptyOutDir: false,
    target: 'esnext',
    minify: false,
    // Its files lie beside it: it stays a module of its own.
    rollupOptions: { external: bytes, output: { entryFileNames: 'worker.js' } },
  },
});
// Such a path would be taken from the worker's folder instead of the module's.
if (readFileSync(worker, 'utf8').includes('import.meta'))
  throw new Error(
    'a module of the partition worker looks for files beside itself: it cannot be part of one file',
  );
