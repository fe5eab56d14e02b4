import { describe, expect, it } from 'vitest';
import { putU32, putU64 } from '../../../src/base/bytes.ts';
import { findDump } from '../../../src/panic/guest/dump-device.ts';
import type { MachineReads } from '../../../src/panic/reading/index.ts';
import { KDUMP_SUB_HEADER } from '../../../src/vmcore/format/kdump-layout.ts';
import { configOf } from '../../synth/crashing-guest.ts';
import { elfDump, kdumpDump } from '../../synth/vmcore.ts';

const BLOCK = 4096;

/** A machine whose dump disk begins with `head`; every other byte of it is what `rest` says. */
function machineWith(
  bytes: number,
  head: Uint8Array,
  rest: (at: number) => number = () => 0,
  onRead: () => void = () => undefined,
): MachineReads {
  const none = (): never => {
    throw new Error('only the disk is read');
  };
  return {
    config: configOf(1, bytes),
    readDisk: async (_disk, offset, length) => {
      onRead();
      return Uint8Array.from({ length }, (_, i) => head[offset + i] ?? rest(offset + i));
    },
    readMemory: none,
    readInstant: none,
    instant: none,
    changes: none,
    compareDisk: none,
  };
}

/** The header of a compressed dump of `pages` pages, all of them in the dump, and where its bitmaps end. */
function claimingHead(pages: number): { readonly head: Uint8Array; readonly end: number } {
  const head = kdumpDump().slice(0, 2 * BLOCK);
  const blocks = 2 * Math.ceil(pages / 8 / BLOCK);
  putU32(head, 436, blocks, 'little');
  putU64(head, BLOCK + KDUMP_SUB_HEADER.fields.max_mapnr_64.offset, BigInt(pages), 'little');
  return { head, end: (2 + blocks) * BLOCK };
}

describe('findDump', () => {
  it('a whole dump, and a disk without one', async () => {
    const dump = elfDump();
    expect(await findDump(machineWith(2 ** 20, dump), 0)).toMatchObject({
      format: 'elf',
      complete: true,
      bytes: dump.length,
    });
    expect(await findDump(machineWith(2 ** 20, new Uint8Array(512)), 0)).toBeUndefined();
  });

  it('a forged header of 2^33 pages costs one read: it is no dump of a machine', async () => {
    const { head } = claimingHead(2 ** 33);
    let reads = 0;
    const found = await findDump(
      machineWith(
        2 ** 26,
        head,
        () => 0,
        () => reads++,
      ),
      0,
    );
    expect(found).toBeUndefined();
    expect(reads).toBe(1);
  });

  it('a disk full of descriptors is looked at beside the daemon, which can end it', async () => {
    const { head, end } = claimingHead(2 ** 24);
    const abort = new AbortController();
    let reads = 0;
    const machine = machineWith(
      2 ** 26,
      head,
      (at) => (at < end ? 0xff : 0),
      () => {
        if (++reads === 20) abort.abort(new Error('cancelled on request'));
      },
    );
    await expect(findDump(machine, 0, abort.signal)).rejects.toThrow(
      'the dump could not be read: cancelled on request',
    );
  });
});
