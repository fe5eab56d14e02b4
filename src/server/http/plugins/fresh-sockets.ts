/**
 * Closes connections that never carried a request when the server closes. Browsers open some ahead of time; Node counts them
 * as neither idle nor done, so that closing the server would wait until the client drops them.
 */

import type { Socket } from 'node:net';
import type { App } from '../shared/context.ts';

export function registerFreshSockets(app: App): void {
  /** By the client's address and port: with TLS a request's socket is not the connection's. */
  const fresh = new Map<string, Socket>();
  app.server.on('connection', (socket: Socket) => {
    const name = nameOf(socket);
    fresh.set(name, socket);
    socket.once('close', () => {
      if (fresh.get(name) === socket) fresh.delete(name);
    });
  });
  app.server.on('request', (request) => fresh.delete(nameOf(request.socket)));
  app.addHook('preClose', async () => {
    for (const socket of fresh.values()) socket.destroy();
  });
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
