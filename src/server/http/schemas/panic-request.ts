/** The request of a crash. */

import { type TUnsafe, Type } from 'typebox';
import type { Fault, PanicRequest } from '../../../panic/contract/index.ts';
import { FAULT_INSTANTS, FLIP_TARGETS, MAXIMUM_CPUS } from '../../../panic/contract/index.ts';
import { exactly } from './exact.ts';
import { closed, hostTimeout } from './scalars.ts';

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
