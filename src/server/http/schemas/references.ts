/** Defines the answers of routes by reference, so that the OpenAPI document has each shape once. */

import { type TSchema, type TUnsafe, Type } from 'typebox';
import type {
  ApiKey,
  AuditEntry,
  Capture as NamedCapture,
  Operation as NamedOperation,
  PartitionView,
  StoreView,
} from '../../../panic/contract/index.ts';
import type { FidelityReport, RuleResult } from '../../../panic/trace/index.ts';
import type { MintedKey } from '../../access/index.ts';
import type {
  ImageView,
  Health as NamedHealth,
  Page,
  ScheduleView,
  SessionView,
  VersionAnswer,
} from '../shared/ports.ts';
import type { Problem as NamedProblem } from '../shared/problem.ts';
import { Actor, Audit, Key, Minted, Session } from './access.ts';
import { Capture } from './capture.ts';
import { exactly } from './exact.ts';
import { Fidelity, Handover, InstantFacts } from './fidelity.ts';
import { Image } from './image.ts';
import { Operation } from './operation.ts';
import { Partition } from './partition.ts';
import { refer, type SchemaName } from './refer.ts';
import { Rule, RuleText, type RuleTextAnswer } from './rule.ts';
import { closed } from './scalars.ts';
import { Health, Problem, Schedule, Version } from './service.ts';
import { Store } from './store.ts';
import { Perfetto, Trace, TraceV1 } from './trace.ts';
import { Mark, TraceEvent } from './trace-event.ts';
import { ImageFacts } from './trace-image.ts';

type FleetName =
  | 'Actor'
  | 'AuditEntry'
  | 'Capture'
  | 'Health'
  | 'Image'
  | 'Key'
  | 'MintedKey'
  | 'Operation'
  | 'Partition'
  | 'Problem'
  | 'Rule'
  | 'RuleText'
  | 'Schedule'
  | 'Session'
  | 'Store'
  | 'Version';

/** Shapes that any route may answer with. */
export const NAMED_SCHEMAS: Readonly<Record<FleetName, TSchema>> = {
  Partition,
  Operation,
  Capture,
  Rule,
  RuleText,
  Image,
  Health,
  Schedule,
  Store,
  Version,
  Problem,
  Actor,
  Key,
  MintedKey: Minted,
  Session,
  AuditEntry: Audit,
};

/** Shapes of traces, for their routes alone: fastify checks every shape that it knows once for each route. */
export const TRACE_SCHEMAS: Readonly<Record<Exclude<SchemaName, FleetName>, TSchema>> = {
  Trace,
  TraceV1,
  TraceEvent,
  Mark,
  ImageFacts,
  InstantFacts,
  Fidelity,
  Handover,
  Perfetto,
};

/** Console bytes: text mostly, but whatever the guest wrote. */
export const RawText: TUnsafe<Buffer> = Type.Unsafe<Buffer>({ type: 'string' });

/** A list that is never long. */
type Items<T> = { readonly items: readonly T[] };

const next = Type.Optional(Type.String({ description: 'Cursor of the next page; absent on the last' }));

const damaged = Type.Optional(
  Type.Array(Type.String(), {
    description: 'Ids of what belongs on this page and is damaged in the store (docs/formats/store.md)',
  }),
);

export const PartitionRef: TUnsafe<PartitionView> = refer('Partition');
export const PartitionList: TUnsafe<Items<PartitionView>> = exactly<Items<PartitionView>>()(
  Type.Object({ items: Type.Array(PartitionRef) }, closed),
);
export const OperationRef: TUnsafe<NamedOperation> = refer('Operation');
export const OperationPage: TUnsafe<Page<NamedOperation>> = exactly<Page<NamedOperation>>()(
  Type.Object({ items: Type.Array(OperationRef), next, damaged }, closed),
);
export const CaptureRef: TUnsafe<NamedCapture> = refer('Capture');
export const CapturePage: TUnsafe<Page<NamedCapture>> = exactly<Page<NamedCapture>>()(
  Type.Object({ items: Type.Array(CaptureRef), next, damaged }, closed),
);
export const RuleList: TUnsafe<Items<RuleResult>> = exactly<Items<RuleResult>>()(
  Type.Object({ items: Type.Array(refer<RuleResult>('Rule')) }, closed),
);
export const RuleTextList: TUnsafe<Items<RuleTextAnswer>> = exactly<Items<RuleTextAnswer>>()(
  Type.Object({ items: Type.Array(refer<RuleTextAnswer>('RuleText')) }, closed),
);
/** Sent as a text: the whole in the version in which it was stored, a part in version 2. */
export const TraceAnswer: TUnsafe<string> = Type.Unsafe<string>({
  oneOf: [refer('Trace'), refer('TraceV1'), refer('Perfetto')],
});
export const FidelityRef: TUnsafe<FidelityReport> = refer('Fidelity');
export const ImageRef: TUnsafe<ImageView> = refer('Image');
export const ImageList: TUnsafe<Items<ImageView>> = exactly<Items<ImageView>>()(
  Type.Object({ items: Type.Array(ImageRef) }, closed),
);
export const ScheduleList: TUnsafe<Items<ScheduleView>> = exactly<Items<ScheduleView>>()(
  Type.Object({ items: Type.Array(refer<ScheduleView>('Schedule')) }, closed),
);
export const StoreRef: TUnsafe<StoreView> = refer('Store');
export const ProblemRef: TUnsafe<NamedProblem> = refer('Problem');
export const HealthRef: TUnsafe<NamedHealth> = refer('Health');
export const VersionRef: TUnsafe<VersionAnswer> = refer('Version');
export const KeyRef: TUnsafe<ApiKey> = refer('Key');
export const KeyList: TUnsafe<Items<ApiKey>> = exactly<Items<ApiKey>>()(
  Type.Object({ items: Type.Array(KeyRef) }, closed),
);
export const MintedKeyRef: TUnsafe<MintedKey> = refer('MintedKey');
export const SessionRef: TUnsafe<SessionView> = refer('Session');
export const AuditPage: TUnsafe<Page<AuditEntry>> = exactly<Page<AuditEntry>>()(
  Type.Object({ items: Type.Array(refer<AuditEntry>('AuditEntry')), next, damaged }, closed),
);
