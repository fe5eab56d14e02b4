/**
 * Holds the machine of a partition of the fleet, the host's memory for it, and its current power cycle. A machine serves many power
 * cycles; a new one is made when it died, or when the partition's configuration changed. Errors of stopping are ignored: a dead machine cannot be
 * stopped.
 */

import type { PartitionConfig, PartitionHandle } from '../../emulator/host/index.ts';
import { type PartitionOutput, type UnsupportedUse, usesByKind } from '../contract/index.ts';
import type { BootImage } from '../guest/boot-image.ts';
import { isGone, Session } from '../guest/session.ts';
import { Lookout } from '../handoff/lookout.ts';

/** A machine that is on, and what it was booted from. */
export type Running = {
  readonly boot: BootImage;
  readonly handle: PartitionHandle;
  readonly session: Session;
  readonly lookout: Lookout;
};

export class MemberMachine {
  readonly #open: (config: PartitionConfig) => PartitionHandle;
  readonly #takeMemory: () => () => void;
  readonly #print: (bytes: Uint8Array) => void;
  #machine: { readonly boot: BootImage; readonly handle: PartitionHandle } | undefined;
  /** Gives the host's memory back; undefined: none is reserved. */
  #giveBack: (() => void) | undefined;
  #session: Session | undefined;
  #lookout: Lookout | undefined;
  /** The last power cycle ended with an error of the machine itself, or its worker is gone: it cannot be used again. */
  #died = false;
  #instructions = 0;
  /** Of machines that were freed. */
  #hostSeconds = 0;
  /** Of power cycles that are over: what their guests used that the machine lacks, by kind. */
  #uses: Readonly<Record<string, number>> = {};

  /** @param takeMemory reserves the host's memory, and returns what gives it back. It throws Refusal `quota` */
  constructor(
    open: (config: PartitionConfig) => PartitionHandle,
    takeMemory: () => () => void,
    print: (bytes: Uint8Array) => void,
  ) {
    this.#open = open;
    this.#takeMemory = takeMemory;
    this.#print = print;
  }

  get session(): Session | undefined {
    return this.#session;
  }
  /** Executed since power-on, or in the last power cycle. */
  get instructions(): number {
    return this.#session?.insn ?? this.#instructions;
  }
  /** Seconds of a processor of the host that its machines have used. */
  get hostSeconds(): number {
    return this.#hostSeconds + (this.#machine?.handle.hostSeconds ?? 0);
  }
  /** What the guest that is on has emitted. */
  get output(): PartitionOutput | undefined {
    const output = this.#session?.output;
    if (this.#session === undefined || output === undefined) return undefined;
    const { bytes, lines, refused, throttledMs } = output;
    return {
      consoleBytes: bytes[0],
      agentBytes: bytes[1],
      agentLines: lines,
      busyAnswers: refused,
      throttledMs,
      unsupported: this.#session.unsupported.reduce((sum, { count }) => sum + count, 0),
    };
  }
  /** What the guest that is on has used that the machine lacks. */
  get unsupported(): readonly UnsupportedUse[] {
    return this.#session?.unsupported ?? [];
  }
  /** Uses by kind, of all power cycles. */
  get unsupportedUses(): Readonly<Record<string, number>> {
    return addUp(this.#uses, usesByKind(this.unsupported));
  }
  get running(): Running | undefined {
    const [machine, session, lookout] = [this.#machine, this.#session, this.#lookout];
    if (machine === undefined || session === undefined || lookout === undefined) return undefined;
    return { ...machine, session, lookout };
  }

  /** Reserves the host's memory until {@link discard}. Repeated: the same reservation. @throws Refusal `quota` */
  reserve(): void {
    this.#giveBack ??= this.#takeMemory();
  }

  /**
   * A power cycle that has not begun, on a machine of this configuration that is off. The one before is over.
   * @throws Refusal `quota`
   */
  async renew(boot: BootImage, config: PartitionConfig): Promise<Running> {
    this.#endSession();
    this.reserve();
    // An image that was imported again is another machine.
    if (this.#died || (this.#machine !== undefined && !sameConfig(this.#machine.handle.config, config)))
      await this.#close();
    const handle = this.#machine?.handle ?? this.#open(config);
    await handle.stop().catch(() => undefined);
    this.#machine = { boot, handle };
    const session = new Session(handle, boot.agent, this.#print);
    const lookout = new Lookout(session, boot);
    this.#session = session;
    this.#lookout = lookout;
    return { boot, handle, session, lookout };
  }

  /** Asks the machine to stop; its power cycle is not over until {@link halt}. */
  async stop(): Promise<void> {
    await this.#machine?.handle.stop().catch(() => undefined);
  }

  /** Powers off. */
  async halt(): Promise<void> {
    await this.stop();
    this.#endSession();
  }

  /** Frees the machine and its memory, in any state. What still waits for its guest continues. */
  async discard(): Promise<void> {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    await this.#close();
    giveBack?.();
  }

  async #close(): Promise<void> {
    this.#endSession();
    const machine = this.#machine;
    this.#machine = undefined;
    this.#died = false;
    await machine?.handle.close().catch(() => undefined);
    this.#hostSeconds += machine?.handle.hostSeconds ?? 0;
  }

  #endSession(): void {
    if (this.#session === undefined) return;
    this.#instructions = this.#session.insn;
    this.#uses = this.unsupportedUses;
    const { ended } = this.#session;
    this.#died = ended !== undefined && isGone(ended);
    this.#session.close();
    this.#session = undefined;
    this.#lookout = undefined;
  }
}

/** The sums of two sets of counts. */
export function addUp(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const sums = { ...a };
  for (const [key, count] of Object.entries(b)) sums[key] = (sums[key] ?? 0) + count;
  return sums;
}

function sameConfig(a: PartitionConfig, b: PartitionConfig): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
