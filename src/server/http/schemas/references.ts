/** Answers as routes name them: by reference, so that the OpenAPI document has each shape once. */

import { type TSchema, type TUnsafe, Type } from 'typebox';
import type { Capture, Operation, PartitionView } from '../../../panic/contract/index.ts';
import type { RuleResult } from '../../../panic/trace/index.ts';
import type { Health, ImageView, Page, ScheduleView } from '../shared/ports.ts';
import type { Problem } from '../shared/problem.ts';
import { FLEET_ANSWERS } from './answers.ts';
import { RULE_ANSWERS, type RuleText } from './rules.ts';
import { SERVICE_ANSWERS } from './service-answers.ts';

/** Answers by name; {@link refer} points at one. Requests are not here: their checker follows no references. */
export const NAMED_SCHEMAS: Readonly<
  Record<keyof typeof FLEET_ANSWERS | keyof typeof RULE_ANSWERS | keyof typeof SERVICE_ANSWERS, TSchema>
> = {
  ...FLEET_ANSWERS,
  ...RULE_ANSWERS,
  ...SERVICE_ANSWERS,
};

function refer<T>(name: keyof typeof NAMED_SCHEMAS): TUnsafe<T> {
  return Type.Unsafe<T>({ $ref: `${name}#` });
}

/** Console bytes: text mostly, but whatever the guest wrote. */
export const RawText: TUnsafe<Buffer> = Type.Unsafe<Buffer>({ type: 'string' });

function pageOf<T>(items: TSchema): TUnsafe<Page<T>> {
  return Type.Unsafe<Page<T>>(
    Type.Object({
      items: Type.Array(items),
      next: Type.Optional(Type.String({ description: 'Cursor of the next page; absent on the last' })),
    }),
  );
}

export const PartitionRef: TUnsafe<PartitionView> = refer('Partition');
export const PartitionList: TUnsafe<{ readonly items: readonly PartitionView[] }> = pageOf(
  refer('Partition'),
);
export const OperationRef: TUnsafe<Operation> = refer('Operation');
export const OperationPage: TUnsafe<Page<Operation>> = pageOf(refer('Operation'));
export const CaptureRef: TUnsafe<Capture> = refer('Capture');
export const CapturePage: TUnsafe<Page<Capture>> = pageOf(refer('Capture'));
export const RuleList: TUnsafe<{ readonly items: readonly RuleResult[] }> = pageOf(refer('Rule'));
export const RuleTextList: TUnsafe<{ readonly items: readonly RuleText[] }> = pageOf(refer('RuleText'));
/** Sent as a text: as it is stored, or as a part of it, where `next` continues. */
export const TraceAnswer: TUnsafe<string> = Type.Unsafe<string>({
  anyOf: [
    { $ref: 'Trace#' },
    Type.Object(
      {
        traceEvents: Type.Array(Type.Object({}, { additionalProperties: true })),
        displayTimeUnit: Type.String(),
        otherData: Type.Object({}, { additionalProperties: true }),
      },
      { description: 'Trace Event Format, where `format` is `perfetto`' },
    ),
  ],
});
export const ImageRef: TUnsafe<ImageView> = refer('Image');
export const ImageList: TUnsafe<{ readonly items: readonly ImageView[] }> = pageOf(refer('Image'));
export const ScheduleList: TUnsafe<{ readonly items: readonly ScheduleView[] }> = pageOf(refer('Schedule'));
export const ProblemRef: TUnsafe<Problem> = refer('Problem');

export const HealthRef: TUnsafe<Health> = refer('Health');
