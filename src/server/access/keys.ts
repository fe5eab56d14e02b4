/** Makes, lists, revokes and recognises API keys. */

import { defined } from '../../base/defined.ts';
import type { ApiKey, KeyQuota, Scope } from '../../panic/contract/index.ts';
import { Refusal } from '../../panic/contract/index.ts';
import type { KeyStore } from '../../panic/store/index.ts';
import { allows } from './scopes.ts';
import { isSameHash, mintSecret, readSecret } from './secret.ts';

export type KeyRequest = {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Seconds from now; absent: it does not expire. */
  readonly expiresInSeconds?: number;
  readonly quota?: KeyQuota;
};

/** A key that was just made. `secret` is shown this once. */
export type MintedKey = { readonly key: ApiKey; readonly secret: string };

export type Recognition =
  | { readonly kind: 'key'; readonly key: ApiKey }
  /** `unknown`: no key has this secret; the others are said only to who has it. */
  | { readonly kind: 'unknown' | 'expired' | 'revoked' };

export type KeysOptions = {
  readonly store: KeyStore;
  /** A short name of lower-case letters and digits that was not given before. */
  readonly newId: (prefix: string) => string;
  readonly now?: () => number;
  /** Called where the time of the last use cannot be stored: the request continues. */
  readonly onError: (error: Error) => void;
};

/** The last use is stored once in this time, so that a request is not a write. */
const USED_MS = 60_000;

export class Keys {
  readonly #options: KeysOptions;
  readonly #now: () => number;

  constructor(options: KeysOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** @throws Refusal `conflict` where a key that is not revoked has the name */
  async create({ name, scopes, expiresInSeconds, quota }: KeyRequest): Promise<MintedKey> {
    const id = this.#options.newId('k');
    const now = this.#now();
    const { secret, hash } = mintSecret(id);
    const key: ApiKey = {
      id,
      name,
      scopes: [...new Set(scopes)],
      createdAt: new Date(now).toISOString(),
      ...defined({
        expiresAt:
          expiresInSeconds === undefined ? undefined : new Date(now + expiresInSeconds * 1000).toISOString(),
        quota: quota === undefined || Object.keys(quota).length === 0 ? undefined : quota,
      }),
    };
    await this.#options.store.create({ key, hash });
    return { key, secret };
  }

  list(): Promise<readonly ApiKey[]> {
    return this.#options.store.list();
  }

  /** Nothing is allowed by the key any more. @throws Refusal `not-found` */
  async revoke(id: string): Promise<ApiKey> {
    const revoked = await this.#options.store.revoke(id, new Date(this.#now()).toISOString());
    if (revoked === null) throw new Refusal('not-found', `There is no key ${id}.`);
    return revoked;
  }

  /** Whose secret it is. */
  async recognise(secret: string): Promise<Recognition> {
    const read = readSecret(secret);
    const stored = read === undefined ? null : await this.#options.store.find(read.keyId);
    if (read === undefined || stored === null || !isSameHash(stored.hash, read.hash))
      return { kind: 'unknown' };
    return this.#standing(stored.key);
  }

  /** Whether the key of this id is still good: for who was recognised earlier. */
  async recall(id: string): Promise<Recognition> {
    const stored = await this.#options.store.find(id);
    return stored === null ? { kind: 'unknown' } : this.#standing(stored.key);
  }

  /** Whether there is a key with which others can be made. */
  async hasAdmin(): Promise<boolean> {
    const now = this.#now();
    return (await this.list()).some(
      (key) => allows(key.scopes, 'admin') && standingOf(key, now) === undefined,
    );
  }

  /** By id: the captures that a key may have. */
  async captureQuotas(): Promise<ReadonlyMap<string, number>> {
    return new Map(
      (await this.list()).flatMap(({ id, quota }) =>
        quota?.maxCaptures === undefined ? [] : [[id, quota.maxCaptures] as const],
      ),
    );
  }

  async #standing(key: ApiKey): Promise<Recognition> {
    const now = this.#now();
    const ended = standingOf(key, now);
    if (ended !== undefined) return { kind: ended };
    if (key.lastUsedAt === undefined || Math.abs(now - Date.parse(key.lastUsedAt)) >= USED_MS)
      await this.#options.store.used(key.id, new Date(now).toISOString()).catch(this.#options.onError);
    return { kind: 'key', key };
  }
}

/** @returns why the key is not good any more. */
function standingOf(key: ApiKey, now: number): 'expired' | 'revoked' | undefined {
  if (key.revokedAt !== undefined) return 'revoked';
  return key.expiresAt !== undefined && Date.parse(key.expiresAt) <= now ? 'expired' : undefined;
}
