/** Pages of a list: `limit` and an opaque `cursor`. */

import { type TInteger, type TOptional, type TString, Type } from 'typebox';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

export const pageFields: { limit: TOptional<TInteger>; cursor: TOptional<TString> } = {
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MAX_LIMIT,
      description: `At most so many items; default ${DEFAULT_LIMIT}`,
    }),
  ),
  cursor: Type.Optional(
    Type.String({ pattern: '^[A-Za-z0-9._~=-]{1,256}$', description: '`next` of the page before' }),
  ),
};

export function pageQuery(query: { readonly limit?: number; readonly cursor?: string }): {
  readonly limit: number;
  readonly cursor?: string;
} {
  const limit = query.limit ?? DEFAULT_LIMIT;
  return query.cursor === undefined ? { limit } : { limit, cursor: query.cursor };
}
