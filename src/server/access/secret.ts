/**
 * Makes and reads the secrets of API keys: `kd_`, the key's id, `_`, and 256 random bits in base64url.
 *
 * What is stored is the SHA-256 of the random part. A slow hash (scrypt, Argon2) protects secrets that people choose, because
 * it makes each guess dear; 2^256 equally likely secrets cannot be guessed at any speed, and a slow hash on every request would
 * only give a client a way to load the daemon.
 */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const FORM = /^kd_([a-z0-9]{1,32})_([A-Za-z0-9_-]{43})$/;

/** @returns the text that its owner keeps, and the hash that the service keeps. */
export function mintSecret(keyId: string): { readonly secret: string; readonly hash: Uint8Array } {
  const random = randomBytes(32).toString('base64url');
  return { secret: `kd_${keyId}_${random}`, hash: hashOf(random) };
}

/** @returns undefined for a text that no key can be. */
export function readSecret(
  secret: string,
): { readonly keyId: string; readonly hash: Uint8Array } | undefined {
  const [, keyId, random] = FORM.exec(secret) ?? [];
  return keyId === undefined || random === undefined ? undefined : { keyId, hash: hashOf(random) };
}

/** In a time that does not depend on where they differ. */
export function isSameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function hashOf(text: string): Uint8Array {
  return createHash('sha256').update(text, 'ascii').digest();
}
