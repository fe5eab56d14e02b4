/** A client that asks firmware for more and more: refused, in bounded memory and time. */

import { describe, expect, it } from 'vitest';
import { BUFFER, client, FAILED } from './client-under-test.ts';

describe('what a client makes firmware keep', () => {
  it('properties → refused after 1 MiB of them; one that is there can still be changed', () => {
    const { one, find } = client();
    const chosen = find('/chosen');
    let kept = 0;
    while (kept < 1000 && one('setprop', chosen, `p${kept}`, BUFFER, 0x8000) !== FAILED) kept++;
    expect(kept).toBe(31);
    expect(one('setprop', chosen, 'p0', BUFFER, 16)).toBe(16);
    expect(one('setprop', chosen, 'another', BUFFER, 16)).toBe(16);
    let small = 0;
    while (small < 5000 && one('setprop', chosen, `q${small}`, BUFFER, 0) !== FAILED) small++;
    expect(small).toBe(223);
  });

  it('open devices → refused after 1024; closing one makes room', () => {
    const { one, call } = client();
    let last = 0;
    let count = 0;
    for (let handle = one('open', '/'); handle !== 0 && count < 2000; handle = one('open', '/')) {
      last = handle;
      count++;
    }
    expect(count).toBeLessThanOrEqual(1024);
    call('close', [last], 0);
    expect(one('open', '/')).not.toBe(0);
  });

  it('claims → refused after 256; a release makes room', () => {
    const { one, call } = client();
    let count = 0;
    while (count < 10_000 && one('claim', 0x20_0000 + 2 * count, 1, 0) !== FAILED) count++;
    expect(count).toBeLessThanOrEqual(256);
    expect(count).toBeGreaterThan(240);
    call('release', [0x20_0000, 1], 0);
    expect(one('claim', 0x20_0000, 1, 0)).toBe(0x20_0000);
  });
});

describe('write', () => {
  it('of more than a page → the first page, and says so; beyond memory → -1', () => {
    const { one, property, printed } = client();
    const bytes = (): number => printed.reduce((sum, { text }) => sum + text.length, 0);
    const stdout = Number(Buffer.from(property('/chosen', 'stdout') ?? []).readUInt32BE());
    expect(one('write', stdout, 0x10_0000, 0x10_0000)).toBe(4096);
    expect(bytes()).toBe(4096);
    expect(one('write', stdout, 0x10_0000, 0x7fff_ffff)).toBe(FAILED);
  });
});
