/**
 * Reads vitest's JSON results (first argument) and prints `passed failed`. A file that could not be loaded holds no
 * failed test and counts as one failure; results that are missing, or hold no executed test, are one failure too.
 */

import { existsSync, readFileSync } from 'node:fs';
import { enterRuntime } from './lib/runtime.mjs';

await enterRuntime();

const path = process.argv[2];
let passed = 0;
let failed = 0;
if (path !== undefined && existsSync(path)) {
  for (const file of JSON.parse(readFileSync(path, 'utf8')).testResults) {
    const failures = file.assertionResults.filter((test) => test.status === 'failed').length;
    passed += file.assertionResults.filter((test) => test.status === 'passed').length;
    failed += failures === 0 && file.status === 'failed' ? 1 : failures;
  }
}
if (passed + failed === 0) failed = 1;
console.log(`${passed} ${failed}`);
