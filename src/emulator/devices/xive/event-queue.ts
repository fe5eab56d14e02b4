/**
 * An event queue of a vCPU and a priority: 32-bit big-endian entries in guest memory, the top bit of which turns over
 * each time round. Source: QEMU 7.2 hw/intc/xive.c (END); Linux 6.1 arch/powerpc/sysdev/xive/common.c (the reader).
 */

import type { GuestMemory } from '../../memory/contract.ts';

const ENTRY = 4;
const DATA = 0x7fff_ffff;
const GENERATION = 0x8000_0000;

export type QueueSetting = {
  readonly page: number;
  readonly sizeLog2: number;
  readonly alwaysNotify: boolean;
};

export class EventQueue {
  readonly setting: QueueSetting;
  #index = 0;
  #generation = 1;

  constructor(setting: QueueSetting) {
    this.setting = setting;
  }

  /** The next entry's number and the bit that it will have. */
  get position(): { readonly index: number; readonly generation: number } {
    return { index: this.#index, generation: this.#generation };
  }

  /** Puts an event at the end; one that was not read in time is overwritten. */
  put(memory: GuestMemory, data: number): void {
    const entry = ((this.#generation === 1 ? GENERATION : 0) | (data & DATA)) >>> 0;
    memory.writeU32(this.setting.page + this.#index * ENTRY, entry, false);
    this.#index++;
    if (this.#index * ENTRY === 2 ** this.setting.sizeLog2) {
      this.#index = 0;
      this.#generation ^= 1;
    }
  }
}
