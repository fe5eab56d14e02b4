/**
 * `panic-skips-shutdown`: on the panic path neither machine_shutdown nor device shutdown is ever executed.
 * Source: handoff contract, seed 002. The one rule that needs names of functions: nothing else tells a shutdown.
 */

import { SHUTDOWN_FUNCTIONS } from '../watch/index.ts';
import { handoffEvents, type Rule, verdict } from './input.ts';

export const panicSkipsShutdown: Rule = {
  name: 'panic-skips-shutdown',
  paths: ['crash'],
  judge: (input) => {
    const { instants, image } = input;
    const watched = SHUTDOWN_FUNCTIONS.filter((name) => image.probes.includes(name));
    if (watched.length === 0)
      return verdict('not-applicable', `the guest's symbols name none of ${SHUTDOWN_FUNCTIONS.join(', ')}`);
    if (instants.t0 === undefined) return verdict('not-reached', 'no panic was seen');
    const called = handoffEvents(input).filter(
      ({ kind, detail }) => kind === 'fetch' && watched.includes(detail ?? ''),
    );
    if (called.length > 0) {
      const names = [...new Set(called.map(({ detail, cpu }) => `${detail} on CPU ${cpu}`))].join(', ');
      return verdict('broken', `executed: ${names}`, called);
    }
    if (instants.t1 === undefined)
      return verdict('not-reached', 'no CPU entered the crash image', [instants.t0]);
    const missing = SHUTDOWN_FUNCTIONS.filter((name) => !watched.includes(name));
    const note = `${watched.join(' and ')} ${watched.length === 1 ? 'was' : 'were'} not executed`;
    return verdict('held', missing.length === 0 ? note : `${note}; the guest has no ${missing.join(', ')}`, [
      instants.t0,
      instants.t1,
    ]);
  },
};
