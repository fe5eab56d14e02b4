/**
 * Holds the page's data as signals and keeps them up to date. An event only says that something changed; the page then
 * fetches it, so that a missed or repeated event does no harm. Instruction counts have no events: the fleet is polled for them.
 */

import { computed, effect, type ReadonlySignal, type Signal, signal, untracked } from '@preact/signals';
import type { ServiceEvent } from '../../../src/panic/contract/index.ts';
import {
  ApiError,
  api,
  type Capture,
  eventsUrl,
  type ImageView,
  loginState,
  type Operation,
  type PartitionView,
  type RuleText,
  type TroubledPartition,
} from './api.ts';
import { refreshSession } from './session.ts';

export type Load<T> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready'; readonly value: T }
  | { readonly kind: 'failed'; readonly message: string };

const LOADING = { kind: 'loading' } as const;

export const partitions: Signal<Load<readonly PartitionView[]>> = signal(LOADING);
export const images: Signal<Load<readonly ImageView[]>> = signal(LOADING);
export const captures: Signal<Load<readonly Capture[]>> = signal(LOADING);
export const nextCaptures: Signal<string | undefined> = signal(undefined);
/** Captures of this crash alone are shown; undefined: all. */
export const onlySignature: Signal<string | undefined> = signal(undefined);
/** Partitions that the daemon was to have and could not make. One that failed is among {@link partitions}. */
export const missing: Signal<readonly TroubledPartition[]> = signal([]);
/** Every operation seen, by id. */
export const operations: Signal<ReadonlyMap<string, Operation>> = signal(new Map());
export const connection: Signal<'connecting' | 'live' | 'lost'> = signal('connecting');
export const version: Signal<string> = signal('');
/** The rules of the handoff in words, in the service's order. */
export const ruleTexts: Signal<readonly RuleText[]> = signal([]);
/** The time, updated every few seconds, for texts such as `4 min ago`. */
export const now: Signal<number> = signal(Date.now());
/** The partition that the user chose; null: the first one is shown. */
export const chosenPartition: Signal<string | null> = signal(null);

export const selected: ReadonlySignal<PartitionView | null> = computed(() => {
  if (partitions.value.kind !== 'ready') return null;
  const all = partitions.value.value;
  return all.find((p) => p.id === chosenPartition.value) ?? all[0] ?? null;
});

/** A partition's name; the id of one that was removed. */
export function partitionName(id: string): string {
  const all = partitions.value.kind === 'ready' ? partitions.value.value : [];
  return all.find((partition) => partition.id === id)?.name ?? id;
}

/** Whether an image is the guest that comes with the program. */
export function isBuiltIn(image: string): boolean {
  const all = images.value.kind === 'ready' ? images.value.value : [];
  return all.some(({ name, kind }) => name === image && kind === 'built-in');
}

/** The newest operation of a partition. */
export function latestOperation(partitionId: string, kind?: Operation['kind']): Operation | null {
  let found: Operation | null = null;
  for (const operation of operations.value.values()) {
    if (operation.partitionId !== partitionId || (kind !== undefined && operation.kind !== kind)) continue;
    if (found === null || operation.createdAt > found.createdAt) found = operation;
  }
  return found;
}

/** Loads into a signal; its old value stays until the answer comes. */
async function load<T>(target: Signal<Load<T>>, fetcher: () => Promise<T>): Promise<void> {
  try {
    target.value = { kind: 'ready', value: await fetcher() };
  } catch (error) {
    if (target.value.kind !== 'ready') target.value = { kind: 'failed', message: messageOf(error) };
  }
}

export function messageOf(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  console.error(error);
  return 'Something in this page failed; the browser console has more.';
}

export const refreshPartitions = (): Promise<void> =>
  load(partitions, async () => (await api.partitions()).items);
