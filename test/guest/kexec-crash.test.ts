/** The built-in guest from a panic to its dump, and what its kexec_load refuses. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { arraySource, getU32, getU64, putU32 } from '../../src/base/bytes.ts';
import { elfNotes, elfSymbols, PT_LOAD, parseElf } from '../../src/base/elf/index.ts';
import { type LoadRequest, probeImage } from '../../src/crashkernel/index.ts';
import { hardwareId } from '../../src/emulator/partition/index.ts';
import { BuiltInGuest, GUEST_KERNEL, type GuestOptions, MIB } from '../synth/built-in-guest.ts';
import { ATTN, NOP } from '../synth/power-words.ts';

const LIMIT = 120_000;
const PAGE = 0x1000;
const LINEAR = 0xc000000000000000n;
const NT_PRSTATUS = 1;
const [PID_AT, REGS_AT, NIP, LINK] = [32, 112, 32, 36];
const DIRECTORY_OFFSET_AT = 32;

type Way = { readonly onCpu?: number; readonly crash?: Partial<LoadRequest> };

function loaded(options: GuestOptions, crash: Partial<LoadRequest> = {}): BuiltInGuest {
  const guest = new BuiltInGuest(options);
  guest.ready();
  guest.put({ crash: guest.plan({ crash: true, digest: false, ...crash }) });
  expect(guest.command('load raw')).toBe('ok load raw');
  return guest;
}

function crashed(options: GuestOptions, { onCpu = 0, crash = {} }: Way = {}): BuiltInGuest {
  const guest = loaded(options, crash);
  expect(guest.command(`panic ${onCpu}`)).toBe(`ok panic ${onCpu}`);
  expect(guest.until(/^kdumpd-agent dump-(done|failed)/)).toMatch(/^kdumpd-agent dump-done \d+$/);
  expect(guest.unsupported).toEqual([]);
  return guest;
}

type Core = ReturnType<typeof parseElf>;

function core(guest: BuiltInGuest): Core {
  const bytes = new Uint8Array(Number(guest.lines.at(-1)?.split(' ').at(-1)));
  guest.dump.read(0, bytes);
  return parseElf(arraySource(bytes));
}

/** CPU → the function it was in, and the one it would go back to, from the notes. */
function positions(elf: Core): Map<number, readonly (string | undefined)[]> {
  const notes = elfNotes(elf).filter(({ name, type }) => name === 'CORE' && type === NT_PRSTATUS);
  return new Map(
    notes.map(({ desc }) => [
      getU32(desc, PID_AT, 'big') - 1,
      [NIP, LINK].map((n) => functionAt(getU64(desc, REGS_AT + 8 * n, 'big'))),
    ]),
  );
}

/** The kernel's function at an address. */
function functionAt(nip: bigint): string | undefined {
  const symbols = elfSymbols(parseElf(arraySource(readFileSync(GUEST_KERNEL))));
  return symbols.find(({ value, size }) => nip >= value && nip < value + size)?.name;
}

