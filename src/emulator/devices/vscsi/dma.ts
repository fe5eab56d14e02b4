/**
 * Memory as a virtual I/O adapter reaches it: through its own window of I/O bus addresses, whose pages the client maps.
 * An access to a page that is not mapped, or not for that direction, moves nothing.
 */
export interface DmaWindow {
  /** A copy of `length` bytes; undefined where a page may not be read. */
  read(ioba: bigint, length: number): Uint8Array | undefined;
  /** @returns whether every page may be written; only then is anything. */
  write(ioba: bigint, bytes: Uint8Array): boolean;
}
