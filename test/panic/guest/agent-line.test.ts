import { describe, expect, it } from 'vitest';
import { FormatError } from '../../../src/base/errors.ts';
import { dumpMode, parseAgentLine } from '../../../src/panic/guest/agent-line.ts';

describe('parseAgentLine', () => {
  it('a carriage return inside of a line is text: no pattern fails at it and is tried at every length', () => {
    expect(parseAgentLine('ok load a\rb\r')).toEqual({
      kind: 'answer',
      ok: true,
      command: 'load',
      text: 'a\rb',
    });
    expect(parseAgentLine('kdumpd-agent dump-failed write a\rb')).toEqual({
      kind: 'dump-failed',
      phase: 'write',
      reason: 'a\rb',
    });
    expect(parseAgentLine('kdumpd-agent ready no-crash-kernel a\rb')).toEqual({
      kind: 'ready',
      noCrashKernel: 'a\rb',
    });
  });

  it('knows every line of the protocol', () => {
    expect(parseAgentLine('kdumpd-agent ready')).toEqual({ kind: 'ready' });
    expect(parseAgentLine('kdumpd-agent ready no-crash-kernel kexec ended with 255\r')).toEqual({
      kind: 'ready',
      noCrashKernel: 'kexec ended with 255',
    });
    expect(parseAgentLine('ok load -l -d 31')).toEqual({
      kind: 'answer',
      ok: true,
      command: 'load',
      text: '-l -d 31',
    });
    expect(parseAgentLine('error panic no CPU 9 is online')).toEqual({
      kind: 'answer',
      ok: false,
      command: 'panic',
      text: 'no CPU 9 is online',
    });
    expect(parseAgentLine('kdumpd-agent said makedumpfile  a  b\r')).toEqual({
      kind: 'said',
      tool: 'makedumpfile',
      text: ' a  b',
    });
    expect(parseAgentLine('kdumpd-agent dump-start raw')).toEqual({ kind: 'dump-start', mode: 'raw' });
    expect(parseAgentLine('kdumpd-agent dump-done 805502976')).toEqual({
      kind: 'dump-done',
      bytes: 805502976,
    });
    expect(parseAgentLine('kdumpd-agent dump-done -')).toEqual({ kind: 'dump-done' });
    expect(parseAgentLine('kdumpd-agent dump-failed no-space disk full')).toEqual({
      kind: 'dump-failed',
      phase: 'no-space',
      reason: 'disk full',
    });
  });

  it('anything else is none', () => {
    for (const line of [
      '',
      'hello',
      'kdumpd-agent',
      'kdumpd-agent dance',
      'kdumpd-agent said ../x y',
      '[    0.1] ok then',
    ]) {
      expect(parseAgentLine(line)).toBeUndefined();
    }
  });
});

describe('dumpMode', () => {
  it('takes raw and options, one space apart', () => {
    expect(dumpMode(' raw ')).toBe('raw');
    expect(dumpMode('-l   -d 31')).toBe('-l -d 31');
  });

  it('refuses what is neither, or means something to a shell', () => {
    for (const bad of [
      '',
      'raw -l',
      'elf',
      '-l; reboot',
      '-l $(reboot)',
      '-d\n31',
      "-x 'a'",
      '-l | cat',
      '-l^-d',
    ]) {
      expect(() => dumpMode(bad)).toThrow(FormatError);
    }
  });
});
