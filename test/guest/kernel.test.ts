/**
 * The built-in guest on our own machine: boot on both MMUs, every CPU at work, the agent, panics by each way.
 * The results of the work are computed here a second time.
 */

import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { arraySource, getU32, getU64, latin1 } from '../../src/base/bytes.ts';
import { findSymbols, PT_LOAD, parseElf } from '../../src/base/elf/index.ts';
import { findNode, parseFdt } from '../../src/base/fdt/index.ts';
import { type Guest, type GuestOptions, KERNEL, startGuest } from './built-in-guest.ts';

const MACHINES = [
  { processor: 'power9', mmu: 'radix' },
  { processor: 'power8', mmu: 'hash' },
  { processor: 'power9', mmu: 'hash' },
] as const;

const guests: Guest[] = [];
afterEach(async () => {
  for (const guest of guests.splice(0)) await guest.close();
});

async function booted(options: GuestOptions = {}): Promise<Guest> {
  const guest = await startGuest(options);
  guests.push(guest);
  await guest.until(1, /^kdumpd-agent ready.*\n/m);
  return guest;
}

/** What CPU `cpu` computes: 256 numbers of xorshift32 from its index, sorted, Fletcher's checksum of 32-bit words. */
function work(cpu: number): string {
  const numbers: number[] = [];
  let x = cpu + 1;
  for (let i = 0; i < 256; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    numbers.push(x >>> 0);
  }
  let a = 0n;
  let b = 0n;
  for (const value of numbers.sort((p, q) => p - q)) {
    a = (a + BigInt(value)) % 0xffffffffn;
    b = (b + a) % 0xffffffffn;
  }
  return `0x${((b << 32n) | a).toString(16)}`;
}

/** Where a real address of the kernel lies in the file. */
function fileOffset(file: Uint8Array, raddr: number): number {
  const load = parseElf(arraySource(file)).programs.find(({ type }) => type === PT_LOAD);
  if (load === undefined) throw new Error('no PT_LOAD');
  return Number(load.offset) + raddr - Number(load.paddr);
}

describe.each(MACHINES)('built-in guest on $processor $mmu', (machine) => {
  it.each([1, 4])('%d CPUs → each did its work, nothing unsupported, the agent is ready', async (cpus) => {
    const guest = await booted({ ...machine, cpus });
    const results = [...guest.console().matchAll(/^CPU (\d+) \(hardware id (\d+)\): work (0x[0-9a-f]+)/gm)];
    expect(results.map(([, cpu, , result]) => [Number(cpu), result])).toEqual(
      Array.from({ length: cpus }, (_, cpu) => [cpu, work(cpu)]),
    );
    expect(guest.console()).toContain(`${cpus} CPUs, ${machine.mmu}, base 0x0`);
    expect(guest.console()).not.toContain('unsupported');
    expect(guest.agent()).toContain('kdumpd-agent ready no-crash-kernel waiting for a plan');
  });

  it('loaded elsewhere, with run0 → it moves itself to 0; with 1 → it stays', async () => {
    const moved = await booted({ ...machine, cpus: 2, loadAt: 0x2000000 });
    expect(moved.console()).toContain('base 0x0,');
    const stays = await booted({
      ...machine,
      cpus: 2,
      loadAt: 0x2000000,
      patch: (file) => file.writeUInt32BE(1, fileOffset(file, 0x5c)),
    });
    expect(stays.console()).toContain('base 0x2000000,');
    expect(stays.console()).toContain(`CPU 1 (hardware id 1): work ${work(1)}`);
  });

  it('panic 2 without a crash kernel → the panic is on CPU 2, and os-term has its text', async () => {
    const guest = await booted({ ...machine, cpus: 4 });
    await guest.tell('panic 2');
    expect(await guest.ended()).toEqual({ kind: 'os-term', message: 'asked for by the agent' });
    expect(guest.agent()).toContain('ok panic 2');
    expect(guest.console()).toContain('Kernel panic - not syncing: asked for by the agent');
  });

  it('NMI on CPU 1 → an oops with the registers of the interrupted idle loop', async () => {
    const guest = await booted({ ...machine, cpus: 2 });
    await guest.handle.nmi([1]);
    expect((await guest.ended()).kind).toBe('os-term');
    expect(guest.console()).toMatch(/Oops: System Reset\s+CPU 1 NIP c0000000/);
    expect(guest.console()).toContain('TRAP 0x100');
  });
});

