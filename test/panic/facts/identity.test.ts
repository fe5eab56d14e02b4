/** Crashes of a kernel whose stack is built by hand: what is found on it, and when two crashes are the same. */

import { describe, expect, it } from 'vitest';
import { putU64 } from '../../../src/base/bytes.ts';
import { hex64 } from '../../../src/base/hex.ts';
import type { FetchRegister } from '../../../src/emulator/contract/index.ts';
import { OutsideMemory } from '../../../src/emulator/memory/contract.ts';
import { type CrashIdentity, identifyCrash } from '../../../src/panic/facts/identity.ts';
import type { FetchEvent, FunctionName, Trace, TraceEvent } from '../../../src/panic/trace/index.ts';
import { SymbolTable } from '../../../src/vmcore/analyse/index.ts';

const LINEAR = 0xc000000000000000n;
const NAMES = [
  '._stext',
  'panic',
  'die',
  'nmi_panic',
  'sysrq_handle_crash',
  '__handle_sysrq',
  'write_sysrq_trigger',
  'vfs_write.part.0',
  'system_call_exception',
  'bad_page_fault',
  'leaf',
  'do_idle',
  'do_IRQ',
  'panic_caller',
];
const addressOf = (name: string): bigint => LINEAR + BigInt(NAMES.indexOf(name) * 0x1000 + 0x10000);
const SYMBOLS = {
  source: 'kallsyms',
  base: 0,
  table: new SymbolTable(NAMES.map((name) => ({ name, address: addressOf(name) }))),
} as const;

const MACHINE: Trace['machine'] = { processor: 'power9', mmu: 'radix', cpus: [] };

const STACK = 0x80000;
const TEXT = 0x70000;

/** A frame from the innermost on: of a function, or of an interrupt that took it at `nip`. */
type Frame = string | { readonly trap: bigint; readonly nip: string };

type Registers = Record<FetchRegister, bigint>;
const NO_REGISTERS: Registers = { r1: 0n, r3: 0n, r4: 0n, r5: 0n, r6: 0n, lr: 0n, msr: 0n };
function hexOf({ r1, r3, r4, r5, r6, lr, msr }: Registers): Record<FetchRegister, string> {
  return {
    r1: hex64(r1),
    r3: hex64(r3),
    r4: hex64(r4),
    r5: hex64(r5),
    r6: hex64(r6),
    lr: hex64(lr),
    msr: hex64(msr),
  };
}

class Machine {
  readonly memory = new Uint8Array(0x100000);
  readonly little: boolean;
  /** The first event's stack pointer. */
  readonly sp = LINEAR + BigInt(STACK);

  constructor(frames: readonly Frame[], little = true) {
    this.little = little;
    let at = STACK;
    for (const [i, frame] of frames.entries()) {
      const bytes = typeof frame === 'string' ? 0x60 : 0x300;
      const isLast = i === frames.length - 1;
      this.put(at, isLast ? 0n : LINEAR + BigInt(at + bytes));
      const above = frames[i + 1];
      // The caller's frame holds where the owner of this one returns to.
      if (typeof frame === 'string' && typeof above === 'string')
        this.put(at + bytes + 16, addressOf(above) + 0x44n);
      if (typeof frame !== 'string') {
        this.put(at + 96, 0x53474552n);
        this.put(at + 112 + 256, addressOf(frame.nip) + 0x20n);
        this.put(at + 112 + 8, isLast ? 0n : LINEAR + BigInt(at + bytes));
        this.put(at + 112 + 320, frame.trap);
      }
      at += bytes;
    }
  }

  put(at: number, value: bigint): void {
    putU64(this.memory, at, value, this.little ? 'little' : 'big');
  }

  text(text: string, at = TEXT): bigint {
    this.memory.set(Buffer.from(`${text}\0`), at);
    return LINEAR + BigInt(at);
  }

  read = async (raddr: number, length: number): Promise<Uint8Array> => {
    if (raddr + length > this.memory.length) throw new OutsideMemory(raddr, length);
    return this.memory.slice(raddr, raddr + length);
  };

