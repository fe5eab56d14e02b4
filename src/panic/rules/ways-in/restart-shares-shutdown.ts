/**
 * `restart-shares-shutdown`: an ordinary restart runs the same machine_shutdown as a kexec does. Source: handoff
 * contract, seed 002; Linux 6.1 arch/powerpc/kernel/setup-common.c. A crash is followed by one: the crash kernel's own,
 * when its dump is done. Where none was asked for, nothing is to be judged.
 */

import type { TraceEvent } from '../trace/index.ts';
import { WATCH } from '../watch/index.ts';
import { pathOf, type Rule, verdict } from './input.ts';

const REQUEST = 'kernel_restart';
const RESTART = 'machine_restart';
const SHUTDOWN = 'machine_shutdown';
const FIRMWARE = 'system-reboot';
const NO_RESTART = {
  crash: 'the guest crashed, and no kernel restarted after that',
  kexec: 'the guest was left by an ordinary kexec, and no kernel restarted after that',
  restart: '',
} as const;

export const restartSharesShutdown: Rule = {
  name: 'restart-shares-shutdown',
  judge: (input) => {
    const { events, image, instants } = input;
    const restarts = events.filter((event) => isFunction(event, RESTART));
    if (restarts.length === 0 && pathOf(input) === 'restart')
      return verdict('not-reached', `${RESTART} was not seen`, [instants.t0]);
    if (restarts.length === 0) return verdict('not-applicable', NO_RESTART[pathOf(input)]);
    const evidence: TraceEvent[] = [];
    for (const restart of restarts) {
      const firmware = events.find(
        ({ kind, detail, n }) => kind === 'rtas' && detail === FIRMWARE && n > restart.n,
      );
      // Linux has it at the beginning of machine_restart, another kernel may have it just before.
      const asked = events.findLast(
        (event) => isFunction(event, REQUEST) && event.cpu === restart.cpu && event.n < restart.n,
      );
      const shutdown = events.find(
        (event) =>
          isFunction(event, SHUTDOWN) &&
          event.cpu === restart.cpu &&
          event.n > (asked ?? restart).n &&
          event.n < (firmware?.n ?? Number.POSITIVE_INFINITY),
      );
      if (shutdown === undefined)
        return firmware === undefined
          ? verdict('not-reached', `${RESTART} had not come to ${SHUTDOWN} when the trace ended`, [restart])
          : image.shutdownCompiledIn === true
            ? verdict('held', `${RESTART} has the body of ${SHUTDOWN} compiled in`, [restart, firmware])
            : verdict('broken', `CPU ${restart.cpu} restarted without ${SHUTDOWN}`, [restart, firmware]);
      evidence.push(restart, shutdown, ...(firmware === undefined ? [] : [firmware]));
    }
    const whose = restarts.every(({ detail }) => detail === RESTART) ? '' : ' of the crash kernel';
    return verdict('held', `${RESTART}${whose} ran ${SHUTDOWN}`, evidence);
  },
};

/** In whatever kernel it is. */
function isFunction({ kind, detail }: TraceEvent, name: string): boolean {
  return (
    kind === 'fetch' &&
    (detail === name || detail === WATCH.crashKernel(name) || detail === WATCH.movedKernel(name))
  );
}
