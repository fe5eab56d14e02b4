/**
 * Closes connections that never carried a request when the server closes. Browsers open some ahead of time; Node counts them
 * as neither idle nor done, so that closing the server would wait until the client drops them.
 */

import type { Socket } from 'node:net';
import type { App } from '../shared/context.ts';

export function registerFreshSockets(app: App): void {
  const fresh = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    fresh.add(socket);
    socket.once('close', () => fresh.delete(socket));
  });
  app.server.on('request', (request) => fresh.delete(request.socket));
  app.addHook('preClose', async () => {
    for (const socket of fresh) socket.destroy();
  });
}
