/** Changes one bit of stored content below a running daemon, has it verify the store, and removes the captures that are damaged. */

import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import type { Operation, StoreView } from '../../src/panic/contract/index.ts';
import { flipBit } from '../../test/support/flip.ts';
import { below } from '../../test/support/seeded-random.ts';
import type { Client } from './client.ts';
import type { Ledger } from './ledger.ts';
import type { Place } from './service.ts';
import { until } from './wait.ts';

const VERIFY_SECONDS = 120;
/** Bytes of content by which its place in the file is found. Content goes over several pages: a window may lie in none whole. */
const WINDOW = 32;
const TRIES = 20;
const PIECE = 2 ** 24;

export type FlipOptions = {
  readonly place: Place;
  readonly client: Client;
  readonly ledger: Ledger;
  readonly random: () => number;
  readonly count: (what: string) => void;
  readonly onWrong: (what: string) => void;
};

type Flipped = { readonly chunk: number; readonly before: Buffer };

export async function flipContent(options: FlipOptions): Promise<void> {
  const { place, client, ledger, random, count, onWrong } = options;
  const file = join(place.data, 'chunks.db');
  const flipped = flipOne(file, random);
  if (flipped === undefined) return count('bits not flipped: nothing is stored');
  if (!(await verify(client))) return onWrong(`a verification does not end within ${VERIFY_SECONDS} s`);
  const { body: store } = await client.get<StoreView>('/store');
  if (store === undefined) return onWrong('the state of the store is not reported');
  const damage = store.last?.damage ?? [];
  // What is found damaged is in quarantine, until its content is written again or its captures are gone.
  if (store.quarantined === 0 && isDamaged(file, flipped))
    onWrong(`chunk ${flipped.chunk} with its changed bit is in use: ${JSON.stringify(store)}`);
  else if (damage.length > 0) count('flipped bits found by a verification');
  else count('flipped bits whose content was healed or deleted first');
  for (const { id } of store.damagedCaptures) {
    ledger.add({ kind: 'deletion', id, isDone: false });
    const { status, why } = await client.call('DELETE', `/captures/${id}`);
    if (status === 204) ledger.add({ kind: 'deletion', id, isDone: true });
    else if (status !== 404) onWrong(`capture ${id} is damaged and cannot be deleted: ${why}`);
    count('damaged captures deleted');
  }
}

/** @returns undefined where no content is in the file: all of it is in the log beside it, or there is none */
function flipOne(file: string, random: () => number): Flipped | undefined {
  const db = new BetterSqlite3(file);
  try {
    db.pragma('wal_checkpoint(PASSIVE)');
    const chunks = db
      .prepare<[number], { id: number }>('SELECT id FROM chunk WHERE length(data) > ?')
      .all(2 * WINDOW);
    for (let i = 0; i < TRIES && chunks.length > 0; i++) {
      const { id } = chunks[below(random, chunks.length)] ?? { id: 0 };
      const row = db.prepare<[number], { data: Buffer }>('SELECT data FROM chunk WHERE id = ?').get(id);
      if (row === undefined) continue;
      const from = below(random, row.data.length - WINDOW);
      const offset = find(file, row.data.subarray(from, from + WINDOW));
      if (offset === undefined) continue;
      flipBit({ file, offset: offset + below(random, WINDOW), bit: below(random, 8) });
      return { chunk: id, before: row.data };
    }
    return undefined;
  } finally {
    db.close();
  }
}

/** Where the bytes are in the file; undefined: nowhere, or more than once. */
function find(file: string, bytes: Buffer): number | undefined {
  const handle = openSync(file, 'r');
  const piece = Buffer.alloc(PIECE + WINDOW);
  let found: number | undefined;
  try {
    for (let at = 0; ; at += PIECE) {
      const read = readSync(handle, piece, 0, piece.length, at);
      const hit = piece.subarray(0, read).indexOf(bytes);
      if (hit >= 0) {
        if (found !== undefined && found !== at + hit) return undefined;
        found = at + hit;
        if (piece.subarray(hit + 1, read).indexOf(bytes) >= 0) return undefined;
      }
      if (read < piece.length) return found;
    }
  } finally {
    closeSync(handle);
  }
}

/** Whether the chunk is there, and not as it was. */
function isDamaged(file: string, { chunk, before }: Flipped): boolean {
  const db = new BetterSqlite3(file, { readonly: true });
  try {
    const now = db.prepare<[number], { data: Buffer }>('SELECT data FROM chunk WHERE id = ?').get(chunk);
    return now !== undefined && !now.data.equals(before);
  } finally {
    db.close();
  }
}

/** Verifies the store; a client may cancel that, and it is asked for again. */
async function verify(client: Client): Promise<boolean> {
  const { body: operation } = await client.call<Operation>('POST', '/store/verify');
  if (operation === undefined) return false;
  let ended: Operation | undefined;
  await until(VERIFY_SECONDS, async () => {
    const { body } = await client.get<Operation>(`/operations/${operation.id}`);
    if (body?.state !== 'queued' && body?.state !== 'running') ended = body;
    return ended !== undefined;
  });
  const state: Operation['state'] = ended?.state ?? 'running';
  return state === 'cancelled' ? await verify(client) : state === 'succeeded';
}