/** Loads {@link missing}. It is only a hint beside the fleet: where the request fails, the last value stays. */
export async function refreshHealth(): Promise<void> {
  try {
    const { checks } = await api.health();
    missing.value = checks
      .flatMap(({ partitions: troubled }) => troubled ?? [])
      .filter(({ state }) => state === 'missing');
  } catch (error) {
    messageOf(error);
  }
}
export const refreshImages = (): Promise<void> => load(images, async () => (await api.images()).items);
export const refreshCaptures = (): Promise<void> =>
  load(captures, async () => {
    const page = await api.captures(undefined, onlySignature.value);
    nextCaptures.value = page.next;
    return page.items;
  });

export async function moreCaptures(): Promise<void> {
  const cursor = nextCaptures.value;
  if (cursor === undefined || captures.value.kind !== 'ready') return;
  const page = await api.captures(cursor, onlySignature.value);
  const known = new Set(captures.value.value.map((c) => c.id));
  captures.value = {
    kind: 'ready',
    value: [...captures.value.value, ...page.items.filter((c) => !known.has(c.id))],
  };
  nextCaptures.value = page.next;
}

export function noteOperation(operation: Operation): void {
  operations.value = new Map(operations.value).set(operation.id, operation);
}

async function refreshOperation(id: string): Promise<void> {
  try {
    noteOperation(await api.operation(id));
  } catch (error) {
    // An operation that no longer exists has nothing to show; any other error is shown.
    if (!(error instanceof ApiError && error.status === 404)) messageOf(error);
  }
}

async function refreshAll(): Promise<void> {
  await Promise.all([refreshPartitions(), refreshHealth(), refreshImages(), refreshCaptures()]);
  try {
    operations.value = new Map((await api.operations()).items.map((operation) => [operation.id, operation]));
    version.value = (await api.version()).version;
    ruleTexts.value = (await api.rules()).items;
  } catch (error) {
    messageOf(error);
  }
}

function onServiceEvent(event: ServiceEvent): void {
  switch (event.kind) {
    case 'partition':
      void refreshPartitions();
      void refreshHealth();
      return;
    case 'operation':
      void refreshOperation(event.id);
      return;
    case 'capture':
      void refreshCaptures();
      return;
    case 'image':
      void refreshImages();
      return;
  }
}

const POLL_MS = 2500;
/** Between a stream that was refused and the next attempt. */
const RETRY_MS = 5000;

/** Follows the service while the page has a session, or needs none. Call it once. */
export function follow(): void {
  void enter();
  let leave = (): void => undefined;
  effect(() => {
    const isIn = loginState.value === 'done';
    untracked(() => {
      leave();
      leave = isIn ? followEvents() : forget;
    });
  });
  setInterval(() => {
    now.value = Date.now();
    if (document.visibilityState === 'visible' && loginState.value === 'done') void refreshPartitions();
  }, POLL_MS);
}

/** Asks whether a session is needed, until the daemon answers. */
async function enter(): Promise<void> {
  try {
    await refreshSession();
  } catch (error) {
    messageOf(error);
    connection.value = 'lost';
    setTimeout(() => void enter(), RETRY_MS);
  }
}

/** What one user saw is not the next one's to see. */
function forget(): void {
  for (const each of [partitions, images, captures]) each.value = LOADING;
  nextCaptures.value = undefined;
  operations.value = new Map();
  missing.value = [];
}

/** Loads everything, and subscribes to the service's events. @returns a function that ends the subscription */
function followEvents(): () => void {
  void refreshAll();
  let source = open();
  let timer: ReturnType<typeof setTimeout> | undefined;

  function open(): EventSource {
    const opened = new EventSource(eventsUrl());
    for (const kind of ['partition', 'operation', 'capture', 'image']) {
      opened.addEventListener(kind, (message: MessageEvent<string>) =>
        onServiceEvent(JSON.parse(message.data) as ServiceEvent),
      );
    }
    opened.addEventListener('lost', () => void refreshAll());
    opened.addEventListener('open', () => {
      if (connection.value === 'lost') void refreshAll();
      connection.value = 'live';
    });
    opened.addEventListener('error', () => {
      connection.value = 'lost';
      // A browser tries again by itself, but not after an answer that refuses: the session may have ended.
      if (opened.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(() => {
        source = open();
        void enter();
      }, RETRY_MS);
    });
    return opened;
  }

  return () => {
    clearTimeout(timer);
    source.close();
  };
}
