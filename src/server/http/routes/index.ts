/** Registers every route of REST v1. */

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { TRACE_SCHEMAS } from '../schemas/index.ts';
import type { App, RouteContext } from '../shared/context.ts';
import { compileValidator } from '../shared/validation.ts';
import { registerAuditRoutes } from './audit.ts';
import { registerCaptureRoutes } from './captures.ts';
import { registerConsoleRoutes } from './console.ts';
import { registerEventRoutes } from './events.ts';
import { registerFidelityRoutes } from './fidelity.ts';
import { registerImageRoutes } from './images.ts';
import { registerKeyRoutes } from './keys.ts';
import { registerOperationRoutes } from './operations.ts';
import { registerPartitionRoutes } from './partitions.ts';
import { registerRuleRoutes } from './rules.ts';
import { registerScheduleRoutes } from './schedules.ts';
import { registerSessionRoutes } from './session.ts';
import { registerStoreRoutes } from './store.ts';
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
  void app.register((child, _options, done) => {
    for (const [id, schema] of Object.entries(TRACE_SCHEMAS)) child.addSchema({ ...schema, $id: id });
    // A scope that adds schemas would check requests with fastify's own validator.
    child.setValidatorCompiler(compileValidator);
    const scope = child.withTypeProvider<TypeBoxTypeProvider>();
    registerTraceRoutes(scope, context);
    registerFidelityRoutes(scope, context);
    done();
  });
  registerRuleRoutes(app);
  registerVmcoreRoutes(app, context);
  registerEventRoutes(app, context);
  registerScheduleRoutes(app, context);
  registerKeyRoutes(app, context);
  registerSessionRoutes(app, context);
  registerStoreRoutes(app, context);
  registerAuditRoutes(app, context);
}
