/** Operations, and the requests that start those which take a guest out of its kernel. */

import { type TUnsafe, Type } from 'typebox';
import type { LeaveRequest, Operation as Named, StartRequest } from '../../../panic/contract/index.ts';
import { ActorRef } from './access.ts';
import { ToolWordsSchema } from './capture.ts';
import { exactly } from './exact.ts';
import { Made } from './made.ts';
import { closed, hostTimeout, when } from './scalars.ts';
import { Unsupported } from './unsupported.ts';

export const Operation: TUnsafe<Named> = exactly<Named>()(
  Type.Object(
    {
      id: Type.String(),
      kind: Type.Enum(['panic', 'kexec', 'restart', 'start', 'stop', 'reset', 'import', 'verify', 'repair']),
      state: Type.Enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
      phase: Type.String(),
      waitsFor: Type.Optional(
        Type.String({
          description: 'What it waits for, to be read after "waits for"; absent once it has ended',
        }),
      ),
      partitionId: Type.Optional(Type.String()),
      captureId: Type.Optional(Type.String()),
      traced: Type.Optional(Type.Literal(true, { description: 'It left a trace: `/operations/:id/trace`' })),
      unsupported: Type.Optional(
        Type.Array(Unsupported, {
          description: 'Of a kexec or a restart: what the guest used since power-on that the machine lacks',
        }),
      ),
      words: Type.Optional(
        Type.Array(ToolWordsSchema, {
          description: 'Of a kexec or a restart: what kexec-tools printed since power-on',
        }),
      ),
      made: Type.Optional(Made),
      error: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() }, closed)),
      createdAt: when,
      updatedAt: when,
      requestedBy: Type.Optional(ActorRef),
    },
    closed,
  ),
);

export const LeaveRequestSchema: TUnsafe<LeaveRequest> = exactly<LeaveRequest>()(
  Type.Object(
    {
      timeoutSeconds: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 86_400, description: 'Guest seconds until it must be done' }),
      ),
      hostTimeoutSeconds: Type.Optional(hostTimeout),
    },
    closed,
  ),
);

export const StartRequestSchema: TUnsafe<StartRequest> = exactly<StartRequest>()(
  Type.Object({ hostTimeoutSeconds: Type.Optional(hostTimeout) }, closed),
);
