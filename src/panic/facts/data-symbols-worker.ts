/** Reads the symbols of a kernel's file in a thread of its own: a file of debugging symbols takes a second of it. */

import { serveReadings } from '../reading/index.ts';
import type { NamesInFile, PlacesInFile } from './data-symbols.ts';
import { withKernelFile } from './kernel-file.ts';

serveReadings(async (_machine, { path, names }: NamesInFile): Promise<PlacesInFile> => {
  const found = await withKernelFile(path, async ({ find }) =>
    names.flatMap((name): [string, number][] => {
      const at = find(name);
      return at === undefined ? [] : [[name, at]];
    }),
  );
  return new Map(found ?? []);
});
