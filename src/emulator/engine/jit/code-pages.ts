/** What regions need of the decoded code (engine/code-cache.ts). A page is named by its first record. */

import type { Handler } from '../interpreter/handlers.ts';

export interface CodePages {
  /** Called when records from one address to another are given up, or are to be decoded in another way. */
  onDrop: ((from: number, to: number) => void) | undefined;
  /** The page of a record, and its byte order; undefined where it is no longer code. */
  pageAt(record: number): { readonly slot: number; readonly littleEndian: boolean } | undefined;
  slotStart(record: number): number;
  /** What stands at an offset of a page; undefined for no instruction of this processor, and where a probe is. */
  instructionAt(
    slot: number,
    offset: number,
  ): { readonly word: number; readonly handler: Handler } | undefined;
  /** @returns false when its page is no longer code */
  decodeRecord(record: number): boolean;
  /** The record is decoded again when it is reached. */
  undecode(record: number): void;
  /** The handler of a record's instruction, whatever the record says. */
  probed(record: number): { readonly handler: number };
}
