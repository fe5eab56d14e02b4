/**
 * A vCPU's side of the XIVE controller: the operating system's ring of its thread interrupt management area (TIMA).
 * Source: QEMU 7.2 hw/intc/xive.c and include/hw/ppc/xive_regs.h; Linux 6.1 arch/powerpc/include/asm/xive-regs.h. Registers are big-endian
 * bytes: NSR (bit 7: an exception for the system), CPPR, IPB (a bit a priority, 0 the most favoured), PIPR (the most
 * favoured pending). Left out: the other rings, escalation, group interrupts.
 */

export type ThreadLine = { readonly hardwareId: number; setExternalInterrupt(asserted: boolean): void };

export const LEAST_FAVOURED = 0xff;
export const PRIORITIES = 8;

const EXCEPTION = 0x80;
/** The ring in the page, and the registers in it. */
const OS_RING = 0x10;
const RING_BYTES = 0x10;
const NSR = 0;
const CPPR = 1;
const IPB = 2;
const PIPR = 7;
const WORD2 = 8;
const VALID_CONTEXT = 0x80;
/** Accesses with an effect: acknowledge to a register, set a priority pending. */
const ACKNOWLEDGE = 0x810;
const SET_PENDING = 0x812;

export class ThreadContext {
  readonly #line: ThreadLine;
  #exception = false;
  #cppr = 0;
  #ipb = 0;

  constructor(line: ThreadLine) {
    this.#line = line;
  }

  get cppr(): number {
    return this.#cppr;
  }
  /** Whether an exception is presented and not acknowledged. */
  get presented(): boolean {
    return this.#exception;
  }

  /** An event of that priority arrived in its queue. */
  present(priority: number): void {
    this.#ipb |= 0x80 >> priority;
    this.#notify();
  }

  /** A load. @returns its bytes as a big-endian number; undefined where there is no such register. */
  load(offset: number, size: number): bigint | undefined {
    if (offset === ACKNOWLEDGE && size === 2) return BigInt(this.#acknowledge());
    if (offset < OS_RING || offset + size > OS_RING + RING_BYTES) return undefined;
    let value = 0n;
    for (let i = 0; i < size; i++) value = (value << 8n) | BigInt(this.#register(offset - OS_RING + i));
    return value;
  }

  /** A store. @returns whether there is such a register that can be written. */
  store(offset: number, size: number, value: bigint): boolean {
    if (size !== 1) return false;
    const byte = Number(value);
    if (offset === OS_RING + CPPR) {
      this.#cppr = byte < PRIORITIES ? byte : LEAST_FAVOURED;
      this.#notify();
    } else if (offset === SET_PENDING) {
      if (byte < PRIORITIES) this.present(byte);
    } else return false;
    return true;
  }

  get #pipr(): number {
    return this.#ipb === 0 ? LEAST_FAVOURED : Math.clz32(this.#ipb) - 24;
  }

  #register(index: number): number {
    switch (index) {
      case NSR:
        return this.#exception ? EXCEPTION : 0;
      case CPPR:
        return this.#cppr;
      case IPB:
        return this.#ipb;
      case PIPR:
        return this.#pipr;
      case WORD2:
        return VALID_CONTEXT;
      default:
        return 0;
    }
  }

  #acknowledge(): number {
    this.#line.setExternalInterrupt(false);
    if (!this.#exception) return this.#cppr;
    this.#cppr = this.#pipr;
    this.#ipb &= ~(0x80 >> this.#cppr);
    this.#exception = false;
    return (EXCEPTION << 8) | this.#cppr;
  }

  #notify(): void {
    if (this.#pipr >= this.#cppr) return;
    this.#exception = true;
    this.#line.setExternalInterrupt(true);
  }
}
