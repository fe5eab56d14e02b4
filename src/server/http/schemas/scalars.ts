/** Defines the scalars of REST v1. */

import { type TEnum, type TInteger, type TObject, type TString, Type } from 'typebox';

export const closed = { additionalProperties: false } as const;
export const hex64: TString = Type.String({ pattern: '^0x[0-9a-f]{16}$', description: '64-bit value' });
export const hexBytes: TString = Type.String({
  pattern: '^([0-9a-f]{2})*$',
  description: 'Bytes in order of addresses',
});
export const sha256: TString = Type.String({ pattern: '^[0-9a-f]{64}$' });
export const when: TString = Type.String({ format: 'date-time' });
export const count: TInteger = Type.Integer({ minimum: 0 });
export const cpuIndex: TInteger = Type.Integer({
  minimum: -1,
  description: 'Logical index; -1 is a device, or the machine itself',
});
/** Timers of Node count 31 bits of milliseconds: 24 days. */
export const MOST_HOST_SECONDS = 1_000_000;
export const hostTimeout: TInteger = Type.Integer({
  minimum: 1,
  maximum: MOST_HOST_SECONDS,
  description: 'Seconds of the host until it is given up; the default depends on the machine (docs/api.md)',
});
export const processor: TEnum<['power8', 'power9']> = Type.Enum(['power8', 'power9']);
export const mmu: TEnum<['hash', 'radix']> = Type.Enum(['hash', 'radix']);

/** An id or name in an address: never a path, never longer than a file name. */
const IDENTIFIER = '^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$';
export const IdText: TString = Type.String({ pattern: IDENTIFIER, maxLength: 64 });
export const IdParams: TObject<{ id: TString }> = Type.Object({ id: IdText });
export const NameParams: TObject<{ name: TString }> = Type.Object({ name: IdText });
