/** Defines the error for a refused request. */

/**
 * A refused request; the server turns it into an RFC 9457 answer. `key-reused`: an idempotency key came with another request
 * than the one that it was first used for; `no-room`: the disk of the data folder has no room for it; `quota`: a key or the daemon may not have more;
 * `terminal-full`: the guest has not read what was typed before.
 */
export type RefusalCode =
  | 'not-found'
  | 'conflict'
  | 'invalid'
  | 'key-reused'
  | 'no-room'
  | 'quota'
  | 'terminal-full';

export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
  }
}
