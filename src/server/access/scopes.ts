/** Says what each scope covers, and whether a client may use a route. */

import type { Actor, KeyQuota, Scope } from '../../panic/contract/index.ts';
import { clientNetwork } from './hosts.ts';

/** What a route asks of its client: a scope, or `public`: none. */
export type RouteAccess = Scope | 'public';

export const SCOPE_TEXTS: Readonly<Record<Scope, string>> = {
  view: 'Reads everything but vmcores: partitions, consoles, operations, captures with traces and consoles, images, events, documentation',
  panic:
    'Acts on guests: makes partitions, starts, stops, resets, panics and kexecs them, types on consoles, cancels what is done to them; removes partitions and captures that the same key made',
  download: 'Downloads vmcores, which hold all memory of a guest',
  admin:
    'All of the above, and: removes what others made, imports and removes images, makes and revokes keys, reads the audit log',
};

/** Who sent a request, and what that allows. */
export type Principal = {
  readonly actor: Actor;
  readonly scopes: readonly Scope[];
  readonly quota?: KeyQuota;
  /** The dashboard's session by which it was recognised. */
  readonly session?: string;
  /** Milliseconds since 1970: what begins now may not last longer. */
  readonly expiresAt?: number;
};

export function allows(scopes: readonly Scope[], wanted: RouteAccess): boolean {
  return wanted === 'public' || scopes.includes('admin') || scopes.includes(wanted);
}

/** One text for each client that limits count apart: a key, or a network without one. */
export function limitKey({ actor }: Principal, address: string): string {
  return actor.kind === 'key' ? `key ${actor.id}` : `address ${clientNetwork(address)}`;
}

export function isSameActor(a: Actor, b: Actor | undefined): boolean {
  if (a.kind === 'key') return b?.kind === 'key' && a.id === b.id;
  return a.kind === b?.kind;
}
