/** What knip looks at when it searches for code, exports and dependencies that nothing uses. */

import type { KnipConfig } from 'knip';
import programs from './scripts/lib/programs.json' with { type: 'json' };

const config: KnipConfig = {
  entry: [
    'src/cli/main.ts',
    'src/**/{worker,*-worker}.ts',
    'scripts/*.mjs',
    // The build runs the first, which puts the second in another module's place.
    'scripts/build/finish-server.mjs',
    'src/emulator/engine/interpreter/built-bytes.ts',
    'bench/**/*.ts',
    'test/**/*.test.ts',
    'test/support/*.ts',
    'test/support/shim/programs/*.ts',
    'web/src/main.tsx',
  ],
  project: ['{src,test,bench}/**/*.ts', 'scripts/**/*.mjs', 'web/src/**/*.{ts,tsx}'],
  ignoreExportsUsedInFile: true,
  // Generated: it exports three types that nothing uses, and a test holds it to the generator's output.
  ignoreIssues: { 'web/src/model/openapi.d.ts': ['types'] },
  // Debian's packages, which no package.json can name.
  ignoreBinaries: programs.map(({ name }) => name),
  ignoreDependencies: [
    '@biomejs/biome', // run by name: scripts/run.mjs biome
    'openapi-typescript', // likewise: npm run client
  ],
};

export default config;
