/** Operations, and the requests that start those which take a guest out of its kernel. */

import { type TUnsafe, Type } from 'typebox';
import type {
  Fault,
  LeaveRequest,
  Operation as Named,
  PanicRequest,
  StartRequest,
} from '../../../panic/contract/index.ts';
import { FAULT_INSTANTS, FLIP_TARGETS, MAXIMUM_CPUS } from '../../../panic/contract/index.ts';
import { ActorRef } from './access.ts';
import { ToolWordsSchema } from './capture.ts';
import { exactly } from './exact.ts';
import { closed, hostTimeout, when } from './scalars.ts';
import { Unsupported } from './unsupported.ts';

export const Operation: TUnsafe<Named> = exactly<Named>()(
  Type.Object(
    {
      id: Type.String(),
      kind: Type.Enum(['panic', 'kexec', 'restart', 'start', 'stop', 'reset', 'import', 'verify', 'repair']),
      state: Type.Enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
      phase: Type.String(),
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
      error: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() }, closed)),
      createdAt: when,
      updatedAt: when,
      requestedBy: Type.Optional(ActorRef),
    },
    closed,
  ),
);

const faultAt = Type.Optional(
  Type.Enum(FAULT_INSTANTS, { description: 'When it is done; the default is `trigger`' }),
);
const fault = exactly<Fault>()(
  Type.Union([
    Type.Object(
      {
        kind: Type.Literal('flip'),
        of: Type.Enum(FLIP_TARGETS),
        offset: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
        at: faultAt,
      },
      { ...closed, description: 'A byte is inverted' },
    ),
    Type.Object(
      {
        kind: Type.Literal('wedge'),
        cpu: Type.Integer({ minimum: 0, maximum: MAXIMUM_CPUS - 1 }),
        at: faultAt,
      },
      { ...closed, description: 'A CPU hangs and takes no interrupt' },
    ),
  ]),
);

export const PanicRequestSchema: TUnsafe<PanicRequest> = exactly<PanicRequest>()(
  Type.Object(
    {
      trigger: Type.Enum(['sysrq', 'nmi', 'panic', 'echo']),
      onCpu: Type.Optional(
        Type.Integer({ minimum: 0, maximum: MAXIMUM_CPUS - 1, description: 'Logical index' }),
      ),
      dump: Type.String({
        pattern: '^(raw|-[A-Za-z0-9 ,._=/-]{1,255})$',
        description: '`raw`, or makedumpfile options such as `-l -d 31`',
      }),
      timeoutSeconds: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 86_400,
          description: 'Guest seconds until the dump must be done',
        }),
      ),
      hostTimeoutSeconds: Type.Optional(hostTimeout),
      faults: Type.Optional(Type.Array(fault, { maxItems: 64, description: 'Injected on purpose' })),
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
