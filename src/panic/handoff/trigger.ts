/**
 * Crashes a guest on purpose. No trigger writes the guest's memory or registers: each types into a vty or resets a CPU.
 * - `sysrq`: ^O c on the first vty. hvc's sysrq cannot choose a CPU, so the agent first steers the console to one.
 * - `nmi`: a system reset interrupt on one CPU. Linux then waits for the operator to reset the others as well
 *   (arch/powerpc/kexec/crash.c: is_via_system_reset), which `followUp` of crash.ts does as soon as all wait.
 * - `panic`, `echo`: the agent writes c to /proc/sysrq-trigger on a CPU.
 */

import type { PanicRequest } from '../contract/index.ts';
import { Refusal } from '../contract/index.ts';
import { isStandstill, type Session, type Standstill } from '../guest/session.ts';

/** Why the trigger could not be delivered; undefined: it was. */
export type TriggerFailure = string | Standstill | undefined;

const BREAK_C = new Uint8Array([0x0f, 0x63]);
const COMMAND_SECONDS = 120;

/**
 * Delivers the trigger to a partition that rests.
 * @param usesAgent whether the guest has an agent
 * @param before called right before the last step of the trigger; it returns why the trigger must not be delivered
 */
export async function pullTrigger(
  session: Session,
  request: PanicRequest,
  usesAgent: boolean,
  before: () => Promise<string | undefined> = async () => undefined,
): Promise<TriggerFailure> {
  const { trigger, onCpu } = request;
  if (onCpu !== undefined && onCpu >= session.handle.config.cpus) return `there is no CPU ${onCpu}`;
  switch (trigger) {
    case 'nmi': {
      const failure = await before();
      if (failure !== undefined) return failure;
      await session.nmi([onCpu ?? 0]);
      return undefined;
    }
    case 'sysrq': {
      if (onCpu !== undefined) {
        if (!usesAgent) return 'sysrq on a chosen CPU needs the agent, which this image does not have';
        const failure = await obeyed(session, `sysrq c ${onCpu}`);
        if (failure !== undefined) return failure;
      }
      const failure = await before();
      if (failure !== undefined) return failure;
      return await typed(session, BREAK_C);
    }
    case 'panic':
    case 'echo': {
      if (!usesAgent) return `${trigger} needs the agent, which this image does not have`;
      const failure = await before();
      if (failure !== undefined) return failure;
      // The agent answers only where it refuses; the caller looks for that answer among the lines that follow.
      await session.type(1, Buffer.from(`panic ${onCpu ?? 0}\n`, 'latin1'));
      return undefined;
    }
  }
}

/** Clients type on the first terminal, too: a guest that does not read it leaves no room. */
async function typed(session: Session, bytes: Uint8Array): Promise<TriggerFailure> {
  try {
    await session.type(0, bytes);
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}

async function obeyed(session: Session, command: string): Promise<TriggerFailure> {
  const answer = await session.command(command, COMMAND_SECONDS);
  if (isStandstill(answer)) return answer;
  if (answer.kind === 'answer' && answer.ok) return undefined;
  return `the agent refused: ${answer.kind === 'answer' ? answer.text : answer.kind}`;
}
