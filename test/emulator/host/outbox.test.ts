import { describe, expect, it } from 'vitest';
import type { PartitionNotice } from '../../../src/emulator/contract/index.ts';
import { LineCutter } from '../../../src/emulator/host/line-cutter.ts';
import { Outbox } from '../../../src/emulator/host/outbox.ts';

function box() {
  const sent: (readonly PartitionNotice[])[] = [];
  const clock = { ms: 0 };
  let bytes = 0;
  const outbox = new Outbox({
    send: (notices) => sent.push(notices),
    summary: () => ({ bytes: [bytes, 0], lines: 0, refused: 0 }),
    now: () => clock.ms,
  });
  const print = (text: string): void => {
    bytes += text.length;
    outbox.print(0, Buffer.from(text), 7);
  };
  return { outbox, sent, clock, print };
}
const progress = (insn: number): PartitionNotice => ({ kind: 'progress', insn, tb: 0n, resting: false });
const insns = (batch: readonly PartitionNotice[] | undefined): number[] =>
  (batch ?? []).flatMap((each) => (each.kind === 'progress' ? [each.insn] : []));

describe('Outbox', () => {
  it('what is printed in pieces → one notice, behind the summary and before the rest', () => {
    const { outbox, sent, print } = box();
    outbox.add(progress(1));
    print('a');
    print('bc');
    outbox.send();
    expect(sent).toEqual([
      [
        { kind: 'output', summary: { bytes: [3, 0], lines: 0, refused: 0, throttledMs: 0 } },
        { kind: 'console', vty: 0, insn: 7, bytes: new Uint8Array(Buffer.from('abc')) },
        progress(1),
      ],
    ]);
  });

  it('an owner that acknowledges nothing → two batches, then the guest waits; each acknowledgement lets one go', () => {
    const { outbox, sent, clock } = box();
    for (let i = 0; i < 5000; i++) outbox.add(progress(i));
    expect(outbox.isFull).toBe(true);
    outbox.send();
    expect(sent).toHaveLength(2);
    expect(outbox.waitMs).toBe(Number.POSITIVE_INFINITY);
    clock.ms = 300;
    while (outbox.waitMs !== 0) outbox.acknowledge();
    expect(sent.flatMap(insns)).toEqual(Array.from({ length: 5000 }, (_, i) => i));
    expect(sent.map((batch) => batch.length)).toEqual([1025, 1024, 1024, 1024, 904]);
    outbox.add(progress(0));
    outbox.send();
    expect(sent.at(-1)?.[0]).toMatchObject({ kind: 'output', summary: { throttledMs: 300 } });
  });

  it('flush: everything at once, also without an acknowledgement', () => {
    const { outbox, sent } = box();
    for (let i = 0; i < 5000; i++) outbox.add(progress(i));
    outbox.flush();
    expect(sent.flatMap(insns)).toHaveLength(5000);
  });

  it('faster than the pace → the guest waits for the clock; what it has saved up in silence it may emit at once', () => {
    const { outbox, clock, print } = box();
    const emit = (): number => {
      print('x'.repeat(2 ** 20));
      outbox.send();
      outbox.acknowledge();
      return outbox.waitMs;
    };
    expect([emit(), emit(), emit()]).toEqual([0, 0, 0]);
    expect(emit()).toBeGreaterThan(0);
    const wait = emit();
    expect(wait).toBeGreaterThan(240);
    expect(wait).toBeLessThan(260);
    clock.ms += wait;
    expect(outbox.waitMs).toBe(0);
  });
});

describe('LineCutter', () => {
  const cutter = (longest = 100) => new LineCutter({ prefixes: ['ok ', 'kdumpd-agent '], longest });

  it('lines in pieces → put together; those with another beginning are left out', () => {
    const lines = cutter();
    expect(lines.push(Buffer.from('kdumpd-'))).toEqual([]);
    expect(lines.push(Buffer.from('agent ready\r\nhello\nok st'))).toEqual(['kdumpd-agent ready\r']);
    expect(lines.push(Buffer.from('atus\n\n'))).toEqual(['ok status']);
  });

  it('a line without end → its first bytes are kept, and no more', () => {
    const lines = cutter(8);
    for (let i = 0; i < 1000; i++) expect(lines.push(Buffer.from('ok aaaaaaaaaaaaa'))).toEqual([]);
    expect(lines.push(Buffer.from('\nok b\n'))).toEqual(['ok aaaaa', 'ok b']);
  });
});
