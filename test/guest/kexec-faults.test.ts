/** Faults of the built-in guest: each does what its name says, seen by the machine; without it the same is not seen. */

import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { arraySource } from '../../src/base/bytes.ts';
import { elfNotes, elfSymbols, parseElf } from '../../src/base/elf/index.ts';
import type { LoadRequest } from '../../src/crashkernel/index.ts';
import type {
  FetchEvent,
  HcallEvent,
  HcallName,
  InstantRecord,
  MachineEvent,
  MarkId,
  ObservePlan,
} from '../../src/emulator/contract/index.ts';
import { BuiltInGuest, GUEST_KERNEL, type GuestOptions, MIB } from '../synth/built-in-guest.ts';

const LIMIT = 120_000;
const LINEAR = 0xc000000000000000n;
const MSR_DR = 0x10n;
const HASH = { processor: 'power8', mmu: 'hash' } as const;

const symbols = new Map(
  elfSymbols(parseElf(arraySource(readFileSync(GUEST_KERNEL)))).map((each) => [each.name, each]),
);
/** Where callers inside the kernel enter a function: behind what sets r2, if it has that (ELF V2 ABI, st_other). */
function real(name: string): number {
  const symbol = symbols.get(name);
  if (symbol === undefined) throw new Error(`the kernel has no ${name}`);
  return Number(symbol.value - LINEAR) + (symbol.other >>> 5 === 3 ? 8 : 0);
}
const PROBED = [
  'machine_shutdown',
  'machine_kexec_prepare',
  'machine_kexec_cleanup',
  'kexec_copy_flush',
  'pseries_kexec_cpu_down',
] as const;
/** Places that are watched, by what they are called here; a place's number is its index. */
const PLACES = [...PROBED, 'entry', 'slave entry'] as const;
type Place = (typeof PLACES)[number];
const markOf = (place: Place): MarkId => PLACES.indexOf(place);

type Hits = (place: Place) => FetchEvent[];
type Calls = (name: HcallName) => HcallEvent[];

type Outcome = {
  readonly guest: BuiltInGuest;
  readonly t1: InstantRecord | undefined;
  readonly hits: Hits;
  readonly hcalls: Calls;
};

type Way = {
  readonly path?: 'crash' | 'kexec';
  readonly onCpu?: number;
  readonly plan?: Partial<LoadRequest>;
};

/** Runs a guest with a fault up to its dump, or to the next kernel's agent. */
function run(
  fault: string | undefined,
  options: GuestOptions = {},
  { path = 'crash', onCpu = 0, plan = {} }: Way = {},
): Outcome {
  const { append = '', ...machine } = options;
  const guest = new BuiltInGuest({
    cpus: 4,
    ...machine,
    append: `${append}${fault === undefined ? '' : ` kdumpd.fault=${fault}`}`,
  });
  guest.ready();
  const image = guest.plan({
    crash: path === 'crash',
    digest: false,
    ...(path === 'crash' ? {} : { commandLine: 'crashkernel=32M@24M' }),
    ...plan,
  });
  guest.put({ crash: image, next: image });
  guest.partition.observe(watch(image.entry));
  guest.command(path === 'crash' ? 'load raw' : 'load-next');
  if (path === 'crash') {
    guest.command(`panic ${onCpu}`);
    guest.until(/^kdumpd-agent dump-done/);
  } else {
    guest.command('kexec');
    guest.until(/^kdumpd-agent ready/, 1_500_000_000);
  }
  return { guest, t1: guest.partition.instant('t1'), ...seenIn(guest.events) };
}

function seenIn(events: readonly MachineEvent[]): { hits: Hits; hcalls: Calls } {
  return {
    hits: (place) =>
      events.filter((event) => event.kind === 'fetch').filter(({ mark }) => mark === markOf(place)),
    hcalls: (call) => events.filter((event) => event.kind === 'hcall').filter(({ name }) => name === call),
  };
}

function watch(entry: number): ObservePlan {
  return {
    probes: [
      ...PROBED.map((name) => ({ raddr: real(name), mark: markOf(name) })),
      { raddr: entry, mark: markOf('entry') },
    ],
    stores: [],
    executes: [{ raddr: 0x60, length: 0x40, mark: markOf('slave entry') }],
    msrMask: 0n,
    vectors: [],
    hcallsExcept: ['H_PUT_TERM_CHAR', 'H_CEDE', 'H_GET_TERM_CHAR', 'H_LOGICAL_CI_LOAD', 'H_ENTER'],
    instants: [{ name: 't1', at: [{ kind: 'fetch', mark: markOf('entry') }] }],
  };
}

