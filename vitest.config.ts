/**
 * Tests live in test/ and mirror src/. KDUMPD_LONG=1 adds the long ones (test/support/long.ts);
 * KDUMPD_TEST_RESULTS=FILE also writes the results there as JSON.
 */

import { availableParallelism } from 'node:os';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const results = process.env.KDUMPD_TEST_RESULTS;

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A guest that boots takes minutes where tests share a core; a test that needs longer says so itself.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 10_000,
    // As many files at once as there are processors: without this, one is left idle.
    maxWorkers: availableParallelism(),
    // Separate processes: native modules and large WebAssembly memories go away with the file that used them.
    pool: 'forks',
    reporters: ['default', './test/support/skip-reporter.ts', ...(results === undefined ? [] : ['json'])],
    ...(results === undefined ? {} : { outputFile: { json: results } }),
  },
});

export default config;
