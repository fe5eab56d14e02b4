import { describe, expect, it } from 'vitest';
import { u32 } from '../../../../src/base/fdt/index.ts';
import { agreedVector5 } from '../../../../src/emulator/platform/of-client/architecture-support.ts';
import { BUFFER, type Client, client } from './client-under-test.ts';

const RADIX = 0x40;
const HASH = 0x00;
const EITHER = 0x80;
const XIVE = 0x40;

/** Vector 5 without its length: the bytes that matter. */
function vector5(mmu: number, interrupts = 0): Uint8Array {
  const bytes = new Uint8Array(26);
  bytes[0] = 0xff;
  bytes[4] = 0xe0;
  bytes[22] = interrupts;
  bytes[23] = mmu;
  bytes[25] = 0x40;
  return bytes;
}

function structure(versions: readonly (readonly [number, number])[], fifth: Uint8Array): Uint8Array {
  const short = Uint8Array.of(1, 0, 0x80);
  return Buffer.concat([
    ...versions.flatMap(([mask, value]) => [u32(mask), u32(value)]),
    Uint8Array.of(5),
    ...[short, short, short, short, Uint8Array.of(fifth.length - 1, ...fifth), short],
  ]);
}

/** As Linux ends its list: 2.04 and earlier. */
const LAST = [0xffff_fffe, 0x0f00_0001] as const;
const POWER9_ARCHITECTED = [0xffff_ffff, 0x0f00_0005] as const;

function support(under: Client, bytes: Uint8Array): number[] {
  under.machine.memory.write(BUFFER, bytes);
  const root = under.one('open', '/');
  return under.call('call-method', ['ibm,client-architecture-support', root, BUFFER], 2);
}

describe('ibm,client-architecture-support', () => {
  it('what both have → agreed, in the tree; phandles and what was written before stay', () => {
    const under = client();
    const { one, find, property } = under;
    const before = [find('/'), find('/chosen'), find('/vdevice/vty@71000001')];
    one('setprop', find('/chosen'), 'linux,initrd-start', BUFFER, 8);
    expect(support(under, structure([POWER9_ARCHITECTED, LAST], vector5(RADIX)))).toEqual([0, 0]);
    const agreed = property('/chosen', 'ibm,architecture-vec-5') ?? new Uint8Array(0);
    expect([agreed[0], agreed[1], agreed[5], agreed[23], agreed[24], agreed[26]]).toEqual([
      25, 0, 0xa0, 0, 0x40, 0x40,
    ]);
    expect([find('/'), find('/chosen'), find('/vdevice/vty@71000001')]).toEqual(before);
    expect(property('/chosen', 'linux,initrd-start')).toHaveLength(8);
    expect(property('/chosen', 'stdout')).toHaveLength(4);
    expect(property('/rtas', 'linux,rtas-base')).toBeUndefined();
  });

  it.each([
    [
      'a client of other processors',
      structure([[0xffff_ffff, 0x0f00_0004], LAST], vector5(RADIX)),
      'the client does not run on this processor',
    ],
    [
      'a client that wants hash',
      structure([POWER9_ARCHITECTED, LAST], vector5(HASH)),
      'the client asks for hash translation, and this machine has radix translation alone',
    ],
    [
      'a client that wants XIVE',
      structure([POWER9_ARCHITECTED, LAST], vector5(RADIX, XIVE)),
      'the client asks for XIVE interrupts, and this machine has XICS interrupts alone',
    ],
  ])('%s → true: it failed, and the console says why', (_what, bytes, why) => {
    const under = client();
    expect(support(under, bytes)).toEqual([0, 0xffff_ffff]);
    expect(under.property('/chosen', 'ibm,architecture-vec-5')).toBeUndefined();
    expect(under.printed.map(({ text }) => text).join('')).toContain(`support is refused: ${why}.`);
  });

  it('a list without an end, a structure past the end of RAM → refused', () => {
    const under = client();
    under.machine.memory.fill(BUFFER, 0x1000, 0xff);
    const root = under.one('open', '/');
    const ask = (at: number) => under.call('call-method', ['ibm,client-architecture-support', root, at], 2);
    expect(ask(BUFFER)).toEqual([0, 0xffff_ffff]);
    expect(ask(0x40_0000 - 4)[0]).not.toBe(0);
  });
});

describe('agreedVector5', () => {
  const offer = Uint8Array.from({ length: 27 }, () => 0xff);
  const request = (fifth: Uint8Array) => ({
    versions: [],
    vectors: [...new Array<Uint8Array>(4).fill(new Uint8Array(0)), fifth],
  });

  it('either offered → the client’s choice', () => {
    const either = Uint8Array.of(23, EITHER, 24, EITHER);
    expect(agreedVector5(request(vector5(HASH, XIVE)), offer, either).slice(23, 25)).toEqual(
      Uint8Array.of(XIVE | 0, HASH),
    );
    expect(agreedVector5(request(vector5(EITHER)), offer, either)).toMatch(
      /does not choose hash translation/,
    );
  });

  it('a vector of an older client → absent bytes are 0', () => {
    const short = vector5(RADIX).slice(0, 10);
    expect(agreedVector5(request(short), offer, Uint8Array.of(24, HASH))[26]).toBe(0);
  });

  it('no vector 5 → nothing', () => {
    expect(agreedVector5({ versions: [], vectors: [] }, offer, new Uint8Array(0))).toMatch(
      /no option vector 5/,
    );
  });
});