describe('built-in guest', () => {
  it('status, unknown commands, CPUs that are not there → one answer each', async () => {
    const guest = await booted({ cpus: 2 });
    await guest.tell('status');
    await guest.until(1, /^ok status loaded=0$/m);
    await guest.tell('dance 1');
    await guest.until(1, /^error unknown command dance$/m);
    await guest.tell('panic 2');
    await guest.until(1, /^error panic no CPU 2 is online$/m);
    await guest.tell('sysrq c x');
    await guest.until(1, /^error sysrq no CPU/m);
  });

  it('sysrq c 1, then ^O c → the panic is on CPU 1', async () => {
    const guest = await booted({ cpus: 2, append: 'panic=1' });
    expect(guest.agent()).toContain('ready no-crash-kernel no memory is reserved');
    await guest.tell('sysrq c 1');
    await guest.until(1, /^ok sysrq c 1$/m);
    await guest.handle.input(0, Uint8Array.of(0x0f, 0x63));
    expect(await guest.ended()).toEqual({ kind: 'os-term', message: 'sysrq triggered crash' });
    const panicking = (await guest.handle.vcpus()).findIndex(({ state }) => state !== 'ceded');
    expect(panicking).toBe(1);
  });

  it('ibm,os-term returns → the guest restarts after panic= seconds of its time', async () => {
    const guest = await booted({ append: 'panic=7', endsAtOsTerm: false });
    await guest.tell('panic 0');
    expect(await guest.ended()).toEqual({ kind: 'reboot' });
    expect(guest.console()).toMatch(/not syncing: asked for by the agent\s+Rebooting in 7 seconds\.\./);
  });

  it.each([
    ['program', 'Program check', '0x700'],
    ['data', 'Unable to handle kernel data access', '0x300'],
    ['fetch', 'Unable to handle kernel instruction fetch', '0x400'],
  ])('oops %s → its own text and vector', async (kind, text, trap) => {
    const guest = await booted();
    await guest.tell(`oops ${kind}`);
    expect(await guest.ended()).toEqual({ kind: 'os-term', message: 'Fatal exception' });
    expect(guest.console()).toContain(`Oops: ${text}`);
    expect(guest.console()).toContain(`TRAP ${trap}`);
  });

  it('/chosen/kdumpd,allocations → its claims, ascending, all in RAM, with the reservation among them', async () => {
    const guest = await booted();
    const file = readFileSync(KERNEL);
    const symbol = findSymbols(parseElf(arraySource(file)), ['tree_blob']).get('tree_blob');
    if (symbol === undefined) throw new Error('no tree_blob');
    const pointer = await guest.handle.readMemory(Number(symbol.value & 0xfffffffn), 8);
    const at = Number(getU64(pointer, 0, 'big') & 0xfffffffn);
    const header = await guest.handle.readMemory(at, 40);
    const tree = parseFdt(await guest.handle.readMemory(at, getU32(header, 4, 'big')));
    const value = findNode(tree.root, '/chosen')?.properties.get('kdumpd,allocations');
    if (value === undefined) throw new Error('no allocations');
    const claims = Array.from({ length: value.length / 32 }, (_, i) => ({
      start: getU64(value, 32 * i, 'big'),
      size: getU64(value, 32 * i + 8, 'big'),
      name: latin1(value.subarray(32 * i + 16, 32 * i + 32)).replace(/\0+$/, ''),
    }));
    expect(claims.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['vectors', 'kernel', 'crashkernel', 'tree', 'rtas', 'reserve-map']),
    );
    expect(claims.find(({ name }) => name === 'crashkernel')).toMatchObject({
      start: 0x4000000n,
      size: 0x2000000n,
    });
    for (const [i, { start, size }] of claims.entries()) {
      expect(start).toBeGreaterThanOrEqual(claims[i - 1]?.start ?? 0n);
      expect(start + size).toBeLessThanOrEqual(0x10000000n);
    }
  });

  it('restart → firmware restarts the partition', async () => {
    const guest = await booted();
    await guest.tell('restart');
    expect(await guest.ended()).toEqual({ kind: 'reboot' });
  });

  it('maxcpus=2 of 4 → two come up', async () => {
    const guest = await booted({ cpus: 4, append: 'maxcpus=2' });
    expect(guest.console().match(/: work /g)).toHaveLength(2);
  });

  it.each(MACHINES)(
    'memory with a hole above 4 GiB on $processor $mmu → all of it; mem= → what is below',
    async (machine) => {
      const all = await booted({ ...machine, memory: '256M,32M@4G' });
      expect(all.console()).toContain('memory: 0x100000000 + 0x2000000');
      expect(all.console()).toContain('highest free page 0x101ff0000');
      const limited = await booted({
        ...machine,
        memory: '256M,32M@4G',
        append: 'crashkernel=32M@32M mem=96M',
      });
      expect(limited.console()).toContain('highest free page 0x5ff0000');
      expect(limited.console()).toContain('crashkernel: 0x2000000 + 0x2000000');
    },
  );

  it('crashkernel= over the kernel → not reserved, and said so', async () => {
    const guest = await booted({ append: 'crashkernel=32M@64K' });
    expect(guest.console()).toContain('crashkernel: 0x2000000 at 0x10000 is not free');
    expect(guest.agent()).toContain('ready no-crash-kernel no memory is reserved');
  });

  it('boots with fewer than 20 million instructions', async () => {
    const guest = await booted({ cpus: 4, memory: '1G', append: 'crashkernel=64M@64M' });
    expect(guest.instructions()).toBeGreaterThan(100_000);
    expect(guest.instructions()).toBeLessThan(20_000_000);
  });

  it('is linked as the loader expects it', () => {
    const file = readFileSync(KERNEL);
    const elf = parseElf(arraySource(file));
    expect(
      elf.programs.filter(({ type }) => type === PT_LOAD).map(({ vaddr, paddr }) => [vaddr, paddr]),
    ).toEqual([[0xc000000000000000n, 0n]]);
    const at = (raddr: number, length: number) =>
      file.subarray(fileOffset(file, raddr), fileOffset(file, raddr) + length);
    expect(at(0x5c, 4).toString('latin1')).toBe('run0');
    expect(at(0x18, 0x20).every((byte) => byte === 0)).toBe(true);
  });
});
