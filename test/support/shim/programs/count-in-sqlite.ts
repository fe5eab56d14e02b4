/**
 * Counts in a SQLite database, one row a transaction, and marks in the shim's journal each row that was committed:
 * `node count-in-sqlite.ts DATABASE SYNCHRONOUS ROWS`. Short write-ahead logs make checkpoints come often.
 */

import BetterSqlite3 from 'better-sqlite3';
import { markJournal } from '../journal.ts';

const [path = '', synchronous = '', rows = ''] = process.argv.slice(2);
const journal = process.env.KDUMPD_SHIM_JOURNAL;

const db = new BetterSqlite3(path);
db.pragma('journal_mode = WAL');
db.pragma(`synchronous = ${synchronous}`);
db.pragma('wal_autocheckpoint = 10');
db.exec('CREATE TABLE IF NOT EXISTS counted (n INTEGER PRIMARY KEY, filler BLOB)');
const insert = db.prepare('INSERT INTO counted (n, filler) VALUES (?, ?)');
for (let n = 1; n <= Number(rows); n++) {
  insert.run(n, Buffer.alloc(700 * (n % 7), n));
  if (journal !== undefined) markJournal(journal, String(n));
}
// Not closed: closing would checkpoint, and a power cut finds it open.
process.exit(0);
