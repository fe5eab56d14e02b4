/**
 * Makes the service's log: pino, one JSON object a line on stderr (stdout belongs to the command line's answers).
 * A child a partition and component; field names carry their units.
 */

import pino, { type LevelWithSilent, type Logger } from 'pino';

export type { Logger };

export type LogOptions = {
  readonly level: LevelWithSilent;
  /** For people: pino-pretty on a terminal. */
  readonly pretty?: boolean;
};

export function createLogger(options: LogOptions): Logger {
  const settings = { level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (options.pretty === true) {
    return pino({ ...settings, transport: { target: 'pino-pretty', options: { destination: 2 } } });
  }
  return pino(settings, pino.destination({ fd: 2, sync: false }));
}