function savedCpus(guest: BuiltInGuest): number {
  const bytes = new Uint8Array(Number(guest.lines.at(-1)?.split(' ').at(-1)));
  guest.dump.read(0, bytes);
  return elfNotes(parseElf(arraySource(bytes))).filter(({ name }) => name === 'CORE').length;
}

describe('faults of the built-in guest', () => {
  const good = run(undefined);
  const goodHash = run(undefined, HASH);
  const goodKexec = run(undefined, HASH, { path: 'kexec' });
  afterAll(() => {
    for (const { guest } of [good, goodHash, goodKexec]) expect(guest.unsupported).toEqual([]);
  });

  it('irq-off under an IPI, panic timeout 10 → goes on without that CPU', { timeout: LIMIT }, () => {
    const { guest } = run('irq-off:2', { append: 'crashipi=xics panic=10' });
    expect(guest.console).toContain('CPU 2 (hardware id 8) does not answer');
    expect([savedCpus(good.guest), savedCpus(guest)]).toEqual([4, 3]);
  });

  it('irq-off under an IPI, panic timeout 0 → waits for ever', { timeout: LIMIT }, () => {
    expect(() => run('irq-off:2', { append: 'crashipi=xics' })).toThrow(/waiting for a system reset/);
  });

  it('irq-off under H_SIGNAL_SYS_RESET → all answer', { timeout: LIMIT }, () => {
    expect(savedCpus(run('irq-off:2').guest)).toBe(4);
  });

  it('slow-slave → the secondary reaches 0x60 long after the master has left', { timeout: LIMIT }, () => {
    const late = ({ hits }: Outcome): boolean => {
      const left = hits('entry')[0]?.insn ?? 0;
      const came = hits('slave entry');
      expect(came.length).toBeGreaterThan(0);
      return came.some(({ insn }) => insn > left + 10_000_000);
    };
    expect(late(good)).toBe(false);
    expect(late(run('slow-slave:5000000', { cpus: 4 }, { plan: { digest: true } }))).toBe(true);
  });

  it('thread-id-secondary → the request of thread 1, not the own one', { timeout: LIMIT }, () => {
    const threads = ({ hcalls }: Outcome): bigint[] => [
      ...new Set(
        hcalls('H_IPI')
          .filter(({ args: [, mfrr] }) => mfrr === 0xffn)
          .map(({ args: [server = -1n] }) => server),
      ),
    ];
    const between = (outcome: Outcome): bigint[] => threads(until(outcome));
    expect(between(good).sort()).toEqual([0n, 1n, 8n, 9n].sort());
    expect(between(run('thread-id-secondary')).sort()).toEqual([0n, 1n]);
  });

  it('no-eoi under an IPI → an interrupt is unfinished at T1', { timeout: LIMIT }, () => {
    const open = ({ t1 }: Outcome): number[] =>
      (t1?.interrupts ?? []).filter(({ inService }) => inService.length > 0).map(({ cpu }) => cpu);
    expect(open(run(undefined, { append: 'crashipi=xics' }))).toEqual([]);
    expect(open(run('no-eoi', { append: 'crashipi=xics' }))).toEqual([1, 2, 3]);
  });

  it('wild-store → that word of the dead kernel is another', { timeout: LIMIT }, () => {
    const at = 12 * MIB;
    const { guest } = run(
      undefined,
      {},
      { plan: { commandLine: `kdumpd.fault=wild-store:0x${at.toString(16)}` } },
    );
    expect(guest.partition.ram.readU64(at, false)).toBe(0x77696c6473746f72n);
    expect(good.guest.partition.ram.readU64(at, false)).toBe(0n);
  });

  it('wild-store-reserved → a released secondary writes into the reservation', { timeout: LIMIT }, () => {
    const at = 50 * MIB;
    const { guest } = run(`wild-store-reserved:0x${at.toString(16)}`);
    expect(guest.partition.ram.readU64(at, false)).toBe(BigInt(at));
    expect(good.guest.partition.ram.readU64(at, false)).toBe(0n);
  });

  it('no-notes → a dump without registers', { timeout: LIMIT }, () => {
    expect(savedCpus(run('no-notes').guest)).toBe(0);
  });

  it('shutdown-on-panic → machine_shutdown is executed', { timeout: LIMIT }, () => {
    expect(good.hits('machine_shutdown')).toEqual([]);
    expect(run('shutdown-on-panic').hits('machine_shutdown').length).toBe(1);
    expect(goodKexec.hits('machine_shutdown').length).toBe(1);
  });

  it('keep-page-tables → nobody clears the hash table', { timeout: LIMIT }, () => {
    const cleared = (outcome: Outcome): number => until(outcome).hcalls('H_CLEAR_HPT').length;
    expect(cleared(goodHash)).toBeGreaterThan(0);
    expect(cleared(goodKexec)).toBeGreaterThan(0);
    expect(cleared(run('keep-page-tables', HASH))).toBe(0);
  });

  it('copy-real → real mode ends at the RMA, and with it the kernel', { timeout: LIMIT }, () => {
    const translated = ({ hits }: Outcome): boolean[] =>
      hits('kexec_copy_flush').map(({ regs }) => (regs.msr & MSR_DR) !== 0n);
    expect(translated(goodKexec)).toEqual([true]);
    expect(translated(good)).toEqual([false]);
    expect(() => run('copy-real', HASH, { path: 'kexec' })).toThrow(
      /Unable to handle kernel [\s\S]*MSR 8000000000001000 [\s\S]*DSISR 08000000/,
    );
  });

  it('double-teardown → every CPU masks its interrupts twice', { timeout: LIMIT }, () => {
    const masks = (outcome: Outcome): number =>
      until(outcome)
        .hcalls('H_CPPR')
        .filter(({ args: [priority] }) => priority === 0n).length;
    expect(masks(good)).toBe(4);
    expect(masks(run('double-teardown'))).toBe(8);
  });

  it('stack-dynamic → the master copies on a stack outside the kernel', { timeout: LIMIT }, () => {
    const end = symbols.get('_end')?.value ?? 0n;
    const inside = ({ hits }: Outcome): boolean[] =>
      hits('kexec_copy_flush').map(({ regs }) => regs.r1 >= LINEAR && regs.r1 < end);
    expect(inside(goodKexec)).toEqual([true]);
    expect(inside(run('stack-dynamic', HASH, { path: 'kexec' }))).toEqual([false]);
  });

  it('no-prepare, no-cleanup → the hook is not executed', { timeout: LIMIT }, () => {
    const hooks = (fault: string | undefined): number[] => {
      const guest = new BuiltInGuest({ cpus: 1, append: fault === undefined ? '' : `kdumpd.fault=${fault}` });
      guest.ready();
      const image = guest.plan({ crash: true, digest: false });
      guest.put({ crash: image });
      guest.partition.observe(watch(image.entry));
      guest.command('load raw');
      guest.command('unload');
      const { hits } = seenIn(guest.events);
      return [hits('machine_kexec_prepare').length, hits('machine_kexec_cleanup').length];
    };
    expect(hooks(undefined)).toEqual([1, 1]);
    expect(hooks('no-prepare')).toEqual([0, 1]);
    expect(hooks('no-cleanup')).toEqual([1, 0]);
  });

  it('late-vpa → areas and dispatch logs are still registered at T1', { timeout: LIMIT }, () => {
    const areas = ({ t1 }: Outcome): string[] =>
      [...new Set((t1?.areas ?? []).map(({ kind }) => kind))].sort();
    expect(areas(goodKexec)).toEqual([]);
    expect(areas(good)).toEqual(['vpa']);
    expect(areas(run('late-vpa', {}, { path: 'kexec' }))).toEqual(['dispatch-log', 'vpa']);
  });
});

/** Only what happened after the first teardown and before the master left. */
function until({ guest, t1, hits }: Outcome): Outcome {
  const from = hits('pseries_kexec_cpu_down')[0]?.n ?? 0;
  const to = hits('entry')[0]?.n ?? 0;
  return { guest, t1, ...seenIn(guest.events.filter(({ n }) => n > from && n < to)) };
}
