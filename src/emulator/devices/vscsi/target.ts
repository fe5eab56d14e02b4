/**
 * The SCSI target behind a virtual adapter: units by number, commands and their data.
 * Source: SAM-5 §4.7 (logical unit numbers: peripheral and logical unit addressing), SPC-4 §6.33 (REPORT LUNS), §6.4.2 (INQUIRY of a
 * unit that is not there). Disk n is target n, unit 0, on channel 0.
 */

import { getU16, getU32, getU64, putU32 } from '../../../base/bytes.ts';
import { commandBuffers } from './buffers.ts';
import type { DmaWindow } from './dma.ts';
import { commandResponse, residual } from './information-unit.ts';
import { COMMAND } from './layout.ts';
import type { ScsiDisk, ScsiOutcome } from './scsi-disk.ts';
import { inquiry, SENSE } from './scsi-pages.ts';

const INQUIRY = 0x12;
const REPORT_LUNS = 0xa0;
/** The well-known unit that answers REPORT LUNS for all. */
const REPORT_LUNS_UNIT = 0xc101_0000_0000_0000n;
const LOGICAL_UNIT_ADDRESSING = 0x80;

export class ScsiTarget {
  readonly #disks: readonly ScsiDisk[];
  readonly #dma: DmaWindow;

  constructor(disks: readonly ScsiDisk[], dma: DmaWindow) {
    this.#disks = disks;
    this.#dma = dma;
  }

  /** Whether there is a unit of that number. */
  has(lun: bigint): boolean {
    return this.#disk(lun) !== undefined;
  }

  /** Executes the command of an information unit. @returns the response's unit. */
  execute(unit: Uint8Array): Uint8Array {
    const buffers = commandBuffers(this.#dma, unit);
    if (buffers === 'invalid') return commandResponse(unit, { sense: SENSE.invalidField });
    if (buffers === 'fault') return commandResponse(unit, { sense: SENSE.transferFailed });
    const outcome = this.#outcome(unit);
    switch (outcome.kind) {
      case 'done':
        return commandResponse(unit, {
          in: residual(0, buffers.in.bytes),
          out: residual(0, buffers.out.bytes),
        });
      case 'check':
        return commandResponse(unit, { sense: outcome.sense });
      case 'in': {
        const { bytes } = outcome;
        if (!buffers.in.write(bytes)) return commandResponse(unit, { sense: SENSE.transferFailed });
        return commandResponse(unit, { in: residual(bytes.length, buffers.in.bytes) });
      }
      case 'out': {
        // Of a buffer that is too small nothing is stored: half a command would look whole.
        if (buffers.out.bytes < outcome.length) return commandResponse(unit, { sense: SENSE.invalidField });
        const bytes = buffers.out.read(outcome.length);
        const sense = bytes === undefined ? SENSE.transferFailed : outcome.store(bytes);
        return commandResponse(
          unit,
          sense === undefined ? { out: residual(outcome.length, buffers.out.bytes) } : { sense },
        );
      }
    }
  }

  #outcome(unit: Uint8Array): ScsiOutcome {
    const lun = getU64(unit, COMMAND.lun, 'big');
    const cdb = unit.subarray(COMMAND.cdb, COMMAND.cdb + COMMAND.cdbBytes);
    if (cdb[0] === REPORT_LUNS && (lun === 0n || lun === REPORT_LUNS_UNIT)) {
      return { kind: 'in', bytes: this.#units().subarray(0, getU32(cdb, 6, 'big')) };
    }
    const disk = this.#disk(lun);
    if (disk !== undefined) return disk.execute(cdb);
    if (cdb[0] === INQUIRY && ((cdb[1] ?? 0) & 1) === 0 && cdb[2] === 0) {
      return { kind: 'in', bytes: inquiry(false).subarray(0, getU16(cdb, 3, 'big')) };
    }
    return { kind: 'check', sense: SENSE.noUnit };
  }

  #disk(lun: bigint): ScsiDisk | undefined {
    const high = Number(lun >> 48n);
    if (lun === 0n) return this.#disks[0];
    // Logical unit addressing: six bits of target, three of channel, five of unit; nothing below.
    if (high >>> 14 !== LOGICAL_UNIT_ADDRESSING >>> 6 || BigInt.asUintN(48, lun) !== 0n) return undefined;
    return (high & 0xff) === 0 ? this.#disks[(high >>> 8) & 0x3f] : undefined;
  }

  #units(): Uint8Array {
    const bytes = new Uint8Array(8 + 8 * this.#disks.length);
    putU32(bytes, 0, bytes.length - 8, 'big');
    for (const id of this.#disks.keys()) if (id > 0) bytes[8 + 8 * id] = LOGICAL_UNIT_ADDRESSING | id;
    return bytes;
  }
}
