/** Who may remove what: its maker with the scope `panic`, anyone else with `admin`. */

import type { Actor } from '../../../panic/contract/index.ts';
import { allows, isSameActor, type Principal } from '../../access/index.ts';
import { ProblemError } from './problem.ts';

/** @param what for the message. @throws ProblemError `forbidden` */
export function checkOwner(principal: Principal, what: string, made: { readonly createdBy?: Actor }): void {
  if (allows(principal.scopes, 'admin') || isSameActor(principal.actor, made.createdBy)) return;
  throw new ProblemError(
    'forbidden',
    `The key did not make ${what}; to remove what others made needs the scope admin.`,
  );
}