  fetch(name: FunctionName, caller: string, change: Partial<Registers> = {}, cpu = 1): FetchEvent {
    const regs: Registers = {
      ...NO_REGISTERS,
      lr: addressOf(caller) + 0x30n,
      r1: this.sp,
      msr: this.little ? 0x8000000000001033n : 0x8000000000001032n,
      ...change,
    };
    return {
      n: 0,
      cpu,
      insn: 5,
      tb: hex64(5),
      kind: 'fetch',
      text: name,
      mark: { at: 'function', name, in: 'production' },
      addr: hex64(addressOf(name)),
      raddr: hex64(addressOf(name) - LINEAR),
      regs: hexOf(regs),
    };
  }

  identify(...given: readonly TraceEvent[]): Promise<CrashIdentity | undefined> {
    const events = given.map((event, n) => ({ ...event, n }));
    const cpu = events[0]?.cpu ?? 0;
    const instants: Trace['instants'] = { t0: { event: 0, insn: 5, tb: hex64(5), cpu } };
    return identifyCrash({ events, instants, machine: MACHINE }, this.read, SYMBOLS);
  }
}

/** A program wrote c to /proc/sysrq-trigger. */
function echo(little = true, cpu = 1): Promise<CrashIdentity | undefined> {
  const machine = new Machine(
    ['__handle_sysrq', 'write_sysrq_trigger', 'vfs_write.part.0', { trap: 0xc00n, nip: 'leaf' }, 'do_idle'],
    little,
  );
  return machine.identify(
    machine.fetch('sysrq_handle_crash', '__handle_sysrq', {}, cpu),
    machine.fetch('panic', 'sysrq_handle_crash', { r3: machine.text('sysrq triggered crash\n') }, cpu),
  );
}

const ECHO = ['sysrq_handle_crash', '__handle_sysrq', 'write_sysrq_trigger', 'vfs_write'];

