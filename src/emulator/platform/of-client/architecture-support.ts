/**
 * Negotiates ibm,client-architecture-support: the client lists what it supports, and the platform chooses from it.
 *
 * Source: LoPAR, "Root Node Methods" and "ibm,architecture.vec option vectors"; Linux 6.1 arch/powerpc/kernel/prom_init.c (the client's side), QEMU 7.2
 * hw/ppc/spapr_hcall.c and spapr_ovec.c (the platform's). The structure: pairs of a 32-bit mask and a 32-bit processor
 * version, the last with version bits outside its mask; the number of vectors less one; then each vector, its first byte
 * the number of those that follow less one. Multi-byte values are big-endian. Only vector 5 is negotiated. Left out:
 * a reboot to change the machine (vector 2's real mode area, the way of translation), other vectors. The machine's way of translation is
 * chosen before, by the command line as the client will read it (panic/guest/translation.ts): a client that wants another is refused.
 */

import type { GuestMemory } from '../../memory/contract.ts';

export type ArchitectureRequest = {
  readonly versions: readonly { readonly mask: number; readonly value: number }[];
  /** Bytes of each vector after its length; vector n is at n - 1. */
  readonly vectors: readonly Uint8Array[];
};

/** More than any client has; a longer structure is refused. */
const MOST_VERSIONS = 64;
/** Vector 5: the interrupt controller and the MMU are chosen by two bits each, of which 0x80 offers either. */
const CHOICES: ReadonlyMap<number, (choice: number) => string> = new Map([
  [23, (choice) => `${choice === 0 ? 'XICS' : 'XIVE'} interrupts`],
  [24, (choice) => `${choice === 0 ? 'hash' : 'radix'} translation`],
]);
const CHOICE_BITS = 0xc0;
const EITHER = 0x80;

/** Reads the structure at `raddr`. @returns undefined when it is not one. @throws OutsideMemory */
export function readArchitectureRequest(memory: GuestMemory, raddr: number): ArchitectureRequest | undefined {
  const versions: { mask: number; value: number }[] = [];
  let at = raddr;
  for (let last = false; !last; at += 8) {
    if (versions.length === MOST_VERSIONS) return undefined;
    const mask = memory.readU32(at, false);
    const value = memory.readU32(at + 4, false);
    last = (value & ~mask) !== 0;
    versions.push({ mask, value });
  }
  const count = memory.readU8(at++) + 1;
  const vectors: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const length = memory.readU8(at++) + 1;
    vectors.push(memory.read(at, length));
    at += length;
  }
  return { versions, vectors };
}

/** Whether the client runs on one of these processor versions (raw or architected). */
export function runsOn(request: ArchitectureRequest, versions: readonly number[]): boolean {
  return request.versions.some(({ mask, value }) =>
    versions.some((version) => (version & mask) >>> 0 === value >>> 0),
  );
}

/**
 * The property ibm,architecture-vec-5 that both sides keep to.
 * @param offer The property with everything that the platform has.
 * @param support The property ibm,arch-vec-5-platform-support: pairs of a byte's number and what is offered there.
 * @returns in words why there is none: the client asks for an MMU or an interrupt controller that is not offered, or for nothing
 */
export function agreedVector5(
  request: ArchitectureRequest,
  offer: Uint8Array,
  support: Uint8Array,
): Uint8Array | string {
  const wanted = request.vectors[4];
  if (wanted === undefined) return 'the client has no option vector 5';
  const agreed = offer.slice();
  for (let i = 1; i < agreed.length; i++) agreed[i] = (offer[i] ?? 0) & (wanted[i - 1] ?? 0);
  for (let i = 0; i + 1 < support.length; i += 2) {
    const byte = support[i] ?? 0;
    const text = CHOICES.get(byte);
    if (text === undefined) continue;
    const choice = (wanted[byte - 1] ?? 0) & CHOICE_BITS;
    const offered = (support[i + 1] ?? 0) & CHOICE_BITS;
    if (choice === EITHER || choice === CHOICE_BITS) return `the client does not choose ${text(0)} or other`;
    if (offered !== EITHER && offered !== choice)
      return `the client asks for ${text(choice)}, and this machine has ${text(offered)} alone`;
    agreed[byte] = ((agreed[byte] ?? 0) & ~CHOICE_BITS) | choice;
  }
  return agreed;
}
