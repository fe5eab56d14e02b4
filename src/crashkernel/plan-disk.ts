/**
 * Builds and parses the plan disk, on which finished segments reach the guest. The guest passes them to kexec_load itself.
 * Big-endian throughout.
 *
 * Sector 0 lists the plans; each plan lists its segments; a segment's bytes are elsewhere on the disk. Plans and
 * segments begin at multiples of 4096. Source: docs/formats/plan.md; the format is kdumpd's own.
 */

import { alignUp, concatBytes, copyBytes, latin1, latin1Bytes } from '../base/bytes.ts';
import { buildStruct, parseStruct, type StructOf } from '../base/fields.ts';
import { MAX_SEGMENTS } from './check-segments.ts';
import { loadError } from './errors.ts';
import { DISK_HEADER, PLAN_ENTRY, PLAN_HEADER, PLAN_SEGMENT } from './plan-layout.ts';

/** A plan on the disk. */
export type DiskPlan = {
  readonly name: string;
  readonly crash: boolean;
  readonly entry: number;
  readonly segments: readonly {
    readonly mem: number;
    readonly memsz: number;
    readonly bytes: Uint8Array;
  }[];
};

/** A piece of the disk. Bytes that no piece covers are undefined. */
export type DiskPiece = { readonly offset: number; readonly bytes: Uint8Array };

const MAGIC_DISK = 'KDPLANS1';
const MAGIC_PLAN = 'KDPLAN01';
const UNIT = 4096;
const SECTOR = 512;
const NAME_BYTES = 16;
const ON_CRASH = 1;
const MAX_PLANS = Math.floor((SECTOR - DISK_HEADER.size) / PLAN_ENTRY.size);

/** Bytes of disk that suffice for plans whose segments have these many bytes in all. */
export function planDiskBytes(segmentBytes: number, plans: number = 1): number {
  return alignUp(segmentBytes + UNIT * (1 + plans * (1 + MAX_SEGMENTS)), UNIT);
}

/**
 * The disk in whole sectors, ascending. Arrays that plans share are there once.
 * @throws FormatError `load/too-many-segments`, `load/bad-plan` for a name that does not fit
 */
export function buildPlanDisk(plans: readonly DiskPlan[]): readonly DiskPiece[] {
  if (plans.length > MAX_PLANS) throw bad('there are too many plans', `at most ${MAX_PLANS}`);
  let at = UNIT;
  const take = (bytes: number): number => {
    const offset = at;
    at += alignUp(bytes, UNIT);
    return offset;
  };
  const places = new Map<Uint8Array, number>();
  const pieces: DiskPiece[] = [];
  const entries: Uint8Array[] = [];
  for (const plan of plans) {
    if (!/^[\x21-\x7e]{1,16}$/.test(plan.name)) throw bad('a plan’s name does not fit', '1 to 16 letters');
    if (plan.segments.length > MAX_SEGMENTS)
      throw loadError('load/too-many-segments', `plan ${plan.name} has too many segments`);
    const rows = plan.segments.map(({ mem, memsz, bytes }) => {
      let offset = places.get(bytes);
      if (offset === undefined) {
        offset = take(bytes.length);
        places.set(bytes, offset);
        if (bytes.length > 0) pieces.push({ offset, bytes: padded(bytes, SECTOR) });
      }
      return buildStruct(
        PLAN_SEGMENT,
        { offset: BigInt(offset), bufsz: BigInt(bytes.length), mem: BigInt(mem), memsz: BigInt(memsz) },
        'big',
      );
    });
    const header = buildStruct(
      PLAN_HEADER,
      {
        magic: latin1Bytes(MAGIC_PLAN),
        flags: plan.crash ? ON_CRASH : 0,
        segments: rows.length,
        entry: BigInt(plan.entry),
        zero: 0n,
      },
      'big',
    );
    const table = concatBytes([header, ...rows]);
    const offset = take(table.length);
    pieces.push({ offset, bytes: padded(table, SECTOR) });
    entries.push(
      buildStruct(
        PLAN_ENTRY,
        {
          name: padded(latin1Bytes(plan.name), NAME_BYTES),
          offset: BigInt(offset),
          length: BigInt(table.length),
        },
        'big',
      ),
    );
  }
  const first = buildStruct(
    DISK_HEADER,
    { magic: latin1Bytes(MAGIC_DISK), count: plans.length, zero: 0 },
    'big',
  );
  pieces.push({ offset: 0, bytes: padded(concatBytes([first, ...entries]), SECTOR) });
  return pieces.sort((a, b) => a.offset - b.offset);
}

