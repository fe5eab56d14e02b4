/** Cuts what comes in pieces into lines, and keeps those that the owner asked for (contract/partition.ts, LineTerminal). */

import type { LineTerminal } from '../contract/partition.ts';

export class LineCutter {
  readonly #wanted: LineTerminal;
  /** The line that has not ended, at most `longest` bytes of it. */
  #line = '';

  constructor(wanted: LineTerminal) {
    this.#wanted = wanted;
  }

  /** The wanted lines that end in these bytes, each byte a character, without the line feed. */
  push(bytes: Uint8Array): readonly string[] {
    const pieces = Buffer.from(bytes).toString('latin1').split('\n');
    const lines: string[] = [];
    for (const [i, piece] of pieces.entries()) {
      if (i > 0) {
        if (this.#wanted.prefixes.some((prefix) => this.#line.startsWith(prefix))) lines.push(this.#line);
        this.#line = '';
      }
      this.#line += piece.slice(0, this.#wanted.longest - this.#line.length);
    }
    return lines;
  }

  /** Forgets the line that has not ended. */
  clear(): void {
    this.#line = '';
  }
}
