/**
 * The machine of a partition of the fleet and the life that it is in. A machine serves many lives; it is made anew when
 * it died, or when the partition is to have another one.
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
  /** The last life ended with an error of the machine itself: it cannot be used again. */
  #died = false;
  #instructions = 0;

  constructor(open: (config: PartitionConfig) => PartitionHandle, print: (bytes: Uint8Array) => void) {
    this.#open = open;
    this.#print = print;
  }

  get life(): Life | undefined {
    return this.#life;
  }
  /** Executed in the life that goes on, or in the last one. */
  get instructions(): number {
    return this.#life?.insn ?? this.#instructions;
  }
  get running(): Running | undefined {
    if (this.#machine === undefined || this.#life === undefined) return undefined;
    return { ...this.#machine, life: this.#life };
  }

  /** A life that has not begun, on a machine of this configuration that is off. What was before is over. */
  async renew(boot: BootImage, config: PartitionConfig): Promise<Running> {
    this.#endLife();
    // An image that was imported again is another machine.
    if (this.#died || (this.#machine !== undefined && !sameConfig(this.#machine.handle.config, config)))
      await this.discard();
    const handle = this.#machine?.handle ?? this.#open(config);
    await handle.stop().catch(nothing);
    this.#machine = { boot, handle };
    this.#life = new Life(handle, boot.agent, this.#print);
    return { boot, handle, life: this.#life };
  }

  /** Asks the machine to end its life; the life itself goes on until {@link halt}. */
  async stop(): Promise<void> {
    await this.#machine?.handle.stop().catch(nothing);
  }

  /** Powers off. */
  async halt(): Promise<void> {
    await this.stop();
    this.#endLife();
  }

  /** Frees the machine, whatever state it is in. */
  async discard(): Promise<void> {
    this.#endLife();
    const machine = this.#machine;
    this.#machine = undefined;
    this.#died = false;
    await machine?.handle.stop().catch(nothing);
    await machine?.handle.close().catch(nothing);
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

/** A machine that has died cannot be stopped. */
function nothing(): undefined {
  return undefined;
}
