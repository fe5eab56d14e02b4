/** Waits for a daemon that starts. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from './client.ts';
import type { Service } from './service.ts';

/** Whether it answers within so many seconds; false, too, where it ended before. */
export async function answers(client: Client, service: Service, seconds: number): Promise<boolean> {
  return await until(seconds, () =>
    service.end !== undefined ? 'stop' : client.get('/version', 1000).then(({ status }) => status === 200),
  );
}

/** Asks again and again. @returns false where the time was over, or `stop` was said */
export async function until(
  seconds: number,
  holds: () => boolean | 'stop' | Promise<boolean | 'stop'>,
): Promise<boolean> {
  const deadline = performance.now() + seconds * 1000;
  while (performance.now() < deadline) {
    const answer = await holds();
    if (answer !== false) return answer === true;
    await pause(30);
  }
  return false;
}
