import { readFile } from 'node:fs/promises';
import SwaggerParser from '@apidevtools/swagger-parser';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, describe, expect, test } from 'vitest';
import { PROBLEMS } from '../../src/server/http/shared/problem.ts';
import { buildTestService } from '../synth/service.ts';

const { app } = await buildTestService({ version: { name: 'kdumpd', version: '1' } });
const document = (await app.inject('/docs/json')).json();
afterAll(() => app.close());

type Operation = { summary?: string; responses: Record<string, unknown> };
const operations: [string, Operation][] = Object.entries(
  document.paths as Record<string, Record<string, Operation>>,
).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]): [string, Operation] => [
    `${method.toUpperCase()} ${path}`,
    operation,
  ]),
);

test('docs/openapi.json: is what the routes say (npx vitest run test/server/openapi.test.ts -u rewrites it)', async () => {
  await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot('../../docs/openapi.json');
});

describe('the document', () => {
  test('@seriousme/openapi-schema-validator: → valid', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });

  test('@apidevtools/swagger-parser: → valid', async () => {
    const parsed = await SwaggerParser.validate(structuredClone(document));
    expect(parsed.paths).toHaveProperty(['/api/v1/captures/{id}/trace']);
  });

  test('answers of both validators: → not valid where the document is broken', async () => {
    const broken = structuredClone(document);
    delete broken.info.title;
    broken.paths['/api/v1/version'].get.responses = 'none';
    expect((await new Validator().validate(structuredClone(broken))).valid).toBe(false);
    await expect(SwaggerParser.validate(broken)).rejects.toThrow();
  });

  test('objects of answers: → closed, but for what is of any shape', () => {
    const open: string[] = [];
    const walk = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      const { type, properties, additionalProperties } = value as Record<string, unknown>;
      if (type === 'object' && properties !== undefined && additionalProperties !== false) open.push(path);
      for (const [key, each] of Object.entries(value)) walk(each, `${path}/${key}`);
    };
    walk(document.components.schemas, '');
    expect(open).toEqual(['/Perfetto/properties/traceEvents/items', '/Perfetto/properties/otherData']);
  });

  test.each(operations)('%s: has a summary and answers with schemas', (_name, operation) => {
    expect(operation.summary).toBeTruthy();
    expect(Object.keys(operation.responses).length).toBeGreaterThan(0);
  });

  test('every reference leads somewhere', () => {
    const names = Object.keys(document.components.schemas);
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((m) => m[1]);
    expect(references.length).toBeGreaterThan(10);
    for (const reference of references) {
      expect(names.map((name) => `#/components/schemas/${name}`)).toContain(reference);
    }
  });
});

describe('docs/api.md', async () => {
  const text = await readFile(new URL('../../docs/api.md', import.meta.url), 'utf8');
  test.each(Object.entries(PROBLEMS))('lists the problem %s', (kind, { status, title }) => {
    expect(text).toContain(`| \`${kind}\` | ${status} | ${title} |`);
  });
  test.each(operations.map(([name]) => [name.replace(/\{(\w+)\}/g, ':$1')]))('lists %s', (name) => {
    const [method, path] = name.split(' ');
    expect(text).toMatch(new RegExp(`\\| ${method} \\| \`${path?.replace('/api/v1', '')}\``));
  });
});