describe('identifyCrash', () => {
  it('a back chain that goes from stack to stack in a circle → it ends', async () => {
    const machine = new Machine(['panic_caller']);
    const other = STACK + 0x10000;
    machine.put(STACK, LINEAR + BigInt(other));
    machine.put(other, LINEAR + BigInt(STACK));
    const found = await machine.identify(machine.fetch('panic', 'panic_caller'));
    expect(found?.cause.backtrace).toEqual(['panic', 'panic_caller']);
  });

  it('a panic in a system call → the text and the functions up to the call', async () => {
    const found = await echo();
    expect(found?.cause).toEqual({ reason: 'sysrq triggered crash', backtrace: ECHO });
    expect(found?.signature).toMatch(/^[0-9a-f]{16}$/);
  });

  it('the same crash again, on another CPU, in another byte order → the same signature', async () => {
    expect(await echo(true, 0)).toEqual(await echo());
    expect(await echo(false)).toEqual(await echo());
  });

  it('another way there → another signature; what an asynchronous interrupt interrupted does not count', async () => {
    const console = (interrupted: string) => {
      const frames = ['__handle_sysrq', 'do_IRQ', { trap: 0x500n, nip: interrupted }, interrupted];
      const machine = new Machine(frames);
      return machine.identify(
        machine.fetch('sysrq_handle_crash', '__handle_sysrq'),
        machine.fetch('panic', 'sysrq_handle_crash', { r3: machine.text('sysrq triggered crash\n') }),
      );
    };
    const one = await console('do_idle');
    expect(one?.cause.backtrace).toEqual(['sysrq_handle_crash', '__handle_sysrq', 'do_IRQ']);
    expect(one?.signature).not.toBe((await echo())?.signature);
    expect(await console('vfs_write.part.0')).toEqual(one);
  });

  it('another text, the same way → another signature; other numbers in it → the same', async () => {
    const panic = async (text: string) => {
      const machine = new Machine(['panic_caller']);
      return machine.identify(
        machine.fetch('panic', 'panic_caller', {
          r3: machine.text('%s\n'),
          r4: machine.text(text, TEXT + 64),
        }),
      );
    };
    const one = await panic('bad thing 12 at 0xc000000000123456');
    expect(one?.cause).toEqual({ reason: 'bad thing # at #', backtrace: ['panic', 'panic_caller'] });
    expect(await panic('bad thing 7 at 0xdead')).toEqual(one);
    expect((await panic('worse thing 7 at 0xdead'))?.signature).not.toBe(one?.signature);
  });

  it('an oops → through the exception to the function that failed and its callers', async () => {
    const machine = new Machine([
      'bad_page_fault',
      { trap: 0x301n, nip: 'leaf' },
      'leaf',
      'vfs_write.part.0',
      { trap: 0x3000n, nip: 'leaf' },
      'leaf',
    ]);
    const found = await machine.identify(
      machine.fetch('die', 'bad_page_fault', { r3: machine.text('Kernel access of bad area') }),
    );
    expect(found?.cause).toEqual({
      reason: 'Kernel access of bad area',
      backtrace: ['die', 'bad_page_fault', 'leaf', 'vfs_write'],
    });
  });

  it('nmi_panic → its second argument; a system reset of an idle CPU → idle', async () => {
    const machine = new Machine(['panic_caller']);
    const watchdog = machine.fetch('nmi_panic', 'panic_caller', { r4: machine.text('Hard LOCKUP') });
    expect((await machine.identify(watchdog))?.cause.reason).toBe('Hard LOCKUP');
    const idle = new Machine(['leaf', 'do_idle', 'panic_caller']);
    const reset: TraceEvent = {
      n: 0,
      cpu: 1,
      insn: 5,
      tb: hex64(5),
      kind: 'interrupt',
      text: '0x100 system reset, requested from outside',
      addr: hex64(0x100),
      vector: 0x100,
      requestedBy: 'outside',
      regs: {
        srr0: hex64(addressOf('leaf')),
        srr1: hex64(0x8000000000001033n),
        r1: hex64(idle.sp),
        dar: hex64(0),
        dsisr: hex64(0),
      },
    };
    expect((await idle.identify(reset))?.cause).toEqual({ reason: 'system reset', backtrace: ['idle'] });
    const busy = new Machine(['leaf', 'vfs_write.part.0']);
    expect((await busy.identify(reset))?.cause.backtrace).toEqual(['leaf', 'vfs_write']);
  });

  it('a switch to another stack → what lies in the old one is not taken for a return address', async () => {
    const machine = new Machine(['__handle_sysrq', 'do_IRQ']);
    // The interrupt's stack ends in a frame that leads to the thread's.
    const [first, thread] = [STACK + 0x60, STACK + 0x8000];
    machine.put(first, LINEAR + BigInt(thread));
    machine.put(thread, LINEAR + BigInt(thread + 0x60));
    machine.put(thread + 16, addressOf('leaf') + 8n);
    machine.put(thread + 0x60 + 16, addressOf('vfs_write.part.0') + 8n);
    const found = await machine.identify(machine.fetch('panic', '__handle_sysrq'));
    expect(found?.cause.backtrace).toEqual(['panic', '__handle_sysrq', 'do_IRQ', 'vfs_write']);
  });

  it('registers that lead nowhere → what is known, never an error; a chain in a circle ends', async () => {
    const machine = new Machine(['panic_caller']);
    const lost = machine.fetch('panic', 'panic_caller', {
      r1: 0xc000000fffffff00n,
      r3: 0xd000000000000000n,
      lr: 4n,
    });
    expect((await machine.identify(lost))?.cause).toEqual({ reason: 'panic', backtrace: ['panic', '?'] });
    machine.put(STACK, machine.sp);
    machine.put(STACK + 16, addressOf('leaf') + 8n);
    const circle = await machine.identify(machine.fetch('panic', 'panic_caller'));
    expect(circle?.cause.backtrace).toHaveLength(24);
    expect(
      await identifyCrash({ events: [], instants: {}, machine: MACHINE }, machine.read, SYMBOLS),
    ).toBeUndefined();
  });

  it.each([
    ['6.2 and later, ELFv2', 32, 48],
    ['before, and ELFv1', 96, 112],
  ])(
    'an interrupt’s frame of Linux %s; a leaf’s caller is in its link register',
    async (_what, marker, regs) => {
      const oops = (link: string, saved: string) => {
        const machine = new Machine(['bad_page_fault', 'do_IRQ', 'panic_caller']);
        const [taken, caller] = [STACK + 0x60, STACK + 0x400];
        machine.put(taken, LINEAR + BigInt(caller));
        for (const at of [32, 96]) machine.put(taken + at, at === marker ? 0x53474552n : 0n);
        machine.put(taken + regs + 8, LINEAR + BigInt(caller));
        machine.put(taken + regs + 256, addressOf('leaf') + 0x20n);
        machine.put(taken + regs + 288, addressOf(link) + 0x44n);
        machine.put(taken + regs + 320, 0x300n);
        machine.put(caller, LINEAR + BigInt(caller + 0x60));
        machine.put(caller + 0x60 + 16, addressOf(saved) + 0x44n);
        return machine.identify(machine.fetch('die', 'bad_page_fault'));
      };
      const at = async (link: string, saved: string) => (await oops(link, saved))?.cause.backtrace.slice(3);
      expect(await at('vfs_write.part.0', 'write_sysrq_trigger')).toEqual([
        'leaf',
        'vfs_write',
        'write_sysrq_trigger',
      ]);
      // It has a frame: the address is saved there, or the link register leads back into it.
      expect(await at('vfs_write.part.0', 'vfs_write.part.0')).toEqual(['leaf', 'vfs_write']);
      expect(await at('leaf', 'vfs_write.part.0')).toEqual(['leaf', 'vfs_write']);
    },
  );

  it('a marker that an earlier frame left behind → no interrupt', async () => {
    const machine = new Machine(['bad_page_fault', 'vfs_write.part.0', 'do_IRQ']);
    machine.put(STACK + 0x60 + 32, 0x53474552n);
    machine.put(STACK + 0x60 + 48 + 256, addressOf('leaf'));
    const found = await machine.identify(machine.fetch('die', 'bad_page_fault'));
    expect(found?.cause.backtrace).toEqual(['die', 'bad_page_fault', 'vfs_write', 'do_IRQ']);
  });

  it('a stack of 32 KiB → its second half is no other stack', async () => {
    const cross = async (end: bigint) => {
      const machine = new Machine(['__handle_sysrq']);
      const [low, high] = [STACK + 0x3f00, STACK + 0x4010];
      machine.put(STACK, LINEAR + BigInt(low));
      machine.put(low + 16, addressOf('do_IRQ') + 8n);
      machine.put(low, LINEAR + BigInt(high));
      machine.put(high + 16, addressOf('vfs_write.part.0') + 8n);
      const stack = [
        { name: 'init_stack', address: LINEAR + 0xf0000n },
        { name: '__end_init_stack', address: LINEAR + 0xf0000n + end },
      ];
      const table = new SymbolTable([...SYMBOLS.table.symbols, ...stack]);
      const event = machine.fetch('panic', '__handle_sysrq');
      const instants: Trace['instants'] = { t0: { event: 0, insn: 5, tb: hex64(5), cpu: 1 } };
      const trace = { events: [event], instants, machine: MACHINE };
      return (await identifyCrash(trace, machine.read, { ...SYMBOLS, table }))?.cause.backtrace;
    };
    expect(await cross(0x8000n)).toEqual(['panic', '__handle_sysrq', 'do_IRQ', 'vfs_write']);
    expect(await cross(0x4000n)).toEqual(['panic', '__handle_sysrq', 'do_IRQ']);
  });
});

