/**
 * Parses the agent's lines on the second vty (docs/images.md). They are a protocol and not console text; phases still
 * come from machine events.
 */

import type { LineTerminal } from '../../emulator/host/index.ts';
import { panicError } from '../contract/errors.ts';

/** How every line of the protocol begins. The longest of an honest agent are facts of some hundred bytes. */
export const AGENT_LINES: LineTerminal = { prefixes: ['ok ', 'error ', 'kdumpd-agent '], longest: 8192 };

/** A line of the agent. `answer`: to a command. */
export type AgentLine =
  | { readonly kind: 'ready'; readonly noCrashKernel?: string }
  | { readonly kind: 'answer'; readonly ok: boolean; readonly command: string; readonly text: string }
  /** Facts of a guest that loads by plan (loading/facts.ts). */
  | { readonly kind: 'facts'; readonly text: string }
  /** A line that a program of the guest printed. */
  | { readonly kind: 'said'; readonly tool: string; readonly text: string }
  | { readonly kind: 'dump-start'; readonly mode: string }
  /** `bytes`: absent where the guest does not know. */
  | { readonly kind: 'dump-done'; readonly bytes?: number }
  | { readonly kind: 'dump-failed'; readonly phase: string; readonly reason: string };

/**
 * The line's meaning; undefined for a line that is not of the protocol. A guest may put any byte into a line but a line feed:
 * each pattern takes all of the rest, so that none is tried at every length.
 */
export function parseAgentLine(line: string): AgentLine | undefined {
  const text = line.replace(/\r$/, '');
  const answer = /^(ok|error) (\S+) ?(.*)$/s.exec(text);
  if (answer !== null) {
    const [, status, command = '', rest = ''] = answer;
    return { kind: 'answer', ok: status === 'ok', command, text: rest };
  }
  const [, word, rest = ''] = /^kdumpd-agent (\S+) ?(.*)$/s.exec(text) ?? [];
  switch (word) {
    case 'ready': {
      const reason = /^no-crash-kernel ?(.*)$/s.exec(rest)?.[1];
      return reason === undefined ? { kind: 'ready' } : { kind: 'ready', noCrashKernel: reason };
    }
    case 'facts':
      return { kind: 'facts', text: rest };
    case 'said': {
      const [, tool, said = ''] = /^([a-z][a-z0-9-]{0,31}) (.*)$/s.exec(rest) ?? [];
      return tool === undefined ? undefined : { kind: 'said', tool, text: said };
    }
    case 'dump-start':
      return { kind: 'dump-start', mode: rest };
    case 'dump-done':
      return /^\d+$/.test(rest) ? { kind: 'dump-done', bytes: Number(rest) } : { kind: 'dump-done' };
    case 'dump-failed': {
      const [, phase = '', reason = ''] = /^(\S*) ?(.*)$/s.exec(rest) ?? [];
      return { kind: 'dump-failed', phase, reason };
    }
    default:
      return undefined;
  }
}

/** The mode that the agent of a partition in service loads for at boot; another one is loaded for when a crash asks for it. */
export const BOOT_DUMP_MODE = 'raw';

/** The dump mode as the agent reads it: options with one space between. @throws FormatError `panic/bad-dump-mode`. */
export function dumpMode(dump: string): string {
  const words = dump.trim().split(/\s+/);
  const good = /^[\x20-\x7e]{1,200}$/.test(dump) && !/["'\\^$`;&|<>]/.test(dump);
  if (
    !good ||
    (words[0] !== 'raw' && !words[0]?.startsWith('-')) ||
    (words[0] === 'raw' && words.length > 1)
  ) {
    throw panicError('panic/bad-dump-mode', 'a dump is `raw` or options of makedumpfile', {
      expected: 'raw, or options such as -l -d 31',
      actual: JSON.stringify(dump.slice(0, 200)),
    });
  }
  return words.join(' ');
}
