/**
 * Defines the messages between the store's client and its worker. Every conversation has a number, `op`, that the client
 * chooses. Writing: begin, pieces (each acknowledged when it is used up), end; reading: one piece for each `next`.
 */

import { DiskError, type DiskErrorCode, diskErrorOf } from '../../base/disk-error.ts';
import { BugError, FormatError, StoredDataError } from '../../base/errors.ts';
import { failureText } from '../../base/failure-text.ts';
import type { ByteSpan, ChunkRef, ManifestId, VmcorePart, WriteOptions } from './contract.ts';

/** Methods with one request and one answer. */
export type Call =
  | { readonly method: 'describe' | 'checkVmcore' | 'verify' | 'delete'; readonly id: ManifestId }
  | { readonly method: 'list' | 'damage' | 'figures' | 'close' }
  | { readonly method: 'draft-begin' }
  | { readonly method: 'draft-put'; readonly draft: number; readonly parts: readonly VmcorePart[] }
  | { readonly method: 'draft-finish'; readonly draft: number; readonly length: number }
  | { readonly method: 'draft-abandon'; readonly draft: number }
  | { readonly method: 'quarantine'; readonly chunks: readonly ChunkRef[] }
  | { readonly method: 'retain'; readonly keep: ReadonlySet<ManifestId> };

export type Request =
  | { readonly kind: 'call'; readonly op: number; readonly call: Call }
  | {
      readonly kind: 'write-begin';
      readonly op: number;
      readonly length: number | undefined;
      readonly options: WriteOptions;
    }
  | { readonly kind: 'write-piece'; readonly op: number; readonly bytes: Uint8Array }
  | { readonly kind: 'write-end'; readonly op: number }
  | { readonly kind: 'write-abort'; readonly op: number; readonly error: SentError }
  | {
      readonly kind: 'read-begin';
      readonly op: number;
      readonly id: ManifestId;
      readonly span: ByteSpan | undefined;
    }
  | { readonly kind: 'read-next'; readonly op: number }
  | { readonly kind: 'read-stop'; readonly op: number };

export type Reply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed-to-open'; readonly error: SentError }
  | { readonly kind: 'result'; readonly op: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly op: number; readonly error: SentError }
  | { readonly kind: 'piece-used'; readonly op: number }
  | { readonly kind: 'piece'; readonly op: number; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly op: number };

/** An error as data: structured cloning keeps neither class nor code. */
export type SentError = {
  readonly kind: 'format' | 'stored' | 'bug' | 'disk' | 'other';
  readonly message: string;
  readonly code?: string;
  readonly detail?: {
    readonly what?: string;
    readonly offset?: number;
    readonly expected?: string;
    readonly actual?: string;
  };
};

export function sendError(error: unknown): SentError {
  if (error instanceof FormatError) {
    const { cause: _, ...detail } = error.detail;
    return {
      kind: error instanceof StoredDataError ? 'stored' : 'format',
      message: error.message,
      code: error.code,
      detail,
    };
  }
  const disk = diskErrorOf(error);
  if (disk !== undefined) return { kind: 'disk', message: disk.message, code: disk.code };
  const message = failureText(error);
  return { kind: error instanceof BugError ? 'bug' : 'other', message };
}

export function receiveError(sent: SentError): Error {
  const { code = 'store/unknown', message, detail = {} } = sent;
  if (sent.kind === 'format') return new FormatError(code, message, detail);
  if (sent.kind === 'stored') return new StoredDataError(code, message, detail);
  if (sent.kind === 'disk') return new DiskError(code as DiskErrorCode, message);
  return sent.kind === 'bug' ? new BugError(message) : new Error(message);
}