describe('a crash of the built-in guest', () => {
  for (const [name, options, onCpu] of [
    ['radix, 1 CPU', { cpus: 1 }, 0],
    ['radix, 4 CPUs, panic on 0', { cpus: 4 }, 0],
    ['radix, 4 CPUs, panic on 3', { cpus: 4 }, 3],
    ['radix, IPI', { cpus: 4, append: 'crashipi=xics' }, 1],
    ['radix, H_SIGNAL_SYS_RESET refused', { cpus: 2, refuseSysReset: true }, 1],
    ['radix, release after', { cpus: 2, append: 'release=after' }, 0],
    ['power8 hash, 4 CPUs, panic on 3', { processor: 'power8', mmu: 'hash', cpus: 4 }, 3],
    [
      'power8 hash, IPI, release after',
      { processor: 'power8', mmu: 'hash', append: 'crashipi=xics release=after' },
      0,
    ],
  ] as const) {
    it(`${name} → every CPU's registers, all memory`, { timeout: LIMIT }, () => {
      const guest = crashed({ ...options, memory: [{ base: 0, size: 128 * MIB }] }, { onCpu });
      const elf = core(guest);
      const cpus = guest.partition.vcpus.length;
      const at = positions(elf);
      expect([...at.keys()].sort()).toEqual(Array.from({ length: cpus }, (_, i) => i));
      for (const [cpu, functions] of at)
        expect(functions).toEqual(cpu === onCpu ? ['panic', 'panic'] : ['hcall_status', 'idle_loop']);
      expect(elf.programs.filter(({ type }) => type === PT_LOAD).length).toBeGreaterThan(1);
      let compared = 0;
      for (const program of elf.programs) {
        if (program.type !== PT_LOAD) continue;
        expect(program.vaddr).toBe(LINEAR + program.paddr);
        // The first 64 KiB are the backup's; nothing else outside the reservation has changed since.
        if (program.paddr === 0n) continue;
        for (let done = 0; done < program.filesz; done += PAGE) {
          const raddr = Number(program.paddr) + done;
          const dumped = elf.source.read(program.offset + done, PAGE);
          if (Buffer.compare(dumped, guest.partition.ram.read(raddr, PAGE)) !== 0)
            expect.fail(`page ${raddr.toString(16)}`);
          compared++;
        }
      }
      expect(compared).toBeGreaterThan((90 * MIB) / PAGE);
      expect(guest.end()).toBe('reboot');
    });
  }

  it('8 CPUs, memory above 4 GiB, a system reset of all CPUs at once → one master, one dump', {
    timeout: LIMIT,
  }, () => {
    const high = 4096 * MIB;
    const guest = loaded({
      ...{ processor: 'power8', mmu: 'hash', cpus: 8, rma: 64 * MIB },
      memory: [
        { base: 0, size: 128 * MIB },
        { base: high, size: 16 * MIB },
      ],
    });
    guest.partition.ram.writeU64(high + 0x234560, 0x1122334455667788n, false);
    guest.partition.nmi([0, 1, 2, 3, 4, 5, 6, 7]);
    guest.until(/dump-done/);
    const elf = core(guest);
    expect(positions(elf).size).toBe(8);
    const last = elf.programs.find(({ type, paddr }) => type === PT_LOAD && paddr === BigInt(high));
    const word = elf.source.read((last?.offset ?? 0) + 0x234560, 8);
    expect(getU64(word, 0, 'big')).toBe(0x1122334455667788n);
    expect(guest.console.match(/kexec: leaving/g)?.length).toBe(1);
  });

  it('VMCOREINFO and the first 64 KiB come with the dump', { timeout: LIMIT }, () => {
    const guest = loaded({ cpus: 1 });
    const vectors = guest.partition.ram.read(0x100, 0xf00);
    guest.command('panic 0');
    guest.until(/dump-done/);
    const elf = core(guest);
    const info = elfNotes(elf).find(({ name }) => name === 'VMCOREINFO');
    const text = Buffer.from(info?.desc ?? []).toString('latin1');
    expect(text).toMatch(/^OSRELEASE=kdumpd-guest-1\nPAGESIZE=65536\nSYMBOL\(_stext\)=c000000000000000\n/);
    expect(text).toMatch(/\nCRASHTIME=0\n$/);
    const first = elf.programs.find(({ type, paddr }) => type === PT_LOAD && paddr === 0n);
    expect(first?.filesz).toBe(0x10000);
    expect(Buffer.from(elf.source.read((first?.offset ?? 0) + 0x100, 0xf00))).toEqual(Buffer.from(vectors));
  });

  it('the same machine and input → the same dump', { timeout: LIMIT }, () => {
    const bytes = [0, 1].map(() => {
      const guest = crashed({ cpus: 2, memory: [{ base: 0, size: 96 * MIB }], rma: 64 * MIB });
      const all = new Uint8Array(Number(guest.lines.at(-1)?.split(' ').at(-1)));
      guest.dump.read(0, all);
      return Buffer.from(all);
    });
    expect(bytes[0]?.equals(bytes[1] ?? Buffer.alloc(0))).toBe(true);
  });

  it('a dump disk that is too small → dump-failed no-space', { timeout: LIMIT }, () => {
    const guest = loaded({ cpus: 1, dumpBytes: MIB });
    guest.command('panic 0');
    expect(guest.until(/dump-(done|failed)/)).toBe(
      'kdumpd-agent dump-failed no-space the disk is smaller than the dump',
    );
    expect(guest.end()).toBe('reboot');
  });

  it('one byte of the image changed after the load → purgatory keeps it out', { timeout: LIMIT }, () => {
    const guest = loaded({ cpus: 1 }, { digest: true });
    const { ram } = guest.partition;
    const kernel = guest.plan({ crash: true }).segments.find(({ role }) => role === 'kernel')?.mem ?? 0;
    ram.writeU8(kernel + 0x2345, ram.readU8(kernel + 0x2345) ^ 1);
    guest.command('panic 0');
    expect(() => guest.until(/dump-/, 150_000_000)).toThrow();
    expect(guest.console).toContain('purgatory: digest mismatch: the kernel is not entered');
  });
});

