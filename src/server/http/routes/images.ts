/** Serves images. Imports run as operations; a user's own kernel is imported on the command line. */

import { Type } from 'typebox';
import {
  ImageImportSchema,
  ImageList,
  ImageRef,
  NameParams,
  OperationRef,
  ProblemRef,
} from '../schemas/index.ts';
import type { App, RouteContext } from '../shared/context.ts';
import { locationOf } from './partitions.ts';

const tags = ['images'];

export function registerImageRoutes(app: App, { images, operations }: RouteContext): void {
  app.get(
    '/images',
    { config: { access: 'view' }, schema: { tags, summary: 'Lists images', response: { 200: ImageList } } },
    async () => ({ items: await images.list() }),
  );

  app.get(
    '/images/:name',
    {
      config: { access: 'view' },
      schema: {
        tags,
        summary: 'Returns one image',
        params: NameParams,
        response: { 200: ImageRef, '4xx': ProblemRef },
      },
    },
    (request) => images.get(request.params.name),
  );

  app.post(
    '/images/import',
    {
      config: { access: 'admin', audit: 'image.import' },
      schema: {
        tags,
        summary: 'Imports an image',
        body: ImageImportSchema,
        response: { 202: OperationRef, '4xx': ProblemRef, 507: ProblemRef },
      },
    },
    async (request, reply) => {
      const operation = await operations.submit(
        { kind: 'import', options: request.body },
        undefined,
        request.principal.actor,
      );
      return reply.code(202).header('location', locationOf(operation)).send(operation);
    },
  );

  app.delete(
    '/images/:name',
    {
      config: { access: 'admin', audit: 'image.remove' },
      schema: {
        tags,
        summary: 'Removes an image that no partition uses',
        params: NameParams,
        response: { 204: Type.Null(), '4xx': ProblemRef },
      },
    },
    async (request, reply) => {
      await images.remove(request.params.name);
      return reply.code(204).send(null);
    },
  );
}
