/**
 * Checks who imports whom by .dependency-cruiser.cjs, and that neither files nor folders import each other in a
 * circle. The checker passes when it has seen nothing (with a TypeScript that it does not know, it sees nothing), so
 * every source file must be among the modules that it saw.
 */

import { relative } from 'node:path';
import { join } from 'node:path/posix';
import { fileCircles, folderCircles } from './lib/circles.mjs';
import { cruise, SOURCE_FOLDERS } from './lib/cruise.mjs';
import { filesUnder, packageRoot } from './lib/process.mjs';
import { enterRuntime } from './lib/runtime.mjs';

/** Far below the real number, far above an accident. Raise it as src/ grows. */
const MINIMUM_MODULES = 400;

await enterRuntime();
const { modules, violations } = cruise();
const seen = new Set(modules.map((module) => module.source));
const unseen = SOURCE_FOLDERS.flatMap((folder) => filesUnder(join(packageRoot, folder)))
  .map((file) => relative(packageRoot, file))
  .filter((file) => /\.tsx?$/.test(file) && !seen.has(file));
const imports = new Map(
  modules.map(({ source, dependencies }) => [source, dependencies.map(({ resolved }) => resolved)]),
);

const problems = [
  ...violations.map(
    ({ rule, from, to, comment }) => `${rule.name}: ${from} → ${to}${comment ? ` (${comment})` : ''}`,
  ),
  ...unseen.map((file) => `not seen by the checker: ${file}`),
  ...fileCircles(imports).map((circle) => `circle of files: ${circle.join(', ')}`),
  ...folderCircles(imports).map((circle) => `circle of folders: ${circle.join(', ')}`),
];
if (seen.size < MINIMUM_MODULES)
  problems.push(`only ${seen.size} modules were checked, expected ${MINIMUM_MODULES}`);

for (const problem of problems) console.error(problem);
console.log(`import rules: ${seen.size} modules, ${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);
