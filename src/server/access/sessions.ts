/**
 * Keeps the dashboard's sessions: an EventSource and a link cannot send an Authorization field, so a browser exchanges its key
 * for a cookie. Sessions are kept in memory, by the SHA-256 of their ids, and end with the daemon; a session is never more than
 * its key, which is looked up with each request.
 */

import { createHash, randomBytes } from 'node:crypto';

export type Session = {
  /** Names the session without being able to stand for it. */
  readonly id: string;
  readonly keyId: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
};

export type SessionsOptions = {
  readonly now?: () => number;
  readonly maxSessions?: number;
  /** Of one key; fewer than of all, so that no key ends the sessions of others. */
  readonly maxOfKey?: number;
};

/** A working day. */
const SESSION_MS = 12 * 3600_000;
const MAX_SESSIONS = 1000;
const MAX_OF_KEY = 50;

export class Sessions {
  readonly #now: () => number;
  readonly #max: number;
  readonly #maxOfKey: number;
  /** By id; the oldest first. */
  readonly #open = new Map<string, Session>();

  constructor({ now = Date.now, maxSessions = MAX_SESSIONS, maxOfKey = MAX_OF_KEY }: SessionsOptions = {}) {
    this.#now = now;
    this.#max = maxSessions;
    this.#maxOfKey = maxOfKey;
  }

  /** @returns the secret for the browser. Where there are too many sessions, of the key or of all, the oldest of them ends. */
  open(keyId: string, keyExpiresAt?: string): { readonly secret: string; readonly session: Session } {
    const secret = randomBytes(32).toString('base64url');
    const now = this.#now();
    const expiresAt = Math.min(
      now + SESSION_MS,
      keyExpiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(keyExpiresAt),
    );
    const session = { id: idOf(secret), keyId, expiresAt };
    for (const each of this.#open.values()) if (each.expiresAt <= now) this.#open.delete(each.id);
    this.#makeRoom((each) => each.keyId === keyId, this.#maxOfKey);
    this.#makeRoom(() => true, this.#max);
    this.#open.set(session.id, session);
    return { secret, session };
  }

  find(secret: string): Session | undefined {
    const session = this.#open.get(idOf(secret));
    return session === undefined || session.expiresAt <= this.#now() ? undefined : session;
  }

  close(id: string): void {
    this.#open.delete(id);
  }

  #makeRoom(counts: (session: Session) => boolean, max: number): void {
    const counted = [...this.#open.values()].filter(counts);
    const [oldest] = counted;
    if (counted.length >= max && oldest !== undefined) this.#open.delete(oldest.id);
  }
}

function idOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
