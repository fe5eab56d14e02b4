/** Holds who uses the page and what that allows, logs in and out, and says why something is not allowed. */

import { type Signal, signal } from '@preact/signals';
import type { Scope } from '../../../src/panic/contract/index.ts';
import type { SessionView } from '../../../src/server/http/shared/ports.ts';
import { api, type Capture, loginState } from './api.ts';

/** Null: not known yet, or no user is logged in. */
export const session: Signal<SessionView | null> = signal(null);

/** Asks who the page is to the daemon. @throws ApiError where it does not answer */
export async function refreshSession(): Promise<void> {
  note(await api.session());
}

/** @throws ApiError where the key is not good */
export async function logIn(key: string): Promise<void> {
  note(await api.logIn(key));
}

export async function logOut(): Promise<void> {
  await api.logOut();
  session.value = null;
  loginState.value = 'needed';
}

function note(view: SessionView): void {
  const isIn = !view.keyNeeded || view.actor.kind !== 'anonymous';
  session.value = isIn ? view : null;
  loginState.value = isIn ? 'done' : 'needed';
}

/** Why the page's key does not allow what needs `scope`; undefined: it does. */
export function lacking(scope: Scope): string | undefined {
  const view = session.value;
  if (view === null || view.scopes.includes('admin') || view.scopes.includes(scope)) return undefined;
  const whose = view.actor.kind === 'key' ? `The key ${view.actor.name}` : 'The key';
  return `${whose} lacks the scope ${scope}`;
}

/** Why a capture cannot be removed with the page's key: its maker may, and an admin. */
export function lackingRemoval({ createdBy }: Capture): string | undefined {
  const actor = session.value?.actor;
  const isMaker = actor?.kind === 'key' && createdBy?.kind === 'key' && createdBy.id === actor.id;
  return lacking(isMaker ? 'panic' : 'admin');
}
