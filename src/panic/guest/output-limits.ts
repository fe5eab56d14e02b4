/** Resolves what a partition's request says of its guest's output to limits of the machine; the machine has the defaults. */

import {
  DEFAULT_OUTPUT_LIMITS,
  type OutputLimits,
  type TerminalLimits,
} from '../../emulator/contract/index.ts';
import type { OutputLimitsRequest } from '../contract/index.ts';

/** @returns undefined: the machine's defaults */
export function outputLimits(request: OutputLimitsRequest | undefined): OutputLimits | undefined {
  if (request === undefined) return undefined;
  const [console, agent] = DEFAULT_OUTPUT_LIMITS.terminals;
  return {
    ...DEFAULT_OUTPUT_LIMITS,
    terminals: [
      changed(console, request.consoleBytes, request.consoleBytesPerSecond),
      changed(agent, request.agentBytes, undefined),
    ],
  };
}

function changed(
  { pace, most }: TerminalLimits,
  bytes: number = most.burst,
  perSecond: number = pace.perSecond,
): TerminalLimits {
  return {
    pace: { burst: Math.min(pace.burst, bytes), perSecond },
    most: { burst: bytes, perSecond: most.perSecond },
  };
}
