/** Follows the first power cycle of a partition in its worker: what it emits and when, and the counts so far where they are kept. */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Outbox } from '../../../src/emulator/host/outbox.ts';
import type { Partition } from '../../../src/emulator/partition/partition.ts';
import type { GuestRecord, Moment } from '../record.ts';
import { countGuest } from './count-guest.ts';
import { Counts } from './counts.ts';

/** @param dist the built daemon @returns the guest's part of the record */
export async function followGuest(dist: string, withCounts: boolean): Promise<() => GuestRecord> {
  const load = async <T>(path: string): Promise<T> =>
    (await import(pathToFileURL(join(dist, path)).href)) as T;
  const modules = await Promise.all([
    load<{ readonly Outbox: typeof Outbox }>('emulator/host/outbox.js'),
    load<{ readonly Partition: typeof Partition }>('emulator/partition/partition.js'),
  ]);
  const outbox = modules[0].Outbox.prototype;
  const partition = modules[1].Partition.prototype;
  const counts = withCounts ? new Counts() : undefined;
  if (counts !== undefined) await countGuest(load, counts);
  const moments: Moment[] = [];
  let isOver = false;
  const add = (moment: Omit<Moment, 'at'>): void => {
    if (isOver) return;
    const so = counts === undefined ? {} : { counts: counts.values() };
    moments.push({ at: Number(process.hrtime.bigint()), ...moment, ...so });
    isOver = moment.power === 'over';
  };
  const { powerOn, run } = partition;
  partition.powerOn = function (this: Partition) {
    powerOn.call(this);
    if (moments.length === 0) add({ insn: 0, power: 'on' });
  };
  partition.run = function (this: Partition, ...args) {
    add({ insn: this.instructions });
    const outcome = run.apply(this, args);
    add({ insn: this.instructions });
    return outcome;
  };
  const { print, add: addNotice } = outbox;
  outbox.print = function (this: Outbox, vty, bytes, insn) {
    if (vty === 0) add({ insn, text: Buffer.from(bytes).toString('latin1') });
    print.call(this, vty, bytes, insn);
  };
  outbox.add = function (this: Outbox, notice) {
    if (notice.kind === 'machine-event') add({ insn: notice.event.insn });
    if (notice.kind === 'line') add({ insn: notice.insn, line: notice.text });
    if (notice.kind === 'ended') add({ insn: notice.insn, power: 'over' });
    addNotice.call(this, notice);
  };
  return () => ({ moments, counted: counts?.names() ?? [] });
}
