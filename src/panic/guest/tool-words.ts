/** Keeps what the programs of a guest that load and dump printed, as its agent passes it on: the last lines of a power cycle. */

import type { ToolWords } from '../contract/index.ts';

/** A guest may print without end. */
const MOST_LINES = 128;
const MOST_CHARACTERS = 400;

type Line = { readonly tool: string; readonly text: string };

export class SaidByTools {
  readonly #lines: Line[] = [];

  add({ tool, text }: Line): void {
    this.#lines.push({ tool, text: text.slice(0, MOST_CHARACTERS) });
    if (this.#lines.length > MOST_LINES) this.#lines.shift();
  }

  /** In order; lines of one program that follow each other are together. */
  get words(): readonly ToolWords[] {
    const words: { readonly tool: string; readonly lines: string[] }[] = [];
    for (const { tool, text } of this.#lines) {
      const last = words.at(-1);
      if (last?.tool === tool) last.lines.push(text);
      else words.push({ tool, lines: [text] });
    }
    return words;
  }
}
