/** Worker processes of the matrix: each runs one crash at a time; one that dies costs its row only. */

import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { CrashTask } from './crash-worker.ts';
import { failedRow, type Row } from './row.ts';

const WORKER = join(import.meta.dirname, 'crash-worker.ts');

/** Runs all tasks on so many processes; `onRow` receives each row when its task is done, in that order. */
export async function runAll(
  tasks: readonly CrashTask[],
  processes: number,
  onRow: (row: Row) => void,
): Promise<void> {
  const queue = [...tasks];
  await Promise.all(Array.from({ length: Math.min(processes, queue.length) }, () => serve(queue, onRow)));
}

async function serve(queue: CrashTask[], onRow: (row: Row) => void): Promise<void> {
  let child: ChildProcess | undefined;
  for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
    child =
      child?.connected === true ? child : fork(WORKER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    onRow(await ask(child, task));
  }
  child?.disconnect();
}

async function ask(child: ChildProcess, task: CrashTask): Promise<Row> {
  return await new Promise((resolve) => {
    const done = (row: Row): void => {
      child.off('message', answered);
      child.off('exit', died);
      resolve(row);
    };
    const answered = (row: Row): void => done(row);
    const died = (code: number | null, signal: string | null): void =>
      done(failedRow(task.combination, `the process that ran it ended with ${code ?? signal}`));
    child.on('message', answered);
    child.on('exit', died);
    child.send(task);
  });
}
