/** The instants of a crash that the lines of a guest's two terminals show. `init` is the kernel's word that it starts /init. */

export const MARKS = ['start-kernel', 'init', 'ready', 't0', 't1', 't2', 'crash-init', 't3', 't4'] as const;
export type Mark = (typeof MARKS)[number];

/** The marks that a console line is. @param has whether a mark has come before */
export function marksOfConsole(line: string, has: (mark: Mark) => boolean): readonly Mark[] {
  const marks: Mark[] = [];
  // The first line after purgatory's is the crash kernel's first.
  if (has('t1') && line.startsWith('[')) marks.push('t2');
  if (/\] Linux version /.test(line)) marks.push('start-kernel');
  if (/\] Run \/init as init process/.test(line)) marks.push(has('t0') ? 'crash-init' : 'init');
  if (/sysrq: Trigger a crash/.test(line)) marks.push('t0');
  if (line.startsWith("I'm in purgatory")) marks.push('t1');
  return marks;
}

/** The mark that a line of the agent's is. */
export function markOfAgent(line: string): Mark | undefined {
  if (line === 'kdumpd-agent ready') return 'ready';
  if (line.startsWith('kdumpd-agent dump-start')) return 't3';
  if (line.startsWith('kdumpd-agent dump-done')) return 't4';
  return undefined;
}

/** Splits a byte stream into lines; carriage returns go, other bytes are taken as Latin-1. */
export class LineBuffer {
  #rest = '';

  add(bytes: Uint8Array): string[] {
    return this.addText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1'));
  }

  addText(text: string): string[] {
    this.#rest += text;
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.map((line) => line.replaceAll('\r', ''));
  }
}
