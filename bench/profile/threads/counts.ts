/** Numbers by name. */

export class Counts {
  readonly #places = new Map<string, number>();
  #values: number[] = [];

  add(name: string, count = 1): void {
    let place = this.#places.get(name);
    if (place === undefined) {
      place = this.#values.push(0) - 1;
      this.#places.set(name, place);
    }
    (this.#values[place] as number) += count;
  }

  /** In the order in which they came up first. */
  names(): readonly string[] {
    return [...this.#places.keys()];
  }

  /** As they are now, in the order of {@link names}; a name that comes up later has none. */
  values(): readonly number[] {
    return [...this.#values];
  }
}
