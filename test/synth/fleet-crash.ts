/** A crash of a fleet in memory, played phase by phase. */

import type { CapturePhase } from '../../src/panic/contract/index.ts';
import { CAPTURE_PHASES } from '../../src/panic/contract/index.ts';
import { type FakeWorld, synthVmcore } from './fleet.ts';

/** Plays a crash to its end, a phase every `stepMs`, printing what a console would; @returns when it is over. */
export async function playCrash(world: FakeWorld, operationId: string, stepMs: number): Promise<void> {
  const id = world.operationsById.get(operationId)?.partitionId ?? '';
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, stepMs));
  const phases: readonly CapturePhase[] = CAPTURE_PHASES.slice(CAPTURE_PHASES.indexOf('triggered'));
  for (const phase of phases) {
    world.moveOperation(operationId, { state: 'running', phase });
    world.print(id, CONSOLE_OF_PHASE[phase] ?? '');
    await pause();
  }
  const captureId = `c${world.capturesById.size + 1}`;
  world.addCapture({ id: captureId, partitionId: id }, { bytes: synthVmcore(3 << 20) });
  world.emit({ kind: 'capture', id: captureId, partitionId: id });
  world.moveOperation(operationId, { state: 'succeeded', phase: 'stored', captureId });
  world.setState(id, 'starting');
  await pause();
  const machine = world.machine(id);
  machine.view = { ...machine.view, crashes: machine.view.crashes + 1 };
  world.setState(id, 'ready');
}

const CONSOLE_OF_PHASE: Partial<Record<CapturePhase, string>> = {
  triggered: '[   23.114027] sysrq: Trigger a crash\r\n',
  panic: '[   23.114391] Kernel panic - not syncing: sysrq triggered crash\r\n',
  purgatory: "I'm in purgatory\r\n",
  'crash-kernel': '[    0.000000] Linux version 6.1.0 (crash kernel)\r\n[    0.000000] Reserving 256MB\r\n',
  dumping: 'Copying data: [ 41.2 %] |\r\n',
  dumped: 'The dumpfile is saved.\r\n',
};
