/** Serves the schedules, and when each fired or should have. */

import { ScheduleList } from '../schemas/index.ts';
import type { App, RouteContext } from '../shared/context.ts';

export function registerScheduleRoutes(app: App, { schedules }: RouteContext): void {
  app.get(
    '/schedules',
    {
      config: { access: 'view' },
      schema: {
        tags: ['service'],
        summary: 'Lists what is done by the clock, with the last firings of each, newest first',
        response: { 200: ScheduleList },
      },
    },
    async () => ({ items: await schedules() }),
  );
}
