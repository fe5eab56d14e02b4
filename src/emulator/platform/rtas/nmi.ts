/**
 * Interrupts that cannot be masked, assisted by firmware (FWNMI): ibm,nmi-register names where system resets and machine checks are to
 * be taken, and ibm,nmi-interlock ends a machine check. Firmware keeps r3 in memory of its own, and gives the address in r3; of a
 * machine check the error log lies behind it.
 *
 * Sources: LoPAR 2.9, §7.3.14 (Firmware Assisted Non-Maskable Interrupts) and §10.2.3 (RTAS event return format); QEMU 7.2 hw/ppc/spapr.c
 * spapr_do_system_reset_on_cpu and spapr_events.c (version 6 of the log, section MC); Linux 6.1 arch/powerpc/platforms/pseries/ras.c. LoPAR has
 * one area for all machine checks and makes other CPUs wait for it; here each CPU has its own, so that none waits.
 */

import { concatBytes } from '../../../base/bytes.ts';
import { u32 } from '../../../base/fdt/index.ts';
import { VECTOR } from '../../../base/power.ts';
import type { FirmwareMachine, FirmwareVcpu, RtasFamily } from '../contract/contract.ts';
import { RTAS } from '../contract/status.ts';
import { cellArg, service } from './service.ts';

/** Where the areas of the CPUs begin in RTAS's memory, and how long each is. */
const AREAS = 0x100;
const AREA_BYTES = 0x80;
/** An area: r3 at a system reset and an empty log; then r3 at a machine check and its log. */
const CHECK_AT = 0x10;
/** The handlers lie in the first 32 MiB. */
const HIGHEST_HANDLER = 0x200_0000;

/** Word 0 of a log: version 6, synchronous error, not recovered, more follows, by a CPU. */
const SUMMARY = 0x0600_0000 | 0x0060_0000 | 0x0010_0000 | 0x0004_0000 | 0x0000_1000;
/** The head of what follows: valid, new, big-endian; of a platform event; IBM's. */
const EXTENDED_HEAD = [0x8600_8e00, 0, 0, 0x4942_4d00];
/** The head of the section: "MC", its length, its version. */
const SECTION_BYTES = 40;
const SECTION_HEAD = [(0x4d43 << 16) | SECTION_BYTES, 0x0100_0000];
/** An uncorrectable error by a fetch or by a load or store, and whether its effective address is given. */
const BY_FETCH = 0x01;
const BY_LOAD_OR_STORE = 0x03;
const ADDRESS_GIVEN = 0x40;
/** SRR1 of a machine check by a load or store whose address is in DAR, and of a store that is found later (engine/causes.ts). */
const SRR1_LOAD_STORE = 0x0020_0000n;
const SRR1_REASON = 0x081c_0000n;
const SRR1_LATE_STORE = 0x0814_0000n;

/** What the processor left in its registers at a system reset or a machine check. */
export type NonMaskable = {
  readonly vector: number;
  readonly srr0: bigint;
  readonly srr1: bigint;
  readonly dar: bigint;
};

export class NonMaskableInterrupts {
  readonly #machine: FirmwareMachine;
  /** By vector; empty: nothing is registered. */
  readonly #handlers = new Map<number, number>();
  /** CPUs that have not ended their machine check, by index. */
  readonly #interlocked = new Set<number>();
  /** Where RTAS lies; undefined: it is not in memory yet. */
  rtasBase: number | undefined;

  constructor(machine: FirmwareMachine) {
    this.#machine = machine;
  }

  services(): RtasFamily {
    return new Map([
      [
        'ibm,nmi-register',
        service(2, 1, (_vcpu, args) => [
          this.#register(cellArg(args, 0), cellArg(args, 1)) ? RTAS.success : RTAS.parameterError,
        ]),
      ],
      // Linux calls it after system resets, too: PowerVM and QEMU answer that with success.
      [
        'ibm,nmi-interlock',
        service(0, 1, (vcpu) => {
          if (this.#handlers.size === 0) return [RTAS.parameterError];
          this.#interlocked.delete(vcpu.index);
          return [RTAS.success];
        }),
      ],
    ]);
  }

  /** A vCPU has taken an interrupt at its vector: where a handler is registered, it continues there. */
  taken(vcpu: FirmwareVcpu, interrupt: NonMaskable): void {
    const handler = this.#handlers.get(interrupt.vector);
    const { memory } = this.#machine;
    const { rtasBase } = this;
    if (handler === undefined || rtasBase === undefined) return;
    const area = rtasBase + AREAS + vcpu.index * AREA_BYTES;
    // A guest may have given RTAS's memory to something else; then there is nothing to say it in.
    if (!memory.isRam(area, AREA_BYTES)) return;
    const isCheck = interrupt.vector === VECTOR.machineCheck;
    if (isCheck && this.#interlocked.has(vcpu.index)) {
      this.#machine.cannotGoOn(
        `checkstop: CPU ${vcpu.index} took a machine check before it had ended the one before by ibm,nmi-interlock`,
      );
      return;
    }
    if (isCheck) this.#interlocked.add(vcpu.index);
    const save = isCheck ? area + CHECK_AT : area;
    const r3 = vcpu.gpr(3);
    memory.write(save, concatBytes([u64(r3), isCheck ? errorLog(interrupt) : new Uint8Array(8)]));
    vcpu.setGpr(3, BigInt(save));
    vcpu.enter(BigInt(handler));
  }

  #register(systemReset: number, machineCheck: number): boolean {
    const { memory } = this.#machine;
    const isGood = (at: number): boolean => at < HIGHEST_HANDLER && at % 4 === 0 && memory.isRam(at, 4);
    if (!isGood(systemReset) || !isGood(machineCheck)) return false;
    this.#handlers.set(VECTOR.systemReset, systemReset);
    this.#handlers.set(VECTOR.machineCheck, machineCheck);
    return true;
  }
}

/** The log of an access to what is not there. */
function errorLog(interrupt: NonMaskable): Uint8Array {
  const { type, address } = errorOf(interrupt);
  const section = concatBytes([
    ...SECTION_HEAD.map(u32),
    new Uint8Array(8), // which unit and processor: none is named
    Uint8Array.of(0, address === undefined ? type : type | ADDRESS_GIVEN, 0, 0, 0, 0, 0, 0),
    u64(address ?? 0n),
    new Uint8Array(8), // no logical address
  ]);
  const extended = concatBytes([...EXTENDED_HEAD.map(u32), section]);
  return concatBytes([u32(SUMMARY), u32(extended.length), extended]);
}

function errorOf({ srr0, srr1, dar }: NonMaskable): { readonly type: number; readonly address?: bigint } {
  if ((srr1 & SRR1_LOAD_STORE) !== 0n) return { type: BY_LOAD_OR_STORE, address: dar };
  if ((srr1 & SRR1_REASON) === SRR1_LATE_STORE) return { type: BY_LOAD_OR_STORE };
  return { type: BY_FETCH, address: srr0 };
}

function u64(value: bigint): Uint8Array {
  return concatBytes([u32(Number(value >> 32n)), u32(Number(value & 0xffff_ffffn))]);
}
