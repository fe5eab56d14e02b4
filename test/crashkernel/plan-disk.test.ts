import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { putU32, putU64 } from '../../src/base/bytes.ts';
import {
  buildPlanDisk,
  type DiskPiece,
  type DiskPlan,
  parsePlanDisk,
  planDiskBytes,
} from '../../src/crashkernel/index.ts';
import { needsProgram } from '../support/programs.ts';
import { mutate, mutations, onlyFormatError } from '../synth/mutate.ts';

const KERNEL = Uint8Array.from({ length: 70_000 }, (_, i) => i & 0xff);
const PLANS: readonly DiskPlan[] = [
  {
    name: 'crash',
    crash: true,
    entry: 0x4020000,
    segments: [
      { mem: 0x4000000, memsz: 0x20000, bytes: KERNEL },
      { mem: 0x4020000, memsz: 0x10000, bytes: new Uint8Array([1, 2, 3]) },
      { mem: 0x4030000, memsz: 0x10000, bytes: new Uint8Array(0) },
    ],
  },
  { name: 'next', crash: false, entry: 2 ** 45, segments: [{ mem: 2 ** 45, memsz: 0x20000, bytes: KERNEL }] },
];

function whole(pieces: readonly DiskPiece[], bytes: number): Uint8Array {
  const disk = new Uint8Array(bytes);
  for (const each of pieces) disk.set(each.bytes, each.offset);
  return disk;
}

const SIZE = planDiskBytes(KERNEL.length + 4096, 2);
const DISK = whole(buildPlanDisk(PLANS), SIZE);

describe('the plan disk', () => {
  it('parse(build(plans)) → the plans; whole sectors, ascending, not over each other; shared bytes once', () => {
    expect(parsePlanDisk(DISK)).toEqual(PLANS);
    const pieces = buildPlanDisk(PLANS);
    let end = 0;
    for (const { offset, bytes } of pieces) {
      expect(offset).toBeGreaterThanOrEqual(end);
      expect([offset % 4096, bytes.length % 512]).toEqual([0, 0]);
      end = offset + bytes.length;
    }
    expect(end).toBeLessThan(2 * KERNEL.length);
    expect(end).toBeLessThanOrEqual(SIZE);
  });

  it('the layout that guests read: magic numbers, counts and words at their places, big-endian', () => {
    const view = new DataView(DISK.buffer);
    expect(Buffer.from(DISK.subarray(0, 8)).toString()).toBe('KDPLANS1');
    expect(view.getUint32(8)).toBe(2);
    expect(Buffer.from(DISK.subarray(16, 32)).toString()).toBe('crash'.padEnd(16, '\0'));
    const at = Number(view.getBigUint64(32));
    expect(at % 4096).toBe(0);
    expect(Buffer.from(DISK.subarray(at, at + 8)).toString()).toBe('KDPLAN01');
    expect([view.getUint32(at + 8), view.getUint32(at + 12)]).toEqual([1, 3]);
    expect(view.getBigUint64(at + 16)).toBe(0x4020000n);
    expect([40, 48, 56].map((word) => view.getBigUint64(at + word))).toEqual([70_000n, 0x4000000n, 0x20000n]);
  });

  it('a name that is too long, too many segments, too many plans → refused', () => {
    const plan = PLANS[1] as DiskPlan;
    const many = Array.from({ length: 17 }, () => plan.segments[0] as DiskPlan['segments'][number]);
    const bad = expect.objectContaining({ code: 'load/bad-plan' });
    expect(() => buildPlanDisk([{ ...plan, name: 'seventeen letters' }])).toThrow(bad);
    expect(() => buildPlanDisk([{ ...plan, segments: many }])).toThrow(
      expect.objectContaining({ code: 'load/too-many-segments' }),
    );
    expect(() => buildPlanDisk(Array.from({ length: 16 }, () => plan))).toThrow(bad);
  });

  it('a damaged disk → FormatError or plans, nothing else', () => {
    fc.assert(
      fc.property(fc.oneof(mutations(512), mutations(SIZE)), (changes) => {
        onlyFormatError(() => parsePlanDisk(mutate(DISK, changes)));
      }),
      { numRuns: 300 },
    );
  });
});

describe('guest/prebuilt/plan-loader', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const program = fileURLToPath(new URL('../../guest/prebuilt/plan-loader', import.meta.url));

  /** What it says of a disk. Under user emulation there is no kexec_load: a good plan gets that far. */
  function load(disk: Uint8Array, name: string): string {
    needsProgram('qemu-ppc64le');
    const file = join(folder, 'disk');
    writeFileSync(file, disk);
    const { stdout, status } = spawnSync('qemu-ppc64le', [program, file, name], { encoding: 'utf8' });
    expect(status).toBe(1);
    return stdout.trim();
  }

  function damaged(change: (view: Uint8Array, plan: number) => void): Uint8Array {
    const copy = new Uint8Array(DISK);
    change(copy, Number(new DataView(copy.buffer).getBigUint64(32)));
    return copy;
  }

  it('a good plan → given to the kernel', () => {
    expect(load(DISK, 'crash')).toMatch(/^(errno 38|EPERM) the kernel refused the plan$/);
    expect(load(DISK, 'next')).toMatch(/^(errno 38|EPERM) the kernel refused the plan$/);
  });

  it.each([
    ['no plans', new Uint8Array(8192), 'crash', 'EINVAL the disk holds no plans'],
    ['another name', DISK, 'cras', 'EINVAL the disk holds no such plan'],
    [
      'too many plans',
      damaged((disk) => putU32(disk, 8, 16, 'big')),
      'crash',
      'EINVAL the disk names too many plans',
    ],
    [
      'a plan past the end',
      damaged((disk) => putU64(disk, 32, 1n << 30n, 'big')),
      'crash',
      'EINVAL the plan is not inside the disk',
    ],
    [
      'a plan at an odd offset',
      damaged((disk) => putU64(disk, 32, 4097n, 'big')),
      'crash',
      'EINVAL the plan is not inside the disk',
    ],
    [
      'an absurd length',
      damaged((disk) => putU64(disk, 40, 1n << 62n, 'big')),
      'crash',
      'EINVAL the plan has an absurd length',
    ],
    [
      'another magic number',
      damaged((disk, plan) => disk.set([0x58], plan)),
      'crash',
      'EINVAL the plan is damaged',
    ],
    [
      'too many segments',
      damaged((disk, plan) => putU32(disk, plan + 12, 17, 'big')),
      'crash',
      'EINVAL the plan is damaged',
    ],
    [
      'more bytes than memory',
      damaged((disk, plan) => putU64(disk, plan + 40, 1n << 50n, 'big')),
      'crash',
      'EINVAL a segment has more bytes than memory',
    ],
    [
      'a segment past the end',
      damaged((disk, plan) => putU64(disk, plan + 32, 1n << 39n, 'big')),
      'crash',
      'EINVAL a segment is not inside the disk',
    ],
  ] as const)('%s → refused by name', (_what, disk, name, answer) => {
    expect(load(disk, name)).toBe(answer);
  });

  it('guest/agent/plan/build.sh → the same bytes', () => {
    needsProgram('powerpc64le-linux-gnu-gcc');
    const out = join(folder, 'plan-loader');
    const script = fileURLToPath(new URL('../../guest/agent/plan/build.sh', import.meta.url));
    expect(spawnSync('sh', [script, out], { encoding: 'utf8' }).stderr).toBe('');
    expect(readFileSync(out).equals(readFileSync(program))).toBe(true);
  });
});
