/** Decides at start whether a daemon needs keys, and refuses to serve others than this machine without one. */

import { Refusal } from '../../panic/contract/index.ts';
import { randomId } from '../../panic/index.ts';
import type { KeyStore } from '../../panic/store/index.ts';
import { Access } from './access.ts';
import { isLoopback } from './hosts.ts';
import { Keys } from './keys.ts';
import { Sessions } from './sessions.ts';

export type OpenAccessOptions = {
  readonly store: KeyStore;
  /** The address to listen on. */
  readonly host: string;
  /** Whether a key is needed on a loopback address, too. */
  readonly requireKey: boolean;
  readonly onError: (error: Error) => void;
};

/** @throws Refusal `conflict` where a key is needed and none could make others */
export async function openAccess({ store, host, requireKey, onError }: OpenAccessOptions): Promise<Access> {
  const keys = new Keys({ store, newId: randomId, onError });
  const isLocal = isLoopback(host);
  const keyNeeded = requireKey || !isLocal;
  if (keyNeeded && !(await keys.hasAdmin()))
    throw new Refusal(
      'conflict',
      `${isLocal ? '--require-key' : `listening on ${host}`} needs a key with the scope admin: make one first with \`kdumpd key create NAME --scopes admin\``,
    );
  return new Access({ keys, sessions: new Sessions(), keyNeeded });
}
