/** What knip looks at when it searches for code, exports and dependencies that nothing uses. */

import type { KnipConfig } from 'knip';
import programs from './scripts/lib/programs.json' with { type: 'json' };

const config: KnipConfig = {
  entry: [
    'src/cli/main.ts',
    'src/**/worker.ts',
    'scripts/*.mjs',
    'bench/**/*.ts',
    'test/**/*.test.ts',
    'test/support/*.ts',
    'web/src/main.tsx',
  ],
  project: ['{src,test,bench}/**/*.ts', 'scripts/**/*.mjs', 'web/src/**/*.{ts,tsx}'],
  ignoreExportsUsedInFile: true,
  // Debian's packages, which no package.json can name.
  ignoreBinaries: programs.map(({ name }) => name),
  ignoreDependencies: [
    '@biomejs/biome', // run by name: scripts/run.mjs biome
    'openapi-typescript', // likewise: npm run client
  ],
};

export default config;
