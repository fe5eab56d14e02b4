/**
 * The machine of a partition of the fleet and its current power cycle. A machine serves many power cycles; a new one is
 * made when it died, or when the partition is to have another one. A machine that has died cannot be stopped: errors of
 * stopping are of no use here.
 */

import type { PartitionConfig, PartitionHandle } from '../../emulator/host/index.ts';
import type { BootImage } from '../guest/boot-image.ts';
import { Life } from '../guest/session.ts';

/** A machine that is on, and what it was booted from. */
export type Running = { readonly boot: BootImage; readonly handle: PartitionHandle; readonly life: Life };

export class MemberMachine {
  readonly #open: (config: PartitionConfig) => PartitionHandle;
  readonly #print: (bytes: Uint8Array) => void;
  #machine: { readonly boot: BootImage; readonly handle: PartitionHandle } | undefined;
  #life: Life | undefined;
  /** The last power cycle ended with an error of the machine itself: it cannot be used again. */
  #died = false;
  #instructions = 0;

  constructor(open: (config: PartitionConfig) => PartitionHandle, print: (bytes: Uint8Array) => void) {
    this.#open = open;
    this.#print = print;
  }

  get life(): Life | undefined {
    return this.#life;
  }
  /** Executed since power-on, or in the last power cycle. */
  get instructions(): number {
    return this.#life?.insn ?? this.#instructions;
  }
  get running(): Running | undefined {
    if (this.#machine === undefined || this.#life === undefined) return undefined;
    return { ...this.#machine, life: this.#life };
  }

  /** A power cycle that has not begun, on a machine of this configuration that is off. The one before is over. */
  async renew(boot: BootImage, config: PartitionConfig): Promise<Running> {
    this.#endLife();
    // An image that was imported again is another machine.
    if (this.#died || (this.#machine !== undefined && !sameConfig(this.#machine.handle.config, config)))
      await this.discard();
    const handle = this.#machine?.handle ?? this.#open(config);
    await handle.stop().catch(() => undefined);
    this.#machine = { boot, handle };
    this.#life = new Life(handle, boot.agent, this.#print);
    return { boot, handle, life: this.#life };
  }

  /** Asks the machine to stop; its power cycle is not over until {@link halt}. */
  async stop(): Promise<void> {
    await this.#machine?.handle.stop().catch(() => undefined);
  }

  /** Powers off. */
  async halt(): Promise<void> {
    await this.stop();
    this.#endLife();
  }

  /** Frees the machine, in any state. */
  async discard(): Promise<void> {
    this.#endLife();
    const machine = this.#machine;
    this.#machine = undefined;
    this.#died = false;
    await machine?.handle.stop().catch(() => undefined);
    await machine?.handle.close().catch(() => undefined);
  }

  #endLife(): void {
    if (this.#life === undefined) return;
    this.#instructions = this.#life.insn;
    this.#died = this.#life.ended?.kind === 'error';
    this.#life.close();
    this.#life = undefined;
  }
}

function sameConfig(a: PartitionConfig, b: PartitionConfig): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
