/** The operations of REST as docs/openapi.json describes them: what a fuzzer may ask for. */

import { readFileSync } from 'node:fs';

/** As much of a JSON Schema as requests use. */
export type Schema = {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
};

export type Parameter = {
  readonly in: 'path' | 'query' | 'header';
  readonly name: string;
  readonly required?: boolean;
  readonly schema: Schema;
};

export type RestOperation = {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** By type of content. */
  readonly bodies: Readonly<Record<string, Schema>>;
};

type Documented = {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Schema }>> };
};

/** Every operation of the document, in its order. */
export function readGrammar(): readonly RestOperation[] {
  const document: { readonly paths: Readonly<Record<string, Readonly<Record<string, Documented>>>> } =
    JSON.parse(readFileSync(new URL('../../../docs/openapi.json', import.meta.url), 'utf8'));
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      parameters,
      bodies: Object.fromEntries(
        Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => [type, schema ?? {}]),
      ),
    })),
  );
}
