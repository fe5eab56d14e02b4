/**
 * What the kernel's frames and debugging data are worth: gdb unwinds every CPU, by name, from a core file made of the
 * machine's memory and registers; also through the frame of an interrupt.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { putU32, putU64 } from '../../src/base/bytes.ts';
import { buildElf, EM_PPC64, ET_CORE, PF_R, PT_LOAD } from '../../src/base/elf/index.ts';
import type { VcpuSnapshot } from '../../src/emulator/host/index.ts';
import { needsProgram } from '../support/programs.ts';
import { BuiltInGuest } from '../synth/built-in-guest.ts';
import { type Guest, KERNEL, startGuest } from './built-in-guest.ts';

const PAGE_OFFSET = 0xc000000000000000n;
const KERNEL_BYTES = 4 * 2 ** 20;
const NT_PRSTATUS = 1;
/** struct elf_prstatus of ppc64: where the thread's id and its registers lie. */
const PRSTATUS = { bytes: 504, pid: 32, registers: 112 } as const;
const REGISTER = { nip: 32, msr: 33, ctr: 35, link: 36, xer: 37, ccr: 38 } as const;

function note(vcpu: VcpuSnapshot) {
  const desc = new Uint8Array(PRSTATUS.bytes);
  const put = (n: number, value: bigint) => putU64(desc, PRSTATUS.registers + 8 * n, value, 'big');
  putU32(desc, PRSTATUS.pid, vcpu.index + 1, 'big');
  for (const [n, value] of vcpu.gpr.entries()) put(n, value);
  put(REGISTER.nip, vcpu.nia);
  put(REGISTER.msr, vcpu.msr);
  put(REGISTER.ctr, vcpu.ctr);
  put(REGISTER.link, vcpu.lr);
  put(REGISTER.xer, BigInt(vcpu.xer));
  put(REGISTER.ccr, BigInt(vcpu.cr));
  return { name: 'CORE', type: NT_PRSTATUS, desc };
}

/** gdb's backtraces from a core file, by CPU: the names of the functions, innermost first. */
function backtraces(core: Uint8Array): string[][] {
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-gdb-'));
  try {
    const file = join(folder, 'core');
    writeFileSync(file, core);
    const gdb = spawnSync(
      'gdb-multiarch',
      ['-nx', '-batch', '-ex', 'thread apply all -ascending bt', KERNEL, file],
      { encoding: 'utf8', timeout: 40_000 },
    );
    const threads = gdb.stdout.split(/^Thread \d+ .*$/m).slice(1);
    if (threads.length === 0) throw new Error(`gdb shows no threads:\n${gdb.stdout}\n${gdb.stderr}`);
    return threads.map((text) =>
      [...text.matchAll(/^#\d+ +(?:0x[0-9a-f]+ in )?(\S+)/gm)].map(([, name = '']) => name),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** `frames` without those of a timer interrupt that the panic met: when it comes is up to the host's time. */
function withoutTimer(frames: readonly string[] | undefined): readonly string[] | undefined {
  const timer = ['timer_interrupt', 'interrupt_dispatch', '<signal'];
  return timer.every((name, index) => frames?.[index] === name) ? frames?.slice(timer.length) : frames;
}

/** A core file of the machine's present state. */
async function coreOf(guest: Guest): Promise<Uint8Array> {
  const data = await guest.handle.readMemory(0, KERNEL_BYTES);
  return buildElf({
    endian: 'big',
    type: ET_CORE,
    machine: EM_PPC64,
    notes: (await guest.handle.vcpus()).map(note),
    segments: [{ type: PT_LOAD, flags: PF_R, vaddr: PAGE_OFFSET, paddr: 0n, data }],
  });
}

describe('debugging data of the built-in guest', () => {
  it('NMI on CPU 0 → from the stack of system resets back to the idle loop', async () => {
    needsProgram('gdb-multiarch');
    const guest = await startGuest({ processor: 'power8', mmu: 'hash' });
    try {
      await guest.until(1, /^kdumpd-agent ready/m);
      // Before, it may be in the handler of an interrupt.
      await guest.rested();
      await guest.handle.nmi([0]);
      await guest.ended();
      const [cpu0] = backtraces(await coreOf(guest));
      expect(cpu0?.slice(cpu0.indexOf('die'))).toEqual([
        ...['die', 'system_reset_exception', 'interrupt_dispatch', '<signal'],
        ...['hcall_status', 'idle_loop', 'start_kernel', 'cpu_begins'],
      ]);
    } finally {
      await guest.close();
    }
  });

  it('panic 2 → the panicking CPU back to its idle loop through the interrupt, the others idle', async () => {
    needsProgram('gdb-multiarch');
    const guest = await startGuest({ cpus: 4 });
    try {
      await guest.until(1, /^kdumpd-agent ready/m);
      await guest.tell('panic 2');
      await guest.ended();
      const [cpu0, cpu1, cpu2, cpu3] = backtraces(await coreOf(guest));
      const idle = ['hcall_status', 'idle_loop', 'start_secondary', 'cpu_begins'];
      expect(cpu2?.slice(cpu2.indexOf('panic'))).toEqual([
        ...['panic', 'agent_panic_here', 'handle_ipi', 'external_interrupt', 'interrupt_dispatch'],
        ...['<signal', ...idle],
      ]);
      for (const secondary of [cpu1, cpu3]) expect(withoutTimer(secondary)).toEqual(idle);
      expect(withoutTimer(cpu0)).toEqual(['hcall_status', 'idle_loop', 'start_kernel', 'cpu_begins']);
    } finally {
      await guest.close();
    }
  });

  it('a captured dump, panic on CPU 3 of 4 → every CPU back to where it began', { timeout: 120_000 }, () => {
    needsProgram('gdb-multiarch');
    const guest = new BuiltInGuest({ processor: 'power8', mmu: 'hash', cpus: 4 });
    guest.ready();
    guest.put({ crash: guest.plan({ crash: true, digest: false }) });
    expect(guest.command('load raw')).toBe('ok load raw');
    guest.command('panic 3');
    const done = guest.until(/^kdumpd-agent dump-(done|failed)/);
    const core = new Uint8Array(Number(/dump-done (\d+)$/.exec(done)?.[1]));
    guest.dump.read(0, core);
    const idle = ['hcall_status', 'idle_loop'];
    expect(backtraces(core)).toEqual([
      [...idle, 'start_kernel', 'cpu_begins'],
      [...idle, 'start_secondary', 'cpu_begins'],
      [...idle, 'start_secondary', 'cpu_begins'],
      [
        ...['panic', 'agent_panic_here', 'handle_ipi', 'external_interrupt', 'interrupt_dispatch'],
        ...['<signal', ...idle, 'start_secondary', 'cpu_begins'],
      ],
    ]);
  });
});
