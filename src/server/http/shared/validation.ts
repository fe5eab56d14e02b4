/**
 * Checks requests against their typebox schemas. Bodies are taken as they are: `"1"` is no number. Parameters and
 * queries arrive as text, so that an integer of theirs is read from plain decimal digits and from nothing else.
 */

import type { FastifySchemaCompiler } from 'fastify';
import type { FastifySchemaValidationError } from 'fastify/types/schema.js';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

type Outcome = { readonly value: unknown } | { readonly error: FastifySchemaValidationError[] };

/** Builds the checker of one part of a request. */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = Compile(schema);
  const integers = httpPart === 'body' ? [] : integerFields(schema);
  return (input: unknown): Outcome => {
    const value = integers.length === 0 ? input : readIntegers(input, integers);
    if (check.Check(value)) return { value };
    const found = check.Errors(value);
    // The library reports a misfit of a closed object twice, once as "schema is false"; the other says which field.
    const specific = found.filter((e) => e.keyword !== 'boolean');
    return {
      error: (specific.length > 0 ? specific : found).map(
        ({ keyword, instancePath, schemaPath, message }) => ({
          keyword,
          instancePath,
          schemaPath,
          params: {},
          message,
        }),
      ),
    };
  };
};

function integerFields(schema: TSchema): readonly string[] {
  const properties: unknown = 'properties' in schema ? schema.properties : undefined;
  if (typeof properties !== 'object' || properties === null) return [];
  return Object.entries(properties)
    .filter(([, field]: [string, { type?: unknown }]) => field.type === 'integer')
    .map(([name]) => name);
}

function readIntegers(input: unknown, names: readonly string[]): unknown {
  if (typeof input !== 'object' || input === null) return input;
  const copy: Record<string, unknown> = { ...input };
  for (const name of names) {
    const text = copy[name];
    if (typeof text === 'string' && /^\d{1,15}$/.test(text)) copy[name] = Number(text);
  }
  return copy;
}
