import { expect, it } from 'vitest';
import { BoundedBytes } from '../../src/base/bounded-bytes.ts';

it('BoundedBytes: pieces of every size → the last bytes, as a stream that keeps everything would end', () => {
  const kept = new BoundedBytes(100);
  let all = '';
  for (let i = 0; i < 2000; i++) {
    const piece = `${i}`.repeat(i % 40);
    all += piece;
    kept.push(Buffer.from(piece));
    expect(Buffer.from(kept.bytes).toString()).toBe(all.slice(-100));
  }
});

it('BoundedBytes: more than the limit at once → its end; cleared → nothing', () => {
  const kept = new BoundedBytes(4);
  kept.push(Buffer.from('abcdefgh'));
  expect(Buffer.from(kept.bytes).toString()).toBe('efgh');
  kept.clear();
  expect(kept.bytes).toHaveLength(0);
  kept.push(Buffer.from('x'));
  expect(Buffer.from(kept.bytes).toString()).toBe('x');
});

it('BoundedBytes: many bytes one by one → what comes back is a copy, and memory stays near the limit', () => {
  const kept = new BoundedBytes(1000);
  const before = process.memoryUsage();
  for (let i = 0; i < 2e5; i++) kept.push(Uint8Array.of(i & 0xff));
  const { bytes } = kept;
  bytes.fill(0);
  expect([...kept.bytes.subarray(-2)]).toEqual([(2e5 - 2) & 0xff, (2e5 - 1) & 0xff]);
  expect(process.memoryUsage().arrayBuffers - before.arrayBuffers).toBeLessThan(64 * 2 ** 20);
});
