/**
 * Holds what a partition emits until its owner takes it. The owner acknowledges every batch; while it has acknowledged too few,
 * or the guest emits faster than the pace, the guest does not run. That it waits is not visible to the guest, whose time is
 * its own; so the owner's thread holds a bounded amount of each partition, whatever the guest does (docs/adr/011).
 */

import type { OutputSummary, PartitionNotice } from '../contract/partition.ts';
import { ByteGatherer } from './byte-gatherer.ts';

/** Batches that the owner may leave unacknowledged. With one, the guest would wait out the way there and back each time. */
const CREDIT = 2;
/** A batch and, beyond one slice, what is gathered until the guest's turn ends. */
const BATCH_NOTICES = 1024;
const BATCH_BYTES = 256 * 2 ** 10;
/** What a notice costs beside its bytes. */
const NOTICE_BYTES = 256;
/** Bytes a second of the host's that a partition may emit for long, and what it may emit at once. */
const PACE_PER_MS = (4 * 2 ** 20) / 1000;
const PACE_BURST_MS = 1000;

export type OutboxOptions = {
  readonly send: (notices: readonly PartitionNotice[]) => void;
  /** What the guest has emitted, without what the outbox counts itself. */
  readonly summary: () => Omit<OutputSummary, 'throttledMs'>;
  /** Milliseconds of the host. */
  readonly now?: () => number;
};

export class Outbox {
  readonly #send: OutboxOptions['send'];
  readonly #summary: OutboxOptions['summary'];
  readonly #now: () => number;
  readonly #consoles = [new ByteGatherer(), new ByteGatherer()] as const;
  #consoleInsn = 0;
  #notices: PartitionNotice[] = [];
  #unacknowledged = 0;
  /** When everything sent so far will have been emitted at the pace. */
  #paidUntil = 0;
  #throttledMs = 0;
  #heldSince: number | undefined;
  /** The last summary that was sent, as text. */
  #reported = '';

  constructor({ send, summary, now = () => performance.now() }: OutboxOptions) {
    this.#send = send;
    this.#summary = summary;
    this.#now = now;
  }

  print(vty: 0 | 1, bytes: Uint8Array, insn: number): void {
    this.#consoles[vty].push(bytes);
    this.#consoleInsn = insn;
  }

  add(notice: PartitionNotice): void {
    this.#notices.push(notice);
  }

  /** Enough for a batch: the guest's turn should end. */
  get isFull(): boolean {
    const [first, second] = this.#consoles;
    return first.length + second.length >= BATCH_BYTES || this.#notices.length >= BATCH_NOTICES;
  }

  /** Sends as many batches as the owner may be sent. */
  send(): void {
    while (this.#unacknowledged < CREDIT && this.#sendBatch());
  }

  /** Sends everything: the owner has asked for something, and what came before its answer goes before it. */
  flush(): void {
    while (this.#sendBatch());
  }

  /** The owner has taken a batch. */
  acknowledge(): void {
    this.#unacknowledged--;
    this.send();
  }

  /** Milliseconds until the guest may run: 0 it may, infinity it has to wait for {@link acknowledge}. */
  get waitMs(): number {
    const now = this.#now();
    const isWaiting = this.#unacknowledged >= CREDIT || this.#notices.length > 0;
    const ahead = this.#paidUntil - now - PACE_BURST_MS;
    if (!isWaiting && ahead <= 0) {
      if (this.#heldSince !== undefined) this.#throttledMs += now - this.#heldSince;
      this.#heldSince = undefined;
      return 0;
    }
    this.#heldSince ??= now;
    return isWaiting ? Number.POSITIVE_INFINITY : Math.ceil(ahead);
  }

  /** A new power cycle begins: nothing of the last one is left to be sent. */
  reset(): void {
    this.#throttledMs = 0;
    this.#heldSince = undefined;
    this.#reported = '';
  }

  /** @returns whether there was something to send */
  #sendBatch(): boolean {
    const batch: PartitionNotice[] = [];
    for (const vty of [0, 1] as const) {
      const bytes = this.#consoles[vty].take();
      if (bytes.length > 0) batch.push({ kind: 'console', vty, insn: this.#consoleInsn, bytes });
    }
    const printed = batch.reduce((sum, each) => sum + (each.kind === 'console' ? each.bytes.length : 0), 0);
    if (this.#notices.length <= BATCH_NOTICES) {
      batch.push(...this.#notices);
      this.#notices = [];
    } else batch.push(...this.#notices.splice(0, BATCH_NOTICES));
    const summary = this.#news();
    // First, so that what follows is read with it: a rest after output is not a rest in silence.
    if (summary !== undefined) batch.unshift({ kind: 'output', summary });
    if (batch.length === 0) return false;
    const cost = printed + batch.length * NOTICE_BYTES;
    this.#paidUntil = Math.max(this.#paidUntil, this.#now()) + cost / PACE_PER_MS;
    this.#unacknowledged++;
    this.#send(batch);
    return true;
  }

  #news(): OutputSummary | undefined {
    const summary = { ...this.#summary(), throttledMs: Math.round(this.#throttledMs) };
    const text = JSON.stringify(summary);
    if (text === this.#reported) return undefined;
    this.#reported = text;
    return summary;
  }
}
