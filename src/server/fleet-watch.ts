/**
 * Compares the fleet that was requested with the partitions that run: which could not be made, which failed, which have not
 * come up yet, and why. `/healthz`, the log and the line `kdumpd ready` use it.
 * A partition that was stopped on purpose, or that crashed and boots again, counts as up.
 */

import { failureText } from '../base/failure-text.ts';
import type { Fleet, Operations, PartitionRequest, PartitionView } from '../panic/contract/index.ts';
import type { EventBus } from '../panic/operations/index.ts';
import type { HealthCheck, TroubledPartition } from './http/shared/ports.ts';

export type FleetWatchOptions = {
  readonly fleet: Pick<Fleet, 'list' | 'get' | 'create'>;
  readonly operations: Pick<Operations, 'submit'>;
  readonly events: EventBus;
  /** Called for every partition that could not be made, failed, or is slow to come up; once each time. */
  readonly onTrouble: (trouble: TroubledPartition) => void;
  /** Called once: every partition of the fleet is up. */
  readonly onUp: () => void;
  /** A partition that has not come up after so long is reported: a guest that only spins may never fail. Default 1 minute. */
  readonly slowMs?: number;
};

const SLOW_MS = 60_000;

type Missing = { readonly name: string; readonly request: PartitionRequest; readonly reason: string };

export class FleetWatch {
  readonly #options: FleetWatchOptions;
  readonly #subscription: Promise<() => void>;
  #missing: readonly Missing[] = [];
  /** Of those that the daemon starts with: still on their way up for the first time. */
  readonly #awaited = new Set<string>();
  #begun = false;
  /** Whether partitions are started that can be made only later. */
  #starts = true;
  #announced = false;

  constructor(options: FleetWatchOptions) {
    this.#options = options;
    this.#subscription = options.events.subscribe((message) => {
      if (message.kind !== 'event' || message.event.kind !== 'partition') return;
      const { id, state } = message.event;
      if (state !== 'starting') this.#awaited.delete(id);
      if (state === 'failed') this.#reportFailed(id);
      this.#announce();
    });
  }

  /**
   * Makes the wanted partitions that are not there: those whose name no partition has. Ones without a name are made
   * only for a fleet that is empty, because nothing says later that they were.
   */
  async make(wanted: readonly PartitionRequest[]): Promise<void> {
    const { fleet } = this.#options;
    const names = new Set(fleet.list().map(({ name }) => name));
    const wasEmpty = names.size === 0;
    for (const [i, request] of wanted.entries()) {
      if (request.name === undefined ? !wasEmpty : names.has(request.name)) continue;
      const made = await this.#create(request, request.name ?? `#${i + 1}`);
      if ('reason' in made) this.#missing = [...this.#missing, made];
    }
  }

  /**
   * Every partition is about to be started by `start`: until each has come up or failed, the fleet is not up.
   * @param start absent: none is started by itself, and a fleet that is made is up
   */
  async started(start?: () => Promise<void>): Promise<void> {
    this.#begun = true;
    this.#starts = start !== undefined;
    if (start === undefined) return this.#announce();
    for (const { id } of this.#options.fleet.list()) this.#awaited.add(id);
    const slow = setTimeout(() => {
      for (const trouble of this.#troubles())
        if (trouble.state === 'starting') this.#options.onTrouble(trouble);
    }, this.#options.slowMs ?? SLOW_MS);
    await start().finally(() => clearTimeout(slow));
    this.#awaited.clear();
    this.#announce();
  }

  /** An image has come: partitions that could not be made without it are made and started. */
  async retry(image: string): Promise<void> {
    const { operations } = this.#options;
    for (const missing of this.#stillMissing()) {
      if (!this.#begun || missing.request.image !== image) continue;
      const made = await this.#create(missing.request, missing.name);
      const again = 'reason' in made ? [made] : [];
      this.#missing = this.#missing.flatMap((each) => (each === missing ? again : [each]));
      if ('id' in made && this.#starts) await operations.submit({ kind: 'start', partitionId: made.id });
    }
  }

  /** For `/healthz`. With some partitions up and some not the service does its work: degraded, not down. */
  check(): HealthCheck {
    const name = 'fleet';
    if (!this.#begun) return { name, ok: false, detail: 'the fleet is being made' };
    const troubles = this.#troubles();
    if (troubles.length === 0) return { name, ok: true };
    const up = this.#options.fleet.list().filter((each) => this.#isUp(each)).length;
    const all = troubles.length + up;
    return {
      name,
      ok: false,
      ...(up > 0 ? { degraded: true } : {}),
      detail: `${up === 0 ? 'none' : up} of ${all} partition${all === 1 ? '' : 's'} ${up > 1 ? 'are' : 'is'} up`,
      partitions: troubles,
    };
  }

  /** Reports nothing any more: a fleet that is being closed is not up. */
  async close(): Promise<void> {
    this.#announced = true;
    (await this.#subscription)();
  }

  async #create(request: PartitionRequest, name: string): Promise<{ readonly id: string } | Missing> {
    try {
      const { id } = await this.#options.fleet.create(request);
      return { id };
    } catch (error) {
      const missing = { name, request, reason: failureText(error) };
      this.#options.onTrouble(troubleOf(missing));
      return missing;
    }
  }

  /** Those that were not made by hand meanwhile. */
  #stillMissing(): readonly Missing[] {
    const names = new Set(this.#options.fleet.list().map(({ name }) => name));
    return this.#missing.filter(({ request }) => request.name === undefined || !names.has(request.name));
  }

  #troubles(): readonly TroubledPartition[] {
    const troubled = this.#options.fleet.list().flatMap((each): TroubledPartition[] => {
      const { id, name, image, state, reason } = each;
      if (state === 'failed') return [{ id, name, image, state, reason: reason ?? 'no reason given' }];
      return this.#awaited.has(id) && state === 'starting'
        ? [{ id, name, image, state, reason: 'it has not come up yet' }]
        : [];
    });
    return [...this.#stillMissing().map(troubleOf), ...troubled];
  }

  #isUp({ id, state }: PartitionView): boolean {
    if (state === 'starting') return !this.#awaited.has(id);
    return state === 'ready' || state === 'busy' || state === 'crashed';
  }

  #reportFailed(id: string): void {
    const view = this.#options.fleet.list().find((each) => each.id === id);
    if (view === undefined) return;
    const { name, image, reason } = view;
    this.#options.onTrouble({ id, name, image, state: 'failed', reason: reason ?? 'no reason given' });
  }

  #announce(): void {
    if (this.#announced || !this.#begun || this.#awaited.size > 0 || this.#troubles().length > 0) return;
    const all = this.#options.fleet.list();
    if (all.some(({ state }) => state === 'starting')) return;
    // One that was made by hand meanwhile has to be started, too.
    const made = new Set(this.#missing.map(({ name }) => name));
    if (all.some(({ name, state }) => made.has(name) && state === 'stopped')) return;
    this.#announced = true;
    this.#options.onUp();
  }
}

function troubleOf({ name, request, reason }: Missing): TroubledPartition {
  return { name, image: request.image, state: 'missing', reason };
}
