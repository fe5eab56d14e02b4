/**
 * Holds an idempotency key to the request that it was first used for, after draft-ietf-httpapi-idempotency-key-header-06 §2.7:
 * the key of another request is an error of the client, and neither request's operation is its answer.
 */

import { isDeepStrictEqual } from 'node:util';
import type { OperationRequest } from '../contract/index.ts';
import { Refusal } from '../contract/index.ts';

/** @param earlier the request that the key came with first @throws Refusal `key-reused` unless `request` equals it as JSON */
export function requireSameRequest(earlier: OperationRequest, request: OperationRequest): void {
  if (isDeepStrictEqual(asJson(earlier), asJson(request))) return;
  throw new Refusal(
    'key-reused',
    'This Idempotency-Key was used before with another request: use a new key for a new request.',
  );
}

function asJson(request: OperationRequest): unknown {
  return JSON.parse(JSON.stringify(request));
}
