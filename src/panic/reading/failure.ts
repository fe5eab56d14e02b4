/** Carries errors between threads. */

import { FormatError } from '../../base/errors.ts';
import { OutsideMemory } from '../../emulator/memory/contract.ts';
import type { Failure } from './protocol.ts';

export function failureOf(error: unknown): Failure {
  if (error instanceof OutsideMemory)
    return { message: error.message, outside: { raddr: error.raddr, length: error.length } };
  if (error instanceof FormatError) return { message: error.message, code: error.code };
  return { message: error instanceof Error ? error.message : String(error) };
}

export function errorOf({ message, outside, code }: Failure): Error {
  if (outside !== undefined) return new OutsideMemory(outside.raddr, outside.length);
  return code === undefined ? new Error(message) : new FormatError(code, message);
}
