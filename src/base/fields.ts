/**
 * Fixed-layout structures as tables: one row a field, with its offset, its type and where the layout is documented.
 * The same table drives the parser, the builder and the tables in docs/formats.
 * Offsets are bytes from the start of the structure. Integers up to 32 bits are numbers, 64-bit ones bigints.
 * Left out: bit fields, nested structures, arrays of anything but bytes.
 */

import type { Endian } from './bytes.ts';
import { copyBytes, viewOf } from './bytes.ts';
import { assert } from './errors.ts';

export type FieldType = 'u8' | 'u16' | 'u32' | 'i32' | 'u64' | 'bytes';

/** One field. `size` is given for `bytes` only, in bytes. `source` says where the field is documented. */
export type Field = {
  readonly offset: number;
  readonly type: FieldType;
  readonly size?: number;
  readonly source: string;
};

/** A structure of `size` bytes. `fields` is in order of offset. */
export type StructTable = {
  readonly name: string;
  readonly size: number;
  readonly fields: Readonly<Record<string, Field>>;
};

type ValueOf<F extends Field> = F['type'] extends 'u64'
  ? bigint
  : F['type'] extends 'bytes'
    ? Uint8Array
    : number;

/** The values of a structure, by field name. */
export type StructOf<T extends StructTable> = {
  readonly [Name in keyof T['fields']]: T['fields'][Name] extends Field ? ValueOf<T['fields'][Name]> : never;
};

const SIZES: Readonly<Record<Exclude<FieldType, 'bytes'>, number>> = {
  u8: 1,
  u16: 2,
  u32: 4,
  i32: 4,
  u64: 8,
};

/** Bytes that a field takes. */
export function fieldSize(field: Field): number {
  if (field.type !== 'bytes') return SIZES[field.type];
  assert(field.size !== undefined, 'a field of type bytes states its size');
  return field.size;
}

/**
 * The structure at the start of `bytes`, which holds at least `table.size` bytes.
 * Values of type `bytes` are copies.
 */
export function parseStruct<T extends StructTable>(table: T, bytes: Uint8Array, endian: Endian): StructOf<T> {
  assert(bytes.length >= table.size, `${table.name}: caller gives the whole structure`);
  const view = viewOf(bytes);
  const little = endian === 'little';
  const out: Record<string, number | bigint | Uint8Array> = {};
  for (const [name, field] of Object.entries(table.fields)) {
    switch (field.type) {
      case 'u8':
        out[name] = view.getUint8(field.offset);
        break;
      case 'u16':
        out[name] = view.getUint16(field.offset, little);
        break;
      case 'u32':
        out[name] = view.getUint32(field.offset, little);
        break;
      case 'i32':
        out[name] = view.getInt32(field.offset, little);
        break;
      case 'u64':
        out[name] = view.getBigUint64(field.offset, little);
        break;
      case 'bytes':
        out[name] = copyBytes(bytes, field.offset, field.offset + fieldSize(field));
        break;
    }
  }
  return out as StructOf<T>;
}

/** The structure as `table.size` bytes; padding between fields is 0. Values must fit their fields. */
export function buildStruct<T extends StructTable>(
  table: T,
  values: StructOf<T>,
  endian: Endian,
): Uint8Array {
  const bytes = new Uint8Array(table.size);
  const view = viewOf(bytes);
  const little = endian === 'little';
  for (const [name, field] of Object.entries(table.fields)) {
    const value: unknown = values[name as keyof StructOf<T>];
    if (field.type === 'bytes') {
      const size = fieldSize(field);
      assert(value instanceof Uint8Array && value.length === size, `${table.name}.${name}: ${size} bytes`);
      bytes.set(value, field.offset);
    } else if (field.type === 'u64') {
      assert(
        typeof value === 'bigint' && BigInt.asUintN(64, value) === value,
        `${table.name}.${name}: 64 bits`,
      );
      view.setBigUint64(field.offset, value, little);
    } else {
      assert(typeof value === 'number' && Number.isInteger(value), `${table.name}.${name}: an integer`);
      const bits = SIZES[field.type] * 8;
      const low = field.type === 'i32' ? -(2 ** 31) : 0;
      const high = field.type === 'i32' ? 2 ** 31 - 1 : 2 ** bits - 1;
      assert(value >= low && value <= high, `${table.name}.${name}: value fits its field`);
      if (field.type === 'u8') view.setUint8(field.offset, value);
      else if (field.type === 'u16') view.setUint16(field.offset, value, little);
      else if (field.type === 'u32') view.setUint32(field.offset, value, little);
      else view.setInt32(field.offset, value, little);
    }
  }
  return bytes;
}