/** Two drivers, loaded outside of the linear map, whose functions panic. */
describe('identifyCrash, in modules', () => {
  const VMALLOC = 0xc008000000000000n;
  const ROOT = 0x90000;
  const TABLES = [0xa0000, 0xa1000, 0xa2000];
  const MODULE = 0xa4000;
  const HEAD = 0xa8000;
  const TEXT_OFFSET = 0x2000n;

  /** A module of four pages at the start of vmalloc: its struct, its symbols, its code. */
  function withModule(name: string, symbol: string, hasSymbols = true) {
    const machine = new Machine(['panic_caller']);
    const entry = (table: number, at: number, value: bigint): void =>
      void putU64(machine.memory, table + at * 8, value, 'big');
    const [pud = 0, pmd = 0, pte = 0] = TABLES;
    entry(ROOT, Number((VMALLOC >> 39n) & 0x1fffn), (1n << 63n) | BigInt(pud) | 9n);
    entry(pud, 0, (1n << 63n) | BigInt(pmd) | 9n);
    entry(pmd, 0, (1n << 63n) | BigInt(pte) | 9n);
    // Pages that follow each other for the kernel do not in memory.
    const place = (offset: number): number => MODULE + (offset ^ 0x3000);
    for (let page = 0; page < 4; page++) entry(pte, page, (3n << 62n) | BigInt(place(page * 0x1000)));
    const put = (offset: number, value: bigint): void => machine.put(place(offset), value);
    machine.put(HEAD, VMALLOC + 8n);
    put(8, LINEAR + BigInt(HEAD));
    machine.memory.set(Buffer.from(name), place(24));
    if (hasSymbols) {
      put(0x180, VMALLOC + 0x188n);
      put(0x188, VMALLOC + 0x1000n);
      put(0x190, 2n);
      put(0x198, VMALLOC + 0x1100n);
      put(0x1018, 1n);
      put(0x1020, VMALLOC + TEXT_OFFSET);
      put(0x1028, 0x100n);
      machine.memory.set(Buffer.from(`\0${symbol}\0`), place(0x1100));
    }
    for (let at = 0; at < 0x100; at += 8) put(Number(TEXT_OFFSET) + at, BigInt(at * symbol.length));
    const text = machine.text('out of luck');
    machine.memory.copyWithin(place(0x3000), TEXT, TEXT + 32);
    machine.memory.fill(0, TEXT, TEXT + 32);
    return {
      machine,
      text,
      event: machine.fetch('panic', 'panic_caller', {
        lr: VMALLOC + TEXT_OFFSET + 0x44n,
        r3: VMALLOC + 0x3000n,
      }),
    };
  }

  const identify = async (name: string, symbol: string, hasSymbols = true, mapped = true) => {
    const { machine, event } = withModule(name, symbol, hasSymbols);
    const data = [
      ...(mapped ? [{ name: 'swapper_pg_dir', address: LINEAR + BigInt(ROOT) }] : []),
      { name: 'modules', address: LINEAR + BigInt(HEAD) },
    ];
    const table = new SymbolTable([...SYMBOLS.table.symbols, ...data]);
    const instants: Trace['instants'] = { t0: { event: 0, insn: 5, tb: hex64(5), cpu: 1 } };
    const trace = { events: [event], instants, machine: MACHINE };
    return await identifyCrash(trace, machine.read, { ...SYMBOLS, table });
  };

  it('the function is named with its module, and the text is read; two drivers → two signatures, one → one', async () => {
    const one = await identify('first', 'first_open');
    expect(one?.cause).toEqual({ reason: 'out of luck', backtrace: ['panic', 'first_open [first]'] });
    expect(await identify('first', 'first_open')).toEqual(one);
    expect((await identify('second', 'second_open'))?.signature).not.toBe(one?.signature);
  });

  it('a module without symbols → its code tells it from others', async () => {
    const one = await identify('first', 'first_open', false);
    expect(one?.cause.backtrace[1]).toMatch(/^code-[0-9a-f]{8}$/);
    expect(await identify('first', 'first_open', false)).toEqual(one);
    expect((await identify('second', 'other', false))?.signature).not.toBe(one?.signature);
  });

  it('no page table → what is in the linear map', async () => {
    expect((await identify('first', 'first_open', true, false))?.cause).toEqual({
      reason: 'panic',
      backtrace: ['panic', '?'],
    });
  });
});