describe('kexec_load of the built-in guest', () => {
  const answer = (crash: Partial<LoadRequest>, append = ''): string => {
    const guest = new BuiltInGuest({ cpus: 1, append });
    guest.ready();
    guest.put({ crash: guest.plan({ crash: true, digest: false, ...crash }) });
    return guest.command('load raw');
  };

  it('a segment over [0, _end) → ETXTBSY', { timeout: LIMIT }, () => {
    expect(answer({ at: { kernel: 0x10000 }, force: ['overlaps-kernel', 'outside-reservation'] })).toMatch(
      /^error load ETXTBSY segment \d+ at 0x10000\+0x[0-9a-f]+ lies over the running kernel$/,
    );
  });

  it('… without machine_kexec_prepare → only that it is outside the reservation', { timeout: LIMIT }, () => {
    expect(
      answer(
        { at: { kernel: 0x10000 }, force: ['overlaps-kernel', 'outside-reservation'] },
        'kdumpd.fault=no-prepare',
      ),
    ).toMatch(/^error load EADDRNOTAVAIL segment \d+ at 0x10000/);
  });

  it('a crash segment outside the reservation → EADDRNOTAVAIL', { timeout: LIMIT }, () => {
    expect(answer({ at: { kernel: 60 * MIB }, force: ['outside-reservation'] })).toMatch(
      /^error load EADDRNOTAVAIL segment \d+ at 0x3c00000\+0x[0-9a-f]+ is outside the crashkernel reservation$/,
    );
  });

  it('no plan, a damaged one, then a good one, then none', { timeout: LIMIT }, () => {
    const guest = new BuiltInGuest({ cpus: 1 });
    guest.ready();
    expect(guest.command('load raw')).toBe('error load EINVAL there is no plan on the disk');
    const plan = guest.plan({ crash: true, digest: false });
    guest.put({ other: plan });
    expect(guest.command('load raw')).toBe('error load EINVAL the disk has no plan of that name');
    guest.put({ crash: plan });
    const good = new Uint8Array(PAGE);
    const directory = new Uint8Array(PAGE);
    guest.plans.read(0, directory);
    const at0 = Number(getU64(directory, DIRECTORY_OFFSET_AT, 'big'));
    guest.plans.read(at0, good);
    for (const [at, byte, why] of [
      [0, 0, 'the plan has another magic'],
      [15, 17, 'the plan has too many segments'],
      // The first segment's offset: not aligned, and beyond the disk.
      [39, 1, 'a segment is outside the disk'],
      [32, 0x7f, 'a segment is outside the disk'],
      // Its length: past the end, and wrapping around.
      [40, 0x7f, 'a segment is outside the disk'],
      [40, 0xff, 'a segment is outside the disk'],
    ] as const) {
      const bad = good.slice();
      bad[at] = byte;
      guest.plans.write(at0, bad);
      expect(guest.command('load raw')).toBe(`error load EINVAL ${why}`);
    }
    guest.plans.write(at0, good);
    expect(guest.command('load raw')).toBe('ok load raw');
    expect(guest.command('status')).toMatch(/^ok status loaded=1/);
    expect(guest.command('unload')).toBe('ok unload');
    expect(guest.command('status')).toMatch(/^ok status loaded=0/);
    expect(guest.command('kexec')).toBe('error kexec EINVAL no ordinary image is loaded');
  });
});

