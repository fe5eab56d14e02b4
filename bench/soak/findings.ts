/** What was found broken, and what was counted. */

export class Findings {
  readonly all: { readonly where: string; readonly what: string }[] = [];
  readonly #log: (text: string) => void;

  constructor(log: (text: string) => void) {
    this.#log = log;
  }

  add(where: string, what: string): void {
    this.all.push({ where, what });
    this.#log(`BROKEN at ${where}: ${what}`);
  }
}

export class Counts {
  readonly #counts = new Map<string, number>();

  add(what: string, by = 1): void {
    this.#counts.set(what, this.get(what) + by);
  }

  get(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  /** By name. */
  get rows(): readonly (readonly [string, number])[] {
    return [...this.#counts].sort(([a], [b]) => a.localeCompare(b));
  }
}
