/**
 * Makes text that a guest or a file may have had a part in safe for a terminal: one line, without control characters, which would
 * move the cursor or change the title, and without marks that turn the direction of writing (Unicode Standard Annex #9, §2).
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** `text` with each of those characters as `\xNN` or `\u{N}`. */
export function oneLine(text: string): string {
  return text.replace(UNSEEN, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u{${code}}`;
  });
}
