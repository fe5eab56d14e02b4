/** A process of the matrix: runs one crash after the other as `kdumpd crash` would, and answers each with its row. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageSource } from '../../src/images/image-source.ts';
import { MMU_MODES, PROCESSORS } from '../../src/panic/contract/index.ts';
import { dumpMode, runCrash } from '../../src/panic/index.ts';
import { dataPaths } from '../../src/server/data-folder/index.ts';
import type { Combination } from './combinations.ts';
import { failedRow, type Row, rowOf, type Stacks } from './row.ts';
import { openByDrgn, stacksByDrgn, stacksByGdb } from './stacks.ts';

/** What the parent sends. */
export type CrashTask = {
  readonly combination: Combination;
  readonly data: string;
  readonly memory: string;
  readonly dump: string;
  /** A kernel with DWARF, for drgn. */
  readonly debuginfo?: string;
  /** Ask drgn whether it opens the dump. */
  readonly drgn?: boolean;
};

async function run(task: CrashTask): Promise<Row> {
  const { combination } = task;
  const folder = mkdtempSync(join(tmpdir(), 'kdumpd-matrix-'));
  try {
    return await crashAndLook(task, join(folder, 'vmcore'), join(folder, 'trace'));
  } catch (error) {
    return failedRow(combination, error instanceof Error ? error.message : String(error));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function crashAndLook(task: CrashTask, vmcore: string, trace: string): Promise<Row> {
  const { combination } = task;
  const { image, machine, cpus, on, trigger } = combination;
  const [name, translation] = machine.split('-');
  const processor = PROCESSORS.find((each) => each === name);
  const mmu = MMU_MODES.find((each) => each === translation);
  if (processor === undefined || mmu === undefined) throw new Error(`no machine ${machine}`);
  const dump = dumpMode(task.dump);
  const boot = await imageSource(dataPaths(task.data).images).bootImage(image, { dump });
  const report = await runCrash({
    boot,
    processor,
    mmu,
    cpus,
    memory: task.memory,
    request: { trigger, onCpu: on, dump },
    vmcore,
    trace,
  });
  // The report has verdicts, the trace the reasons as well.
  const judged = rowOf(combination, report, JSON.parse(readFileSync(trace, 'utf8'))?.rules ?? []);
  const row = boot.kernelRelease === undefined ? judged : { ...judged, kernelRelease: boot.kernelRelease };
  if (row.outcome !== 'captured') return row;
  try {
    const stacks = look(task, vmcore);
    const opened = task.drgn === true ? { drgn: openByDrgn(vmcore) } : {};
    return { ...row, ...opened, ...(stacks === undefined ? {} : { stacks }) };
  } catch (error) {
    return {
      ...row,
      stacks: { cpus, whole: 0 },
      reason: error instanceof Error ? error.message : String(error),
    };
  }
}

function look({ combination, debuginfo }: CrashTask, vmcore: string): Stacks | undefined {
  if (combination.image === 'built-in') return stacksByGdb(vmcore);
  return debuginfo === undefined ? undefined : stacksByDrgn(vmcore, debuginfo);
}

process.on('message', (task: CrashTask) => {
  void run(task).then((row) => process.send?.(row));
});
process.on('disconnect', () => process.exit());
