/**
 * A SCSI disk over a {@link BlockStore}: what each command asks of it.
 * Source: SBC-3 (T10/1799-D) §5 and SPC-4 §6. Commands: TEST UNIT READY, REQUEST SENSE, INQUIRY, MODE SENSE, START STOP UNIT, READ
 * CAPACITY, READ, WRITE, SYNCHRONIZE CACHE in the lengths that disks' drivers use, REPORT LUNS. Left out, and refused as
 * not there: protection information, unmapping, WRITE SAME, reservations, log pages.
 */

import { getU16, getU32, getU64, putU32, putU64 } from '../../../base/bytes.ts';
import type { BlockStore, ReportUnsupported } from '../contract.ts';
import {
  inquiry,
  MOST_BLOCKS,
  modeParameters,
  SENSE,
  type Sense,
  senseData,
  vitalProductData,
} from './scsi-pages.ts';

export const BLOCK = 512;

/** What becomes of a command. */
export type ScsiOutcome =
  | { readonly kind: 'in'; readonly bytes: Uint8Array }
  /** `length` bytes are wanted from the client; then {@link store} is called with them, once. */
  | {
      readonly kind: 'out';
      readonly length: number;
      readonly store: (bytes: Uint8Array) => Sense | undefined;
    }
  | { readonly kind: 'done' }
  | { readonly kind: 'check'; readonly sense: Sense };

export type ScsiDiskOptions = {
  readonly store: BlockStore;
  readonly name: string;
  readonly unsupported: ReportUnsupported;
  readonly onWrite?: (offset: number, length: number) => void;
};

const OP = {
  testUnitReady: 0x00,
  requestSense: 0x03,
  read6: 0x08,
  write6: 0x0a,
  inquiry: 0x12,
  modeSense6: 0x1a,
  startStopUnit: 0x1b,
  preventRemoval: 0x1e,
  readCapacity10: 0x25,
  read10: 0x28,
  write10: 0x2a,
  synchronizeCache10: 0x35,
  logSense: 0x4d,
  modeSense10: 0x5a,
  read16: 0x88,
  write16: 0x8a,
  synchronizeCache16: 0x91,
  serviceIn16: 0x9e,
  reportLuns: 0xa0,
  maintenanceIn: 0xa3,
  read12: 0xa8,
  write12: 0xaa,
} as const;

const READ_CAPACITY_16 = 0x10;
/** READ(6) and WRITE(6): a count of 0 is 256 blocks. */
const SIX_BYTE_DEFAULT = 256;
const DONE: ScsiOutcome = { kind: 'done' };

export class ScsiDisk {
  readonly #options: ScsiDiskOptions;
  readonly #blocks: number;

  constructor(options: ScsiDiskOptions) {
    this.#options = options;
    this.#blocks = Math.floor(options.store.bytes / BLOCK);
  }

