/**
 * Types again what users typed in a run that is repeated. What came while the guest ran is given to the machine, which knows its slices; what came at
 * rest is typed from here, because what else is done at a rest comes before it.
 */

import type { PartitionConfig } from '../../emulator/host/index.ts';
import type { TypedInput } from '../contract/index.ts';
import type { Lookout } from './lookout.ts';

/** The part of a machine's configuration that types. */
export function timedInput(input: readonly TypedInput[] = []): Pick<PartitionConfig, 'typed'> {
  const typed = input
    .filter(({ resting }) => resting !== true)
    .map(({ slice, vty, text }) => ({ slice, vty, bytes: bytesOf(text) }));
  return typed.length === 0 ? {} : { typed };
}

/**
 * Types at rests, from the first one on. It ends early where the guest ends or crashes.
 * @returns why it is another run: the guest rests elsewhere
 */
export async function typeAgain(lookout: Lookout, input: readonly TypedInput[]): Promise<string | undefined> {
  const { session } = lookout;
  for (const { insn, vty, text } of input.filter(({ resting }) => resting === true)) {
    const goesOn = await session.signal.until(() => {
      if (session.ended !== undefined || lookout.isAlarmed) return 'over';
      return session.isResting ? 'resting' : undefined;
    });
    if (goesOn === 'over') return undefined;
    if (session.insn !== insn)
      return `this is another run: the guest rests after ${session.insn} instructions, and input came after ${insn}`;
    await session.type(vty, bytesOf(text));
  }
  return undefined;
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
