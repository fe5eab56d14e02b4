/** A host that fails behind a disk: an I/O error to the guest, one report with the place, no path. */

import { describe, expect, it } from 'vitest';
import type { BlockStore } from '../../../src/emulator/devices/contract.ts';
import { DiskFailures } from '../../../src/emulator/host/disk-failures.ts';
import { hostsReason } from '../../../src/panic/handoff/reason.ts';
import { BlockDriver, F_VERSION_1, Machine } from '../devices/virtio/guest-driver.ts';
import { GuestClient } from '../devices/vscsi/guest-client.ts';

const fails = (code: string): never => {
  throw Object.assign(new Error(`${code}: no luck, write '/secret/place'`), { code });
};

function failing(code: string): BlockStore {
  return {
    bytes: 2 ** 20,
    readOnly: false,
    read: () => fails(code),
    write: (offset) => (offset < 4096 ? undefined : fails(code)),
    flush: () => fails(code),
  };
}

describe('DiskFailures', () => {
  it('the guest’s disk fails, and the first failure of the power cycle is reported', () => {
    const reports: unknown[] = [];
    const failures = new DiskFailures((failure) => reports.push(failure));
    const machine = new Machine();
    machine.addDisk(0, failures.watched(1, failing('ENOSPC')));
    const driver = new BlockDriver(machine, 0);
    driver.start({ features: F_VERSION_1 });
    const data = [{ raddr: 0x4_0000, length: 512, write: false }];
    expect(driver.run(1, 0, data).status).toBe(0);
    expect(driver.run(1, 8, data).status).toBe(1);
    expect(driver.run(1, 9, data).status).toBe(1);
    expect(driver.run(4, 0, []).status).toBe(1);
    const report = { disk: 1, operation: 'write', offset: 4096, code: 'ENOSPC' };
    expect(reports).toEqual([report]);
    failures.reset();
    expect(driver.run(1, 8, data).status).toBe(1);
    expect(reports).toEqual([report, report]);
    expect(JSON.stringify(reports)).not.toContain('secret');
  });

  it('a vscsi disk → medium error', () => {
    const client = new GuestClient();
    const store = client.disks[1];
    if (store === undefined) throw new Error('two disks');
    store.write = () => fails('EIO');
    expect(
      client.execute(client.command([0x2a, 0, 0, 0, 0, 0, 0, 0, 1], { disk: 1, from: 0x1_0000, bytes: 512 }))
        .sense,
    ).toMatch(/^3\//);
  });

  it('a mistake of ours → passes through', () => {
    const failures = new DiskFailures(() => undefined);
    const broken = {
      ...failing('EIO'),
      read: () => {
        throw new TypeError('ours');
      },
    };
    expect(() => failures.watched(0, broken).read(0, new Uint8Array(512))).toThrow(TypeError);
  });
});

describe('hostsReason', () => {
  it.each([
    ['ENOSPC', 'write', 'the host’s disk is full: the dump was cut at 4096 bytes'],
    ['EDQUOT', 'write', 'the quota of scratch disks is used up: the dump was cut at 4096 bytes'],
    ['EIO', 'write', 'the host’s disk failed (EIO): the dump was cut at 4096 bytes'],
    ['EIO', 'read', 'the host’s disk failed (EIO): disk 1 could not be read at byte 4096'],
    ['EIO', 'flush', 'the host’s disk failed (EIO): disk 1 could not be flushed'],
  ] as const)('%s of a %s → %s', (code, operation, reason) => {
    expect(hostsReason({ disk: 1, operation, offset: 4096, code })).toBe(reason);
  });

  it('nothing failed → nothing', () => {
    expect(hostsReason(undefined)).toBeUndefined();
  });
});
