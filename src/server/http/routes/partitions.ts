/** Serves partitions: list, create, read, remove; start, stop, reset and panic, which are operations. */

import { Type } from 'typebox';
import type { Operation } from '../../../panic/contract/index.ts';
import {
  IdParams,
  LeaveRequestSchema,
  OperationRef,
  PanicRequestSchema,
  PartitionList,
  PartitionRef,
  PartitionRequestSchema,
  ProblemRef,
  StartRequestSchema,
} from '../schemas/index.ts';
import { API_PREFIX, type App, type RouteContext } from '../shared/context.ts';
import { checkOwner } from '../shared/owner.ts';

const tags = ['partitions'];
const POWERING_ON = [
  ['start', 'Powers the partition on; ends when its guest is ready'],
  ['reset', 'Powers it off and on again; ends when its guest is ready'],
] as const;

const LEAVING = [
  ['kexec', 'Loads the next kernel and has the guest kexec into it; ends when that one is ready'],
  ['restart', 'Has the guest restart through the firmware; ends when it asks the firmware for it'],
] as const;

const idempotency = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{1,128}$',
      description: 'The same key again answers with the operation that it made the first time',
    }),
  ),
});

export function registerPartitionRoutes(app: App, context: RouteContext): void {
  const { fleet, operations, quotas } = context;
  registerLeaving(app, context);
  app.get(
    '/partitions',
    {
      config: { access: 'view' },
      schema: { tags, summary: 'Lists the fleet', response: { 200: PartitionList } },
    },
    () => ({ items: fleet.list() }),
  );

  app.post(
    '/partitions',
    {
      config: { access: 'panic', audit: 'partition.create' },
      schema: {
        tags,
        summary: 'Adds a partition to the fleet, powered off',
        body: PartitionRequestSchema,
        response: { 201: PartitionRef, '4xx': ProblemRef },
      },
    },
    async (request, reply) => {
      const made = await quotas.createPartition(request.body, request.principal);
      return reply.code(201).header('location', `${API_PREFIX}/partitions/${made.id}`).send(made);
    },
  );

  app.get(
    '/partitions/:id',
    {
      config: { access: 'view' },
      schema: {
        tags,
        summary: 'Returns one partition',
        params: IdParams,
        response: { 200: PartitionRef, '4xx': ProblemRef },
      },
    },
    (request) => fleet.get(request.params.id),
  );

  app.delete(
    '/partitions/:id',
    {
      config: { access: 'panic', audit: 'partition.remove' },
      schema: {
        tags,
        summary: 'Removes a stopped partition; its captures stay',
        params: IdParams,
        response: { 204: Type.Null(), '4xx': ProblemRef },
      },
    },
    async (request, reply) => {
      checkOwner(request.principal, `partition ${request.params.id}`, fleet.get(request.params.id));
      await fleet.remove(request.params.id);
      return reply.code(204).send(null);
    },
  );

  for (const [action, summary] of POWERING_ON) {
    app.post(
      `/partitions/:id/${action}`,
      {
        config: { access: 'panic', audit: `partition.${action}` },
        schema: {
          tags,
          summary,
          params: IdParams,
          body: StartRequestSchema,
          response: { 202: OperationRef, '4xx': ProblemRef },
        },
        preValidation: emptyBody,
      },
      async (request, reply) => {
        const { id: partitionId } = request.params as { id: string };
        const operation = await operations.submit(
          { kind: action, partitionId, options: request.body },
          undefined,
          request.principal.actor,
        );
        return reply.code(202).header('location', locationOf(operation)).send(operation);
      },
    );
  }

  app.post(
    '/partitions/:id/stop',
    {
      config: { access: 'panic', audit: 'partition.stop' },
      schema: {
        tags,
        summary: 'Powers the partition off where it is, within two seconds',
        params: IdParams,
        response: { 202: OperationRef, '4xx': ProblemRef },
      },
    },
    async (request, reply) => {
      const operation = await operations.submit(
        { kind: 'stop', partitionId: request.params.id },
        undefined,
        request.principal.actor,
      );
      return reply.code(202).header('location', locationOf(operation)).send(operation);
    },
  );

  app.post(
    '/partitions/:id/panic',
    {
      config: { access: 'panic', audit: 'partition.panic' },
      schema: {
        tags,
        summary: 'Crashes the guest and captures its vmcore',
        params: IdParams,
        headers: idempotency,
        body: PanicRequestSchema,
        response: { 202: OperationRef, '4xx': ProblemRef, 507: ProblemRef },
      },
    },
    async (request, reply) => {
      const { principal, body: options } = request;
      const key = request.headers['idempotency-key'];
      const { id: partitionId } = request.params;
      const operation = await quotas.submitCrash(principal, (admit) =>
        operations.submit({ kind: 'panic', partitionId, options }, key, principal.actor, admit),
      );
      return reply.code(202).header('location', locationOf(operation)).send(operation);
    },
  );
}

function registerLeaving(app: App, { operations }: RouteContext): void {
  for (const [path, summary] of LEAVING) {
    app.post(
      `/partitions/:id/${path}`,
      {
        config: { access: 'panic', audit: `partition.${path}` },
        schema: {
          tags,
          summary,
          params: IdParams,
          headers: idempotency,
          body: LeaveRequestSchema,
          response: { 202: OperationRef, '4xx': ProblemRef },
        },
        preValidation: emptyBody,
      },
      async (request, reply) => {
        const { id: partitionId } = request.params as { id: string };
        const key = request.headers['idempotency-key'] as string | undefined;
        const operation = await operations.submit(
          { kind: path, partitionId, options: request.body },
          key,
          request.principal.actor,
        );
        return reply.code(202).header('location', locationOf(operation)).send(operation);
      },
    );
  }
}

/** There is nothing that must be said: no body is an empty one. */
async function emptyBody(request: { body: unknown }): Promise<void> {
  if (request.body === undefined) request.body = {};
}

export function locationOf(operation: Operation): string {
  return `${API_PREFIX}/operations/${operation.id}`;
}
