/** The plan of a handoff: places that exist in one kernel only are watched in that kernel only. */

import { describe, expect, it } from 'vitest';
import type { ObservePlan } from '../../../src/emulator/contract/index.ts';
import { describeImage, parseKexecLoad } from '../../../src/panic/facts/index.ts';
import { idOfMark, makePlan } from '../../../src/panic/watch/index.ts';
import { SymbolTable } from '../../../src/vmcore/analyse/index.ts';
import { crashablePartition, loadCrashKernel } from '../../synth/crashing-guest.ts';

const FLAG = 0xc000000000008018n;
const RELEASE = idOfMark({ at: 'release' });

/** The plan for a guest whose production kernel has these symbols beside those that every kernel has. */
async function planWith(symbols: readonly { name: string; address: bigint }[], base = 0, image = true) {
  const guest = crashablePartition({});
  const read = (raddr: number, length: number) => guest.readMemory(raddr, length);
  const load = await new Promise<ReturnType<typeof parseKexecLoad>>((resolve) => {
    guest.subscribe((notice) => {
      if (notice.kind === 'machine-event' && notice.event.kind === 'syscall')
        resolve(parseKexecLoad(notice.event));
    });
    loadCrashKernel(guest);
  });
  if (load === undefined) throw new Error('the guest loads an image');
  const table = new SymbolTable([{ name: 'panic', address: 0xc000000000004000n }, ...symbols]);
  const { plan } = await makePlan({
    read,
    production: { source: 'kallsyms', base, table },
    ...(image ? { image: await describeImage(load, read, 2) } : {}),
  });
  return plan;
}
const releases = ({ stores }: ObservePlan) => stores.filter(({ mark }) => mark === RELEASE);

describe('release', () => {
  it('a kernel with kexec_flag → a store to its word is reported', async () => {
    const plan = await planWith([{ name: 'kexec_flag', address: FLAG }]);
    expect(releases(plan)).toMatchObject([{ raddr: 0x8018, length: 4 }]);
  });

  it('a kernel without, one that is not at 0, no image → nothing', async () => {
    expect(releases(await planWith([]))).toEqual([]);
    expect(releases(await planWith([{ name: 'kexec_flag', address: FLAG }], 0x2000000))).toEqual([]);
    expect(releases(await planWith([{ name: 'kexec_flag', address: FLAG }], 0, false))).toEqual([]);
  });
});
