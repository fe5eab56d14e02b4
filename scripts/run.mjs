/**
 * Runs a program of an installed package under the project's Node: `node scripts/run.mjs NAME ARGUMENTS`. The program
 * runs in this process, so that signals and exit codes are its own.
 */

import { becomeInstalled } from './lib/process.mjs';
import { enterRuntime } from './lib/runtime.mjs';

await enterRuntime();
const [name, ...args] = process.argv.slice(2);
await becomeInstalled(name, args);
