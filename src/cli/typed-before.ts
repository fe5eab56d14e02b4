/** Reads from a capture, or from the operation of a kexec or a restart, what was typed before it. */

import { readFileSync } from 'node:fs';
import { hostFile } from '../base/failure-text.ts';
import type { TypedInput } from '../panic/contract/index.ts';
import { UsageError } from './arguments.ts';

/** @param file it, as REST gives it. @throws UsageError where it is none, or has no input */
export function typedBefore(file: string): readonly TypedInput[] {
  const text = hostFile('--input', () => readFileSync(file, 'utf8'));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`--input: ${file} is not JSON`);
  }
  const input = field(field(value, 'made'), 'input');
  if (!Array.isArray(input) || !input.every(isTyped))
    throw new UsageError(
      `--input: ${file} is no capture and no operation before which something was typed (made.input)`,
    );
  return input;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

function isTyped(value: unknown): value is TypedInput {
  const vty = field(value, 'vty');
  return (
    Number.isSafeInteger(field(value, 'insn')) &&
    Number.isSafeInteger(field(value, 'slice')) &&
    (vty === 0 || vty === 1) &&
    typeof field(value, 'text') === 'string'
  );
}
