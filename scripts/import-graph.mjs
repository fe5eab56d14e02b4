/**
 * Draws which folder of src/ imports which, as a mermaid graph.
 * Without an option it prints the graph; `--write` puts it between the markers of ARCHITECTURE.md; `--check` exits 1
 * when what stands there is another graph.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cruise } from './lib/cruise.mjs';
import { fail, packageRoot } from './lib/process.mjs';
import { enterRuntime } from './lib/runtime.mjs';

const START = '<!-- import-graph:start -->';
const END = '<!-- import-graph:end -->';
const document = join(packageRoot, 'ARCHITECTURE.md');

/** These areas are shown folder by folder; the others are one node each. */
const SPLIT_AREAS = new Set(['emulator', 'vmcore']);

await enterRuntime();
const block = `${START}\n\`\`\`mermaid\n${drawGraph(cruise().modules.filter(({ source }) => source.startsWith('src/')))}\n\`\`\`\n${END}`;
const mode = process.argv[2];

if (mode === undefined) {
  console.log(block);
} else if (!existsSync(document)) {
  console.log('no ARCHITECTURE.md: nothing to compare');
} else {
  const text = readFileSync(document, 'utf8');
  const [start, end] = [text.indexOf(START), text.indexOf(END)];
  if (start < 0 || end < start) fail(`ARCHITECTURE.md has no ${START} … ${END}`);
  const redrawn = text.slice(0, start) + block + text.slice(end + END.length);
  if (mode === '--write') writeFileSync(document, redrawn);
  else if (redrawn !== text) fail('the import graph of ARCHITECTURE.md is old: npm run graph');
}

function drawGraph(modules) {
  const edges = new Set();
  for (const { source, dependencies } of modules) {
    for (const { resolved } of dependencies) {
      if (!resolved.startsWith('src/')) continue;
      const [from, to] = [folderOf(source), folderOf(resolved)];
      if (from !== to) edges.add(`  ${nodeOf(from)} --> ${nodeOf(to)}`);
    }
  }
  const folders = [...new Set(modules.map((module) => folderOf(module.source)))].sort();
  const nodes = folders.map((folder) => `  ${nodeOf(folder)}["${folder}"]`);
  return ['graph LR', ...nodes, ...[...edges].sort()].join('\n');
}

function folderOf(file) {
  const [, area, next, deeper] = file.split('/');
  return SPLIT_AREAS.has(area) && deeper !== undefined ? `${area}/${next}` : area;
}

function nodeOf(folder) {
  return folder.replaceAll('/', '_').replaceAll('-', '_');
}
