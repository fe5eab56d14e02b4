/**
 * Records the calls of kexec_load and kexec_file_load of a power cycle: the arguments, the result, and whether the guest's hooks ran during the call.
 * Source: Linux 6.1 kernel/kexec.c, include/uapi/linux/kexec.h.
 */

import { syscallResultText } from '../../base/errno.ts';
import { hex64 } from '../../base/hex.ts';
import type { MachineEvent, SyscallEvent, SyscallReturnEvent } from '../../emulator/contract/index.ts';
import { type FunctionName, LOAD_HOOKS, type LoadCall } from '../trace/index.ts';
import { isByFile, isCrashLoad, parseKexecLoad } from './kexec-image.ts';

type Open = { -readonly [K in keyof LoadCall]: LoadCall[K] };

/** Takes events in order. Only the last calls are kept: a guest may load as often as it likes. */
export class LoadLog {
  readonly #calls: Open[] = [];
  #open: Open | undefined;
  readonly #limit: number;

  constructor(limit = 16) {
    this.#limit = limit;
  }

  get calls(): readonly LoadCall[] {
    return this.#calls;
  }

  /** @param hooksWatched whether the plan in force reports the hooks */
  add(event: MachineEvent, hooksWatched: boolean): void {
    if (event.kind === 'syscall') this.#begin(event, hooksWatched);
    else if (event.kind === 'syscall-return') this.#end(event);
  }

  /** A hook of kexec_load ran. */
  hook(name: FunctionName): void {
    const hooks = this.#open?.hooks;
    if (this.#open === undefined || hooks === undefined) return;
    if (name === LOAD_HOOKS.prepare) this.#open.hooks = { ...hooks, prepare: hooks.prepare + 1 };
    if (name === LOAD_HOOKS.cleanup) this.#open.hooks = { ...hooks, cleanup: hooks.cleanup + 1 };
  }

  #begin(event: SyscallEvent, hooksWatched: boolean): void {
    const load = parseKexecLoad(event);
    this.#open = {
      insn: event.insn,
      cpu: event.cpu,
      crash: isCrashLoad(event),
      entry: hex64(isByFile(event) ? 0n : (event.args[0] ?? 0n)),
      segments: (load?.segments ?? []).map(({ mem, memsz }) => ({ mem: hex64(mem), bytes: memsz })),
      ...(load?.byFile === undefined ? {} : { byFile: { ...load.byFile, unread: true } }),
      ...(hooksWatched ? { hooks: { prepare: 0, cleanup: 0 } } : {}),
    };
    this.#calls.push(this.#open);
    if (this.#calls.length > this.#limit) this.#calls.shift();
  }

  #end(event: SyscallReturnEvent): void {
    if (this.#open === undefined) return;
    this.#open.result = syscallResultText(event.r3, event.so);
    this.#open = undefined;
  }
}
