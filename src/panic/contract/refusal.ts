/** Defines the error for a refused request. */

/** A refused request; the server turns it into an RFC 9457 answer. */
export type RefusalCode = 'not-found' | 'conflict' | 'invalid';

export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
  }
}
