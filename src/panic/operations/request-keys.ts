/** Requests that may be sent twice: the second with the same key is answered with the operation of the first. */

import { assert } from '../../base/errors.ts';
import type { Operation } from '../contract/index.ts';
import type { MetadataStore } from '../store/index.ts';

/** Keys of the last operations of this process; older ones are the store's to know. */
const KEPT = 1000;

export class RequestKeys {
  readonly #metadata: Pick<MetadataStore, 'findOperation' | 'getOperation'>;
  readonly #ids = new Map<string, Promise<string>>();

  constructor(metadata: Pick<MetadataStore, 'findOperation' | 'getOperation'>) {
    this.#metadata = metadata;
  }

  /**
   * Submits, unless the same was submitted before, by this process or an earlier one.
   * @returns the operation of the first request with this key
   * @throws whatever `submit` throws; then the key is forgotten
   */
  async once(key: string, submit: () => Promise<Operation>): Promise<Operation> {
    const stored = this.#ids.has(key) ? null : await this.#metadata.findOperation(key);
    if (stored !== null) return stored;
    // While the store was asked, somebody else may have submitted the same.
    const earlier = this.#ids.get(key);
    if (earlier === undefined) return this.#remember(key, submit());
    const operation = await this.#metadata.getOperation(await earlier);
    assert(operation !== null, 'an operation is stored before its id is told');
    return operation;
  }

  #remember(key: string, submitted: Promise<Operation>): Promise<Operation> {
    const id = submitted.then((operation) => operation.id);
    this.#ids.set(key, id);
    const [oldest] = this.#ids.keys();
    if (this.#ids.size > KEPT && oldest !== undefined) this.#ids.delete(oldest);
    id.catch(() => this.#ids.delete(key));
    return submitted;
  }
}
