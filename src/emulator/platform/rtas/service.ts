/** Shapes that RTAS families are written with. */

import { assert } from '../../../base/errors.ts';
import type { RtasHandler } from '../contract/contract.ts';
import type { RtasService } from './call.ts';

/** A service of `nargs` arguments and `nrets` returns, the status included. */
export function service(nargs: number, nrets: number, handler: RtasHandler, optionalArgs = 0): RtasService {
  return { nargs, nrets, handler, optionalArgs };
}

/** Argument `n`; the dispatcher has checked their number. */
export function cellArg(args: readonly number[], n: number): number {
  const value = args[n];
  assert(value !== undefined, 'an RTAS service is given all its arguments');
  return value;
}
