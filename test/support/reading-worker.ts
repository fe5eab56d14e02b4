/** A reading thread that does what a hostile input would make it do. */

import { getPriority } from 'node:os';
import { threadId } from 'node:worker_threads';
import { threadNumber } from '../../src/base/thread-priority.ts';
import { serveReadings } from '../../src/panic/reading/index.ts';
import { vmcoreError } from '../../src/vmcore/format/index.ts';

export type Deed =
  | { readonly kind: 'sum'; readonly from: number; readonly length: number }
  | { readonly kind: 'name'; readonly nia: bigint }
  | { readonly kind: 'nice' | 'refuse' | 'loop' | 'hoard' | 'thread' | 'leave' };

serveReadings(async (machine, deed: Deed): Promise<number | string | undefined> => {
  switch (deed.kind) {
    case 'sum': {
      const first = await machine.readMemory(deed.from, deed.length);
      const second = machine.readDiskNow(0, deed.from, deed.length);
      return [...first, ...second].reduce((sum, byte) => sum + byte, 0);
    }
    case 'name':
      return machine.nameAt(deed.nia, 7);
    case 'nice':
      return getPriority(threadNumber());
    case 'thread':
      return threadId;
    case 'leave':
      setImmediate(() => process.exit(0));
      return threadId;
    case 'refuse':
      throw vmcoreError('vmcore/bad-notes', 'these are no notes');
    case 'loop':
      for (;;) {
        // Until the thread is ended.
      }
    case 'hoard': {
      const kept: string[][] = [];
      for (;;) kept.push(Array.from({ length: 1000 }, (_, i) => `${kept.length} ${i}`));
    }
  }
});
