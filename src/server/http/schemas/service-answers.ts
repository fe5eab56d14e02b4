/** What the service says of itself: health, schedules, and what was wrong with a request. */

import { type TSchema, Type } from 'typebox';
import type { Health, HealthCheck, ScheduleView } from '../shared/ports.ts';
import type { Problem } from '../shared/problem.ts';
import type { Agrees } from './agrees.ts';
import { when } from './scalars.ts';

const healthCheck = Type.Object({
  name: Type.String(),
  ok: Type.Boolean(),
  degraded: Type.Optional(
    Type.Boolean({ description: 'Not ok, but the service does its work with what is left' }),
  ),
  detail: Type.Optional(Type.String()),
  partitions: Type.Optional(
    Type.Array(
      Type.Object({
        id: Type.Optional(Type.String({ description: 'Absent: it could not be made' })),
        name: Type.String(),
        image: Type.String(),
        state: Type.Enum(['missing', 'failed', 'starting']),
        reason: Type.String(),
      }),
      { description: 'The partitions that are not up, and why' },
    ),
  ),
});

const health = Type.Object({
  ready: Type.Boolean({ description: 'Every check is ok or degraded' }),
  status: Type.Enum(['ok', 'degraded', 'unavailable']),
  checks: Type.Array(healthCheck),
});

const schedule = Type.Object({
  id: Type.String(),
  cron: Type.String({ description: 'Minute hour day month weekday, in UTC' }),
  next: Type.Optional(when),
  firings: Type.Array(
    Type.Object({
      fireTime: when,
      state: Type.Enum(['running', 'succeeded', 'failed', 'missed']),
      endedAt: Type.Optional(when),
      error: Type.Optional(Type.String()),
    }),
  ),
});

const problem = Type.Object(
  {
    type: Type.String({ description: '`urn:kdumpd:problem:` and a kind from docs/api.md' }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.Optional(Type.String()),
    instance: Type.Optional(Type.String()),
    requestId: Type.Optional(Type.String()),
    code: Type.Optional(Type.String()),
    errors: Type.Optional(
      Type.Array(Type.Object({ in: Type.String(), pointer: Type.String(), detail: Type.String() })),
    ),
  },
  { description: 'RFC 9457 problem details' },
);

const agreements: readonly true[] = [
  true satisfies Agrees<HealthCheck, typeof healthCheck>,
  true satisfies Agrees<Health, typeof health>,
  true satisfies Agrees<ScheduleView, typeof schedule>,
  true satisfies Agrees<Problem, typeof problem>,
];
void agreements;

export const SERVICE_ANSWERS: Readonly<Record<'Health' | 'Schedule' | 'Problem', TSchema>> = {
  Health: health,
  Schedule: schedule,
  Problem: problem,
};
