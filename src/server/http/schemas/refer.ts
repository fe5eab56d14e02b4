/** References to shapes by name, so that the OpenAPI document has each of them once. */

import { type TUnsafe, Type } from 'typebox';

/** Every shape that has a name. Requests have none: their checker follows no references. */
export type SchemaName =
  | 'Actor'
  | 'AuditEntry'
  | 'Capture'
  | 'Fidelity'
  | 'Handover'
  | 'Health'
  | 'Image'
  | 'ImageFacts'
  | 'InstantFacts'
  | 'Key'
  | 'Mark'
  | 'MintedKey'
  | 'Operation'
  | 'Partition'
  | 'Perfetto'
  | 'Problem'
  | 'Rule'
  | 'RuleText'
  | 'Schedule'
  | 'Session'
  | 'Store'
  | 'Trace'
  | 'TraceEvent'
  | 'TraceV1'
  | 'Version';

export function refer<T>(name: SchemaName): TUnsafe<T> {
  return Type.Unsafe<T>({ $ref: `${name}#` });
}
