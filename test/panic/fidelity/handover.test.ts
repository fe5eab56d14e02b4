/** An ordinary kexec's image through T1 and T2, in a partition that executes real stores. */

import { describe, expect, it } from 'vitest';
import { hex64 } from '../../../src/base/hex.ts';
import { compareHandover, digestSegments } from '../../../src/panic/fidelity/index.ts';
import type { HandoverReport } from '../../../src/panic/trace/index.ts';
import { bareKernel, KERNEL_ENTRY } from '../../synth/bare-kernel.ts';
import { ATTN, dForm, li, lis, NOP } from '../../synth/power-words.ts';

const MIB = 2 ** 20;
const at = (word: number): number => KERNEL_ENTRY + 4 * word;
const stw = (rs: number, ra: number, d: number): number => dForm(36, rs, ra, d);
const KERNEL = 16 * MIB;
const ELSEWHERE = 0x200000;
/** The numbers of the places at T1 and T2. */
const [ENTRY, NEW_KERNEL] = [1, 2];

const PROGRAM = [
  lis(6, 0x100), // KERNEL
  lis(4, 0x20), // ELSEWHERE
  li(5, 0x22),
  NOP, // 3: before T1
  NOP, // 4: T1
  stw(5, 6, 0x1000), // 5: into the image
  stw(5, 4, 8), // 6: elsewhere
  NOP, // 7: T2
  stw(5, 6, 0x2000), // 8: the new kernel's own business
  ATTN,
];

async function handedOver(program: readonly number[], entered = true): Promise<HandoverReport> {
  const { partition } = bareKernel(program, {
    probes: [
      { raddr: at(4), mark: ENTRY },
      { raddr: at(7), mark: NEW_KERNEL },
    ],
    instants: [
      { name: 't1', at: [{ kind: 'fetch', mark: ENTRY }] },
      { name: 't2', at: [{ kind: 'fetch', mark: NEW_KERNEL }] },
    ],
  });
  const loaded = await digestSegments(
    [{ role: 'kernel', mem: KERNEL, memsz: 0x4000 }],
    async (raddr, length) => partition.ram.read(raddr, length),
  );
  expect(partition.run(10_000)).toBe('ended');
  return await compareHandover({
    handle: {
      readInstant: async (name, raddr, length) => partition.readInstant(name, raddr, length),
      changes: async (name, from) => partition.changes(name, from),
    },
    loaded,
    ...(entered ? { entered: 7 } : {}),
    rtas: [],
    areas: [],
    nameOf: (nia) => (nia === BigInt(at(5)) ? 'wild+0x0' : undefined),
  });
}

describe('compareHandover', () => {
  it('as loaded at T1; what changed up to T2, by place and writer; nothing of later', async () => {
    const writer = { by: 'cpu', cpu: 0, nia: hex64(at(5)), symbol: 'wild+0x0', insn: 5 };
    const { segments, notAsLoaded, changed, changedPlaces } = await handedOver(PROGRAM);
    expect(segments).toEqual([
      { role: 'kernel', mem: hex64(KERNEL), pages: 4, asLoadedAtT1: 4, asLoadedAtT2: 3 },
    ]);
    expect(notAsLoaded).toEqual([]);
    expect(changedPlaces).toBe(2);
    expect(changed).toContainEqual({ raddr: hex64(KERNEL + 0x1003), bytes: 1, place: 'kernel', writer });
    expect(changed).toContainEqual(
      expect.objectContaining({ raddr: hex64(ELSEWHERE + 11), bytes: 1, place: 'elsewhere' }),
    );
  });

  it('a page that is another one at T1 is named', async () => {
    const damaged = PROGRAM.map((word, i) => (i === 3 ? stw(5, 6, 0x3000) : word));
    expect(await handedOver(damaged)).toMatchObject({
      segments: [{ asLoadedAtT1: 3 }],
      notAsLoaded: [{ raddr: hex64(KERNEL + 0x3000), role: 'kernel' }],
    });
  });

  it('memory was not kept at T2: only T1 is told', async () => {
    const { changed, segments } = await handedOver(PROGRAM, false);
    expect(changed).toBeUndefined();
    expect(segments[0]?.asLoadedAtT2).toBeUndefined();
  });
});
