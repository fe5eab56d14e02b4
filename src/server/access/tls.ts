/**
 * Reads the certificate and key of TLS from PEM files, and follows them: a renewed certificate is served without a restart. Files
 * that are wrong at the start are refused; wrong ones later are logged, and what was served before is served on.
 */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { Refusal } from '../../panic/contract/index.ts';

/** Paths of PEM files; the certificate may be followed by those that signed it. */
export type TlsFiles = { readonly cert: string; readonly key: string };

export type TlsMaterial = { readonly cert: Buffer; readonly key: Buffer };

/** Certificates are renewed days ahead; links that change their target are seen by polling alone. */
const POLL_MS = 10_000;

/** @throws Refusal `invalid` in one sentence where a file cannot be read, is no PEM of its kind, or the two do not belong together */
export function readTls(files: TlsFiles): TlsMaterial {
  const cert = read('--tls-cert', files.cert);
  const key = read('--tls-key', files.key);
  const certificate = parse('--tls-cert', files.cert, 'certificate', () => new X509Certificate(cert));
  const secret: KeyObject = parse('--tls-key', files.key, 'private key without a passphrase', () =>
    createPrivateKey(key),
  );
  if (!certificate.checkPrivateKey(secret))
    throw new Refusal('invalid', `--tls-key: ${files.key} is not the key of the certificate ${files.cert}`);
  return { cert, key };
}

/** Calls `changed` when a file has changed. @returns a function that ends it */
export function watchTls(files: TlsFiles, changed: () => void, pollMs: number = POLL_MS): () => void {
  const paths = [files.cert, files.key];
  const listener = (): void => changed();
  for (const path of paths) watchFile(path, { interval: pollMs, persistent: false }, listener);
  return () => {
    for (const path of paths) unwatchFile(path, listener);
  };
}

function read(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Refusal('invalid', `${option}: ${path} cannot be read: ${messageOf(error)}`);
  }
}

function parse<T>(option: string, path: string, what: string, make: () => T): T {
  try {
    return make();
  } catch {
    // OpenSSL's words say nothing of the file.
    throw new Refusal('invalid', `${option}: ${path} is no ${what} in PEM`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
