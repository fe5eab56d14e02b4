/**
 * Keeps what the agent said. A guest may say anything as often as it likes, so that only the first and the last line of each
 * kind are kept; who waits for a line is given each new one once.
 */

import type { AgentLine } from './agent-line.ts';

type Kind = AgentLine['kind'];
type Of<K extends Kind> = Extract<AgentLine, { readonly kind: K }>;

/** Waits for a line among those that are still to come. */
export type LineWatch<T> = {
  /** What the first line that matched gave. */
  readonly found: T | undefined;
  close(): void;
};

export class AgentLines {
  readonly #first = new Map<Kind, AgentLine>();
  readonly #last = new Map<Kind, AgentLine>();
  readonly #watches = new Set<(line: AgentLine) => void>();

  add(line: AgentLine): void {
    if (!this.#first.has(line.kind)) this.#first.set(line.kind, line);
    this.#last.set(line.kind, line);
    for (const watch of [...this.#watches]) watch(line);
  }

  has(kind: Kind): boolean {
    return this.#first.has(kind);
  }
  first<K extends Kind>(kind: K): Of<K> | undefined {
    return this.#first.get(kind) as Of<K> | undefined;
  }
  last<K extends Kind>(kind: K): Of<K> | undefined {
    return this.#last.get(kind) as Of<K> | undefined;
  }

  /** Begins to wait. @param match what a line gives; undefined: it is not the one */
  watch<T>(match: (line: AgentLine) => T | undefined): LineWatch<T> {
    const watches = this.#watches;
    let found: T | undefined;
    const see = (line: AgentLine): void => {
      found = match(line);
      if (found !== undefined) watches.delete(see);
    };
    watches.add(see);
    return {
      get found() {
        return found;
      },
      close: () => {
        watches.delete(see);
      },
    };
  }
}