describe('an ordinary kexec of the built-in guest', () => {
  for (const [name, options] of [
    ['radix', { cpus: 4 }],
    ['power8 hash', { cpus: 4, processor: 'power8', mmu: 'hash' }],
    ['power8 hash, release after', { cpus: 2, processor: 'power8', mmu: 'hash', append: 'release=after' }],
  ] as const) {
    it(`${name} → the next kernel at 0 with every CPU, which can do the same again`, {
      timeout: LIMIT,
    }, () => {
      const guest = new BuiltInGuest(options);
      for (let round = 0; round < 2; round++) {
        if (round === 0) guest.ready();
        guest.put({
          next: guest.plan({
            crash: false,
            digest: round === 0,
            commandLine: `crashkernel=32M@24M n=${round}`,
          }),
        });
        expect(guest.command('load-next')).toBe('ok load-next');
        expect(guest.command('kexec')).toBe('ok kexec');
        guest.until(/^kdumpd-agent ready/);
        expect(guest.facts().kernel.start).toBe(0);
        const cpus = guest.console
          .split('kdumpd guest:')
          .at(-1)
          ?.match(/^CPU \d+ \(hardware id \d+\): work/gm);
        expect(cpus?.length).toBe(options.cpus);
      }
      expect(guest.unsupported).toEqual([]);
    });
  }

  it('a RAM disk above the RMA arrives whole, copied through the hash table', { timeout: LIMIT }, () => {
    const guest = new BuiltInGuest({ cpus: 2, processor: 'power8', mmu: 'hash' });
    guest.ready();
    const initrd = Uint8Array.from({ length: 3 * MIB + 77 }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
    const next = guest.plan({ crash: false, initrd, commandLine: '' });
    const at = next.segments.find(({ role }) => role === 'initrd')?.mem ?? 0;
    expect(at).toBeGreaterThanOrEqual(64 * MIB);
    guest.put({ next });
    // Loads take the place of one another, and give their memory back.
    for (let i = 0; i < 20; i++) expect(guest.command('load-next')).toBe('ok load-next');
    guest.command('kexec');
    guest.until(/^kdumpd-agent ready/);
    expect(Buffer.compare(guest.partition.ram.read(at, initrd.length), initrd)).toBe(0);
  });

  for (const [name, crash, command] of [
    ['a panic', true, 'panic 1'],
    ['an ordinary kexec', false, 'kexec'],
  ] as const) {
    it(`${name} into a stub that is no kernel → r3 hardware id, r4 entry, r5 0, a stack`, {
      timeout: LIMIT,
    }, () => {
      const guest = new BuiltInGuest({ cpus: 2 });
      guest.ready();
      const stub = new Uint8Array(8);
      putU32(stub, 0, NOP, 'big');
      putU32(stub, 4, ATTN, 'big');
      const plan = guest.plan({ crash, image: probeImage(stub) });
      guest.put({ crash: plan, next: plan });
      expect(guest.command(crash ? 'load raw' : 'load-next')).toMatch(/^ok/);
      guest.command(command);
      guest.end();
      const master = guest.partition.vcpus[crash ? 1 : 0];
      expect(master?.nia).toBe(BigInt(plan.entry + 4));
      expect([3, 4, 5].map((n) => master?.gpr(n))).toEqual([crash ? 1n : 0n, BigInt(plan.entry), 0n]);
      const kernel = guest.facts().kernel;
      expect(BigInt.asUintN(60, master?.gpr(1) ?? 0n)).toBeLessThan(BigInt(kernel.end));
      expect(guest.partition.ram.readU32(4, false)).toBe(ATTN);
    });
  }

  it('a tree’s boot CPU is the master’s hardware id', { timeout: LIMIT }, () => {
    const guest = loaded({ cpus: 4 });
    const tree = guest.plan({ crash: true }).segments.find(({ role }) => role === 'tree')?.mem ?? 0;
    guest.command('panic 2');
    guest.until(/dump-done/);
    expect(guest.partition.ram.readU32(tree + 28, false)).toBe(hardwareId(2));
  });
});
