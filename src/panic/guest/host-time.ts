/**
 * Limits the host time of work on a guest. A guest can execute without end in very little of its own time; so whatever waits
 * for a guest has a limit in seconds of the host beside the one in guest seconds. The host's limit decides only whether
 * work is given up: no guest can see it, and a run that ends within it is the same on every host.
 */

import { availableParallelism } from 'node:os';
import { type MachineSpec, memoryBytesOf } from './machine-spec.ts';
import type { Session } from './session.ts';

/**
 * The default limit in seconds: `base`, more for each CPU and for each GiB of memory. Stock Debian on 1 CPU and 1 GiB boots,
 * or crashes and dumps, in 3 to 10 s of a processor (docs/benchmarks.md): the default is at least sixty times that.
 */
const HOST_SECONDS = { base: 600, cpu: 60, gibibyte: 300 } as const;
const GIBIBYTE = 2 ** 30;

/**
 * The default limit for work on this machine.
 * @param machines that share the host's processors
 */
export function defaultHostSeconds(spec: Pick<MachineSpec, 'cpus' | 'memory'>, machines = 1): number {
  const { base, cpu, gibibyte } = HOST_SECONDS;
  const alone = base + spec.cpus * cpu + Math.ceil(memoryBytesOf(spec) / GIBIBYTE) * gibibyte;
  return alone * Math.max(1, Math.ceil(machines / availableParallelism()));
}

/**
 * Stops the guest once `signal` is aborted; what waits for the guest then continues, and says why.
 * @returns ends the watch. Call it when the work is done
 */
export function stopOnAbort(session: Session, signal: AbortSignal): () => void {
  const why = (): string => {
    const reason = signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
    const { insn, seconds, limitSeconds } = session;
    const of = limitSeconds === undefined ? '' : `; its limit was ${limitSeconds} s`;
    return `${reason}: the guest executed ${insn} instructions in ${seconds.toFixed(1)} s of its time${of}`;
  };
  const stop = (): void => {
    // A machine that cannot be stopped has died, and that has ended the session.
    session.stop(why).catch(() => undefined);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  return () => signal.removeEventListener('abort', stop);
}
