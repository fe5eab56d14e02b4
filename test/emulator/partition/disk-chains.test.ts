/** A driver in the guest that gives its disk far more than it can do at once: the disk moves what its speed allows, in pieces. */

import { describe, expect, it } from 'vitest';
import type { BlockStore } from '../../../src/emulator/devices/contract.ts';
import { bareKernel } from '../../synth/bare-kernel.ts';
import { diskChains } from '../../synth/disk-chains.ts';

const MEBI = 2 ** 20;
/** Of a disk (docs/guest-cost.md): so much at once, then so many bytes a nanosecond of the guest. */
const BURST = 64 * MEBI;
const PER_NS = 16;
/** What is begun when the disk has done enough. */
const PIECE = MEBI;

describe.each([
  ['read', true],
  ['written', false],
])('256 chains of 124 MiB a notification, %s', (name, isRead) => {
  it(`${name}: the disk moves its burst and then its speed, and the partition can be asked between pieces`, () => {
    let moved = 0;
    const disk: BlockStore = {
      bytes: 256 * MEBI,
      readOnly: false,
      read: (_offset, target) => {
        moved += target.length;
      },
      write: (_offset, source) => {
        moved += source.length;
      },
      flush: () => undefined,
    };
    const { partition, unsupported } = bareKernel(diskChains(64 * MEBI, 0, isRead), undefined, [disk]);
    const until = 200_000;
    let asked = 0;
    partition.run(1e9, () => {
      asked += 1;
      return partition.instructions >= until;
    });
    expect(moved).toBeGreaterThan(BURST);
    expect(moved).toBeLessThan(BURST + PIECE + PER_NS * Number(partition.instructions));
    expect(asked).toBeGreaterThan(10);
    expect(unsupported).toEqual([]);
  });
});