/** Reads a disk back, as a guest must. @throws FormatError `load/bad-plan` */
export function parsePlanDisk(disk: Uint8Array): DiskPlan[] {
  const header = parseStruct(DISK_HEADER, part(disk, 0, SECTOR, 'the list of plans'), 'big');
  if (latin1(header.magic) !== MAGIC_DISK) throw bad('the disk has another magic number', MAGIC_DISK);
  if (header.count > MAX_PLANS) throw bad('there are too many plans', `at most ${MAX_PLANS}`);
  return Array.from({ length: header.count }, (_, i) => {
    const entry = parseStruct(PLAN_ENTRY, disk.subarray(DISK_HEADER.size + i * PLAN_ENTRY.size), 'big');
    return parsePlan(disk, entry);
  });
}

function parsePlan(disk: Uint8Array, entry: StructOf<typeof PLAN_ENTRY>): DiskPlan {
  const name = latin1(entry.name).replace(/\0+$/, '');
  const start = offsetOf(entry.offset);
  const header = parseStruct(PLAN_HEADER, part(disk, start, PLAN_HEADER.size, `plan ${name}`), 'big');
  if (latin1(header.magic) !== MAGIC_PLAN) throw bad(`plan ${name} has another magic number`, MAGIC_PLAN);
  if (header.segments > MAX_SEGMENTS) throw bad(`plan ${name} has too many segments`, `${MAX_SEGMENTS}`);
  if (entry.length !== BigInt(PLAN_HEADER.size + header.segments * PLAN_SEGMENT.size))
    throw bad(`plan ${name} has another length than its segments need`, `${entry.length}`);
  const rows = part(disk, start, Number(entry.length), `plan ${name}`);
  const segments = Array.from({ length: header.segments }, (_, i) => {
    const row = parseStruct(PLAN_SEGMENT, rows.subarray(PLAN_HEADER.size + i * PLAN_SEGMENT.size), 'big');
    if (row.bufsz > row.memsz) throw bad(`segment ${i} of plan ${name} has more bytes than memory`, '');
    const offset = offsetOf(row.offset);
    const length = numberOf(row.bufsz);
    part(disk, offset, length, `segment ${i} of plan ${name}`);
    return {
      mem: numberOf(row.mem),
      memsz: numberOf(row.memsz),
      bytes: copyBytes(disk, offset, offset + length),
    };
  });
  return { name, crash: (header.flags & ON_CRASH) !== 0, entry: numberOf(header.entry), segments };
}

function part(disk: Uint8Array, offset: number, length: number, what: string): Uint8Array {
  if (offset + length > disk.length)
    throw bad(`${what} runs past the end of the disk`, `${disk.length} bytes`);
  return disk.subarray(offset, offset + length);
}

function offsetOf(value: bigint): number {
  if (value % BigInt(UNIT) !== 0n) throw bad('an offset is not a multiple of 4096', `${value}`);
  return numberOf(value);
}

function numberOf(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw bad('a number is larger than any disk or memory', '');
  return Number(value);
}

function padded(bytes: Uint8Array, unit: number): Uint8Array {
  if (bytes.length % unit === 0) return bytes;
  const out = new Uint8Array(alignUp(bytes.length, unit));
  out.set(bytes);
  return out;
}

function bad(message: string, expected: string): Error {
  return loadError('load/bad-plan', message, expected === '' ? {} : { expected });
}
