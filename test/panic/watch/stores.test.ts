/** Stores in a trace: bytes that follow each other are one event, with all of them up to 256. */

import { describe, expect, it } from 'vitest';
import { STORE_BYTES } from '../../../src/emulator/contract/index.ts';
import { type Mark, type StoreEvent, storesAt, type TraceEvent } from '../../../src/panic/trace/index.ts';
import { joined, tracedEvent } from '../../../src/panic/watch/traced-event.ts';
import { type EventSpec, machineEvent } from '../../synth/machine-event.ts';

const LOW: Mark = { at: 'low' };
const bytes = (length: number, from: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (from + i) & 0xff);
const hex = (...parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString('hex');

type StoreSpec = Extract<EventSpec, { kind: 'store' }>;
const store = (spec: Partial<Omit<StoreSpec, 'kind'>>): TraceEvent =>
  tracedEvent(machineEvent({ kind: 'store', mark: LOW, ...spec }, { n: 0, insn: 0 }), 0, () => undefined);

/** Stores of `size` bytes each, one behind the other, as the trace has them in the end. */
function all(count: number, size: number): { event: StoreEvent; old: Uint8Array[]; now: Uint8Array[] } {
  const old = Array.from({ length: count }, (_, i) => bytes(size, 0x80 + i));
  const now = Array.from({ length: count }, (_, i) => bytes(size, i * size));
  let last: TraceEvent | undefined;
  for (const [i, before] of old.entries()) {
    const next = store({ raddr: i * size, length: size, old: before, new: now[i] ?? before });
    const whole = joined(last, next);
    expect(whole === undefined).toBe(i === 0);
    last = whole ?? next;
  }
  if (last === undefined || !storesAt(last, LOW)) throw new Error('no store');
  return { event: last, old, now };
}

describe('stores that follow each other', () => {
  it('as many as an event shows → one event with all of their bytes', () => {
    const { event, old, now } = all(STORE_BYTES / 8, 8);
    expect(event).toMatchObject({ length: STORE_BYTES, old: hex(...old), new: hex(...now) });
    expect(event.text).toContain('256 bytes');
  });

  it('more → cut after 256 bytes, the length exact', () => {
    const { event, old, now } = all(40, 8);
    expect(event.length).toBe(320);
    expect(event.old).toBe(hex(...old).slice(0, 2 * STORE_BYTES));
    expect(event.new).toBe(hex(...now).slice(0, 2 * STORE_BYTES));
  });

  it('one that is cut off by itself → what follows it adds to the length alone', () => {
    const first = store({ raddr: 0, length: 300, old: bytes(256, 0), new: bytes(256, 1) });
    const whole = joined(first, store({ raddr: 300, length: 4, old: bytes(4, 9), new: bytes(4, 9) }));
    expect(whole).toMatchObject({ length: 304, old: hex(bytes(256, 0)), new: hex(bytes(256, 1)) });
  });

  it('a cut in the middle of a store → its first bytes are there', () => {
    const first = store({ raddr: 0, length: 250, old: bytes(250, 0), new: bytes(250, 1) });
    const whole = joined(first, store({ raddr: 250, length: 16, old: bytes(16, 7), new: bytes(16, 9) }));
    expect(whole).toMatchObject({
      length: 266,
      old: hex(bytes(250, 0), bytes(6, 7)),
      new: hex(bytes(250, 1), bytes(6, 9)),
    });
  });

  it('another CPU, another place, a gap, the same bytes again, another kind between → not joined', () => {
    const first = store({ raddr: 0, length: 8 });
    expect(joined(first, store({ raddr: 8, cpu: 1 }))).toBeUndefined();
    expect(joined(first, store({ raddr: 8, mark: { at: 'kernel-head' } }))).toBeUndefined();
    expect(joined(first, store({ raddr: 16 }))).toBeUndefined();
    expect(joined(first, store({ raddr: 0 }))).toBeUndefined();
    const reset = tracedEvent(machineEvent({ kind: 'reset' }, { n: 0, insn: 0 }), 0, () => undefined);
    expect(joined(reset, store({ raddr: 8 }))).toBeUndefined();
    expect(joined(undefined, store({ raddr: 8 }))).toBeUndefined();
  });
});
