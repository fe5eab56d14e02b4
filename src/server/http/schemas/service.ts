/** The service itself: health, schedules, version, and what was wrong with a request. */

import { type TUnsafe, Type } from 'typebox';
import type { HealthCheck, Health as NamedHealth, ScheduleView, VersionAnswer } from '../shared/ports.ts';
import type { Problem as NamedProblem } from '../shared/problem.ts';
import { exactly } from './exact.ts';
import { closed, when } from './scalars.ts';

const healthCheck = exactly<HealthCheck>()(
  Type.Object(
    {
      name: Type.String(),
      ok: Type.Boolean(),
      degraded: Type.Optional(
        Type.Boolean({ description: 'Not ok, but the service does its work with what is left' }),
      ),
      detail: Type.Optional(Type.String()),
      partitions: Type.Optional(
        Type.Array(
          Type.Object(
            {
              id: Type.Optional(Type.String({ description: 'Absent: it could not be made' })),
              name: Type.String(),
              image: Type.String(),
              state: Type.Enum(['missing', 'failed', 'starting']),
              reason: Type.String(),
            },
            closed,
          ),
          { description: 'The partitions that are not up, and why' },
        ),
      ),
      captures: Type.Optional(Type.Array(Type.String(), { description: 'The captures that it affects' })),
    },
    closed,
  ),
);

export const Health: TUnsafe<NamedHealth> = exactly<NamedHealth>()(
  Type.Object(
    {
      ready: Type.Boolean({ description: 'Every check is ok or degraded' }),
      status: Type.Enum(['ok', 'degraded', 'unavailable']),
      checks: Type.Array(healthCheck),
    },
    closed,
  ),
);

export const Version: TUnsafe<VersionAnswer> = exactly<VersionAnswer>()(
  Type.Object(
    {
      name: Type.String(),
      version: Type.String(),
      commit: Type.Optional(Type.String()),
      api: Type.Literal('v1'),
      node: Type.String(),
    },
    closed,
  ),
);

export const Schedule: TUnsafe<ScheduleView> = exactly<ScheduleView>()(
  Type.Object(
    {
      id: Type.String(),
      cron: Type.String({ description: 'Minute hour day month weekday, in UTC' }),
      next: Type.Optional(when),
      firings: Type.Array(
        Type.Object(
          {
            fireTime: when,
            state: Type.Enum(['running', 'succeeded', 'failed', 'missed']),
            endedAt: Type.Optional(when),
            error: Type.Optional(Type.String()),
          },
          closed,
        ),
      ),
    },
    closed,
  ),
);

export const Problem: TUnsafe<NamedProblem> = exactly<NamedProblem>()(
  Type.Object(
    {
      type: Type.String({ description: '`urn:kdumpd:problem:` and a kind from docs/api.md' }),
      title: Type.String(),
      status: Type.Integer({ minimum: 400, maximum: 599 }),
      detail: Type.Optional(Type.String()),
      instance: Type.Optional(Type.String()),
      requestId: Type.Optional(Type.String()),
      code: Type.Optional(Type.String()),
      errors: Type.Optional(
        Type.Array(Type.Object({ in: Type.String(), pointer: Type.String(), detail: Type.String() }, closed)),
      ),
    },
    { ...closed, description: 'RFC 9457 problem details' },
  ),
);
