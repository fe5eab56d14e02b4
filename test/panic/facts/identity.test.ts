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
});
