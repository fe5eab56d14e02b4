/** Counts the vmcores that are being downloaded, by client, and ends those of clients that may not continue: their keys have expired or were revoked. */

import type { FastifyReply, FastifyRequest } from 'fastify';
import { limitKey, type Principal } from '../../access/index.ts';
import { atExpiry } from './expiry.ts';
import { tooMany } from './problem.ts';

type Open = { readonly client: string; readonly principal: Principal; readonly reply: FastifyReply };

export class OpenDownloads {
  readonly #open = new Set<Open>();
  readonly #perClient: number;

  constructor(perClient: number) {
    this.#perClient = perClient;
  }

  /** It counts until its answer has ended. @throws ProblemError `too-many-requests` */
  add(request: FastifyRequest, reply: FastifyReply): void {
    const { principal } = request;
    const client = limitKey(principal, request.ip);
    const open = [...this.#open].filter((each) => each.client === client).length;
    if (open >= this.#perClient)
      throw tooMany(`${open} downloads are open, which is as many as a client may have.`, 10);
    const added: Open = { client, principal, reply };
    this.#open.add(added);
    const forget = atExpiry(principal.expiresAt, () => reply.raw.destroy());
    reply.raw.once('close', () => {
      forget();
      this.#open.delete(added);
    });
  }

  /** Cuts the downloads of clients that may not continue. */
  closeOf(isOver: (principal: Principal) => boolean): void {
    for (const { principal, reply } of this.#open) if (isOver(principal)) reply.raw.destroy();
  }
}
