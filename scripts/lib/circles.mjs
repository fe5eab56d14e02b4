/**
 * Circles in a graph of imports: groups of files, or of folders, each of which reaches every other one. A folder imports
 * another when one of the files that lie directly in it imports a file that lies directly in the other.
 */

import { dirname } from 'node:path/posix';

/** @param imports file → files that it imports. @returns each circle, sorted */
export function fileCircles(imports) {
  return circles(imports);
}

/** @param imports file → files that it imports. @returns each circle of their folders, sorted */
export function folderCircles(imports) {
  const folders = new Map();
  for (const [file, targets] of imports) {
    const from = dirname(file);
    const known = folders.get(from) ?? new Set();
    folders.set(from, known);
    for (const to of targets.map(dirname)) if (to !== from) known.add(to);
  }
  return circles(folders);
}

/** Strongly connected components of more than one node: Tarjan, "Depth-first search and linear graph algorithms", 1972. */
function circles(graph) {
  const order = new Map();
  const lowest = new Map();
  const open = [];
  const found = [];
  const visit = (node) => {
    order.set(node, order.size);
    lowest.set(node, order.get(node));
    open.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!graph.has(next)) continue;
      if (!order.has(next)) visit(next);
      if (open.includes(next)) lowest.set(node, Math.min(lowest.get(node), lowest.get(next)));
    }
    if (lowest.get(node) !== order.get(node)) return;
    const component = open.splice(open.indexOf(node));
    if (component.length > 1) found.push(component.sort());
  };
  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return found;
}
