/** Recognises who sent a request, by its key or its session. HTTP is in src/server/http/plugins/access.ts. */

import { defined } from '../../base/defined.ts';
import type { ApiKey } from '../../panic/contract/index.ts';
import { SCOPES } from '../../panic/contract/index.ts';
import type { Keys, Recognition } from './keys.ts';
import type { Principal } from './scopes.ts';
import type { Session, Sessions } from './sessions.ts';

/** What a request shows of its sender. */
export type Credentials = {
  /** The value of Authorization. */
  readonly authorization?: string | undefined;
  /** The value of the session's cookie. */
  readonly cookie?: string | undefined;
};

export type Authentication =
  | { readonly kind: 'principal'; readonly principal: Principal }
  /** Nothing was shown, and something is needed. */
  | { readonly kind: 'none' }
  /** What was shown is not good. */
  | { readonly kind: 'unknown' | 'expired' | 'revoked'; readonly shown: 'key' | 'session' };

export type AccessOptions = {
  readonly keys: Keys;
  readonly sessions: Sessions;
  /** Whether clients without a key may do nothing; else they may do everything. */
  readonly keyNeeded: boolean;
};

const LOCAL: Principal = { actor: { kind: 'local' }, scopes: SCOPES };
/** A client that is not recognised: what is public is served to it. */
export const ANONYMOUS: Principal = { actor: { kind: 'anonymous' }, scopes: [] };

export class Access {
  readonly keys: Keys;
  readonly sessions: Sessions;
  readonly keyNeeded: boolean;

  constructor({ keys, sessions, keyNeeded }: AccessOptions) {
    this.keys = keys;
    this.sessions = sessions;
    this.keyNeeded = keyNeeded;
  }

  /** A key goes before a session, and either before none: who shows a key has that key's scopes, where none is needed too. */
  async authenticate({ authorization, cookie }: Credentials): Promise<Authentication> {
    const secret = bearerOf(authorization);
    if (secret !== undefined) {
      const found = await this.keys.recognise(secret);
      return found.kind === 'key' ? principal(found.key) : { kind: found.kind, shown: 'key' };
    }
    const session = cookie === undefined ? undefined : this.sessions.find(cookie);
    if (session !== undefined) return ofSession(await this.keys.recall(session.keyId), session);
    if (!this.keyNeeded) return { kind: 'principal', principal: LOCAL };
    return cookie === undefined ? { kind: 'none' } : { kind: 'expired', shown: 'session' };
  }
}

function ofSession(found: Recognition, session: Session): Authentication {
  return found.kind === 'key' ? principal(found.key, session) : { kind: found.kind, shown: 'session' };
}

function principal(key: ApiKey, session?: Session): Authentication {
  const { id, name, scopes, quota, expiresAt } = key;
  return {
    kind: 'principal',
    principal: {
      actor: { kind: 'key', id, name },
      scopes,
      ...defined({
        quota,
        session: session?.id,
        expiresAt: session?.expiresAt ?? (expiresAt === undefined ? undefined : Date.parse(expiresAt)),
      }),
    },
  };
}

/** RFC 6750 §2.1; the name of the scheme has no case (RFC 9110 §11.1). Other schemes are for a proxy in front. */
function bearerOf(authorization: string | undefined): string | undefined {
  return /^bearer +(.*)$/i.exec(authorization ?? '')?.[1]?.trim();
}
