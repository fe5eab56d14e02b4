/** API keys, sessions, and entries of the audit log. */

import { type TArray, type TUnsafe, Type } from 'typebox';
import type {
  ApiKey,
  AuditEntry,
  KeyQuota,
  Actor as NamedActor,
  Scope,
} from '../../../panic/contract/index.ts';
import { AUDIT_ACTIONS, SCOPES } from '../../../panic/contract/index.ts';
import { type KeyRequest, type MintedKey, SCOPE_TEXTS } from '../../access/index.ts';
import type { SessionView } from '../shared/ports.ts';
import { exactly } from './exact.ts';
import { refer } from './refer.ts';
import { closed, count, IdText, when } from './scalars.ts';

const scope = Type.Enum(SCOPES, {
  description: SCOPES.map((each) => `\`${each}\`: ${SCOPE_TEXTS[each]}.`).join(' '),
});

const limit = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description }));

const quota = exactly<KeyQuota>()(
  Type.Object(
    {
      maxPartitions: limit('Partitions that the key made, at a time'),
      maxMemoryBytes: limit('Memory of these partitions together'),
      maxCaptures: limit('Captures that the key made, at a time'),
    },
    { ...closed, description: 'Absent: no limit but the daemon’s' },
  ),
);

/** A key has at least one scope. */
const scopes: TUnsafe<readonly Scope[]> = Type.Unsafe<readonly Scope[]>(
  Type.Array(scope, { minItems: 1, maxItems: SCOPES.length }) as TArray,
);

export const Key: TUnsafe<ApiKey> = exactly<ApiKey>()(
  Type.Object(
    {
      id: Type.String(),
      name: Type.String(),
      scopes,
      quota: Type.Optional(quota),
      createdAt: when,
      expiresAt: Type.Optional(when),
      revokedAt: Type.Optional(when),
      lastUsedAt: Type.Optional(Type.String({ format: 'date-time', description: 'To about a minute' })),
    },
    closed,
  ),
);

/** Ten years. */
const MAX_LIFETIME_SECONDS = 10 * 365 * 24 * 3600;

export const KeyRequestSchema: TUnsafe<KeyRequest> = exactly<KeyRequest>()(
  Type.Object(
    {
      name: IdText,
      scopes,
      expiresInSeconds: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: MAX_LIFETIME_SECONDS,
          description: 'Absent: it does not expire',
        }),
      ),
      quota: Type.Optional(quota),
    },
    closed,
  ),
);

export const Minted: TUnsafe<MintedKey> = exactly<MintedKey>()(
  Type.Object(
    {
      key: Key,
      secret: Type.String({ description: 'For `Authorization: Bearer`; it is not shown again' }),
    },
    closed,
  ),
);

export const Actor: TUnsafe<NamedActor> = exactly<NamedActor>()(
  Type.Union(
    [
      Type.Object({ kind: Type.Literal('local') }, { ...closed, description: 'A client that needed no key' }),
      Type.Object({ kind: Type.Literal('command-line'), user: Type.String() }, closed),
      Type.Object({ kind: Type.Literal('anonymous') }, closed),
      Type.Object({ kind: Type.Literal('key'), id: Type.String(), name: Type.String() }, closed),
    ],
    { description: 'Who did it' },
  ),
);

/** By reference: many shapes have one. */
export const ActorRef: TUnsafe<NamedActor> = refer('Actor');

export const Session: TUnsafe<SessionView> = exactly<SessionView>()(
  Type.Object(
    {
      keyNeeded: Type.Boolean({ description: 'Whether a client without a key may do nothing' }),
      actor: ActorRef,
      scopes: Type.Array(Type.Enum(SCOPES)),
      session: Type.Optional(Type.Literal(true, { description: 'Recognised by a session, not by a key' })),
      expiresAt: Type.Optional(when),
    },
    closed,
  ),
);

export const SessionRequestSchema: TUnsafe<{ readonly key: string }> = exactly<{ readonly key: string }>()(
  Type.Object({ key: Type.String({ minLength: 1, maxLength: 128 }) }, closed),
);

export const Audit: TUnsafe<AuditEntry> = exactly<AuditEntry>()(
  Type.Object(
    {
      id: Type.String(),
      at: when,
      actor: ActorRef,
      action: Type.Enum(AUDIT_ACTIONS),
      target: Type.Optional(Type.String({ description: 'What it was done to: an id or a name' })),
      outcome: Type.Enum(['done', 'refused', 'failed']),
      status: Type.Optional(Type.Integer({ description: 'Of the answer' })),
      problem: Type.Optional(Type.String({ description: 'The kind of problem that was answered' })),
      result: Type.Optional(Type.String({ description: 'What was made: its address' })),
      address: Type.Optional(Type.String({ description: 'The client’s' })),
      requestId: Type.Optional(Type.String()),
      bytes: Type.Optional({ ...count, description: 'A download: bytes that were handed over' }),
      complete: Type.Optional(Type.Boolean({ description: 'A download: all that was asked for' })),
      repeated: Type.Optional(
        Type.Integer({
          description: 'Refusals of the same kind that came before this one without an entry of their own',
        }),
      ),
    },
    closed,
  ),
);