  execute(cdb: Uint8Array): ScsiOutcome {
    const { store, name } = this.#options;
    const op = cdb[0] ?? 0;
    switch (op) {
      case OP.testUnitReady:
      case OP.startStopUnit:
      case OP.preventRemoval:
        return DONE;
      case OP.requestSense:
        return data(senseData(SENSE.none), cdb[4] ?? 0);
      case OP.inquiry: {
        const page = ((cdb[1] ?? 0) & 1) === 0 ? undefined : (cdb[2] ?? 0);
        if (page === undefined && cdb[2] !== 0) return check(SENSE.invalidField);
        const bytes = page === undefined ? inquiry(true) : vitalProductData(page, name);
        return bytes === undefined ? check(SENSE.invalidField) : data(bytes, getU16(cdb, 3, 'big'));
      }
      case OP.modeSense6:
      case OP.modeSense10: {
        const long = op === OP.modeSense10;
        const bytes = modeParameters((cdb[2] ?? 0) & 0x3f, store.readOnly, long);
        if (bytes === undefined) return check(SENSE.invalidField);
        return data(bytes, long ? getU16(cdb, 7, 'big') : (cdb[4] ?? 0));
      }
      case OP.readCapacity10: {
        const bytes = new Uint8Array(8);
        putU32(bytes, 0, Math.min(this.#blocks - 1, 0xffff_ffff), 'big');
        putU32(bytes, 4, BLOCK, 'big');
        return data(bytes, bytes.length);
      }
      case OP.serviceIn16: {
        if (((cdb[1] ?? 0) & 0x1f) !== READ_CAPACITY_16) return check(SENSE.invalidField);
        const bytes = new Uint8Array(32);
        putU64(bytes, 0, BigInt(this.#blocks - 1), 'big');
        putU32(bytes, 8, BLOCK, 'big');
        return data(bytes, getU32(cdb, 10, 'big'));
      }
      case OP.read6:
      case OP.read10:
      case OP.read12:
      case OP.read16:
        return this.#read(extent(cdb));
      case OP.write6:
      case OP.write10:
      case OP.write12:
      case OP.write16:
        return this.#write(extent(cdb));
      case OP.synchronizeCache10:
      case OP.synchronizeCache16:
        return this.#guarded(SENSE.writeError, () => {
          store.flush();
          return DONE;
        });
      case OP.reportLuns: {
        // The one unit, number 0.
        const bytes = new Uint8Array(16);
        putU32(bytes, 0, 8, 'big');
        return data(bytes, getU32(cdb, 6, 'big'));
      }
      // Asked of every disk, to learn whether it has them.
      case OP.logSense:
      case OP.maintenanceIn:
        return check(SENSE.invalidCommand);
      default:
        this.#options.unsupported({
          kind: 'device',
          key: `scsi command 0x${op.toString(16).padStart(2, '0')}`,
        });
        return check(SENSE.invalidCommand);
    }
  }

  #read({ lba, blocks }: Extent): ScsiOutcome {
    if (lba + blocks > this.#blocks) return check(SENSE.outOfRange);
    if (blocks > MOST_BLOCKS) return check(SENSE.invalidField);
    if (blocks === 0) return DONE;
    return this.#guarded(SENSE.readError, () => {
      const bytes = new Uint8Array(blocks * BLOCK);
      this.#options.store.read(lba * BLOCK, bytes);
      return { kind: 'in', bytes };
    });
  }

  #write({ lba, blocks }: Extent): ScsiOutcome {
    const { store, onWrite } = this.#options;
    if (store.readOnly) return check(SENSE.writeProtected);
    if (lba + blocks > this.#blocks) return check(SENSE.outOfRange);
    if (blocks > MOST_BLOCKS) return check(SENSE.invalidField);
    if (blocks === 0) return DONE;
    return {
      kind: 'out',
      length: blocks * BLOCK,
      store: (bytes) => {
        const outcome = this.#guarded(SENSE.writeError, () => {
          store.write(lba * BLOCK, bytes);
          return DONE;
        });
        if (outcome.kind === 'check') return outcome.sense;
        onWrite?.(lba * BLOCK, bytes.length);
        return undefined;
      },
    };
  }

  /** An error of the file behind the disk becomes the disk's, as a failure of real hardware would. */
  #guarded(sense: Sense, work: () => ScsiOutcome): ScsiOutcome {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
      const { name, unsupported } = this.#options;
      unsupported({ kind: 'device', key: `scsi disk ${name}: store failed`, detail: error.message });
      return check(sense);
    }
  }
}

type Extent = { readonly lba: number; readonly blocks: number };

/** Where a READ or WRITE of any length begins, and how much it moves. */
function extent(cdb: Uint8Array): Extent {
  switch ((cdb[0] ?? 0) >>> 5) {
    case 0: {
      const count = cdb[4] ?? 0;
      return { lba: getU32(cdb, 0, 'big') & 0x1f_ffff, blocks: count === 0 ? SIX_BYTE_DEFAULT : count };
    }
    case 1:
      return { lba: getU32(cdb, 2, 'big'), blocks: getU16(cdb, 7, 'big') };
    case 5:
      return { lba: getU32(cdb, 2, 'big'), blocks: getU32(cdb, 6, 'big') };
    default: {
      // An address past 2^53 lies past the end of every disk, exactly or not.
      return { lba: Number(getU64(cdb, 2, 'big')), blocks: getU32(cdb, 10, 'big') };
    }
  }
}

function data(bytes: Uint8Array, allocated: number): ScsiOutcome {
  return { kind: 'in', bytes: bytes.subarray(0, allocated) };
}

function check(sense: Sense): ScsiOutcome {
  return { kind: 'check', sense };
}
