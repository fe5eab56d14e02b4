/** Every route of REST v1. */

import type { App, RouteContext } from '../shared/context.ts';
import { registerCaptureRoutes } from './captures.ts';
import { registerConsoleRoutes } from './console.ts';
import { registerEventRoutes } from './events.ts';
import { registerFidelityRoutes } from './fidelity.ts';
import { registerImageRoutes } from './images.ts';
import { registerOperationRoutes } from './operations.ts';
import { registerPartitionRoutes } from './partitions.ts';
import { registerRuleRoutes } from './rules.ts';
import { registerScheduleRoutes } from './schedules.ts';
import { registerTraceRoutes } from './traces.ts';
import { registerVmcoreRoutes } from './vmcore-download.ts';

export { registerServiceRoutes } from './service.ts';

/** Registers them on an instance that already has the API's prefix. */
export function registerRoutes(app: App, context: RouteContext): void {
  registerPartitionRoutes(app, context);
  registerConsoleRoutes(app, context);
  registerOperationRoutes(app, context);
  registerImageRoutes(app, context);
  registerCaptureRoutes(app, context);
  registerTraceRoutes(app, context);
  registerRuleRoutes(app);
  registerFidelityRoutes(app, context);
  registerVmcoreRoutes(app, context);
  registerEventRoutes(app, context);
  registerScheduleRoutes(app, context);
}
