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

export type SessionsOptions = { readonly now?: () => number; readonly maxSessions?: number };

/** A working day. */
const SESSION_MS = 12 * 3600_000;
const MAX_SESSIONS = 1000;

export class Sessions {
  readonly #now: () => number;
  readonly #max: number;
  /** By id; the oldest first. */
  readonly #open = new Map<string, Session>();

  constructor({ now = Date.now, maxSessions = MAX_SESSIONS }: SessionsOptions = {}) {
    this.#now = now;
    this.#max = maxSessions;
  }

  /** @returns the secret for the browser. Where there are too many sessions, the oldest ends. */
  open(keyId: string, keyExpiresAt?: string): { readonly secret: string; readonly session: Session } {
    const secret = randomBytes(32).toString('base64url');
    const now = this.#now();
    const expiresAt = Math.min(
      now + SESSION_MS,
      keyExpiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(keyExpiresAt),
    );
    const session = { id: idOf(secret), keyId, expiresAt };
    for (const each of this.#open.values()) if (each.expiresAt <= now) this.#open.delete(each.id);
    const [oldest] = this.#open.keys();
    if (this.#open.size >= this.#max && oldest !== undefined) this.#open.delete(oldest);
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
}

function idOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
