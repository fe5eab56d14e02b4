/** Gets the pages that were written after an instant, part by part: a guest may have written all of its memory. */

import type { InstantName, PageChange, PartitionHandle } from '../../emulator/host/index.ts';
import { PAGE } from './differences.ts';

/** In order of address. @throws Error where memory was not kept then */
export async function* changesSince(
  handle: Pick<PartitionHandle, 'changes'>,
  name: InstantName,
): AsyncGenerator<PageChange> {
  for (let from = 0; ; ) {
    const part = await handle.changes(name, from);
    const last = part.at(-1);
    if (last === undefined) return;
    yield* part;
    from = last.raddr + PAGE;
  }
}

export async function allChanges(
  handle: Pick<PartitionHandle, 'changes'>,
  name: InstantName,
): Promise<readonly PageChange[]> {
  const all: PageChange[] = [];
  for await (const change of changesSince(handle, name)) all.push(change);
  return all;
}
