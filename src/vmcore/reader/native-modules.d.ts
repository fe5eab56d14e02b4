/** Types of modules that bring none. */

declare module 'lzo' {
  const lzo: {
    /** LZO1X by the bounds-checking decompressor: at most `length` bytes. Throws Error on bad input. */
    decompress(input: Buffer, length: number): Buffer;
    compress(input: Buffer): Buffer;
  };
  export = lzo;
}
