/** The rules of the handoff, in the order of the contract: what every capture is judged by. */

import { RULES } from '../../../panic/index.ts';
import { RuleTextList } from '../schemas/index.ts';
import type { App } from '../shared/context.ts';

export function registerRuleRoutes(app: App): void {
  app.get(
    '/rules',
    {
      config: { access: 'view' },
      schema: {
        tags: ['captures'],
        summary: 'Lists the rules of the handoff: what must hold, and who says so',
        response: { 200: RuleTextList },
      },
    },
    () => ({
      items: RULES.map(({ name, chapter, asks, paths, source }) => ({ name, chapter, asks, paths, source })),
    }),
  );
}
