/** Makes the terminal. It is loaded only when a console is shown, because it is most of the page's code. */

import '@xterm/xterm/css/xterm.css';
import { Terminal as XTerm } from '@xterm/xterm';

export interface Terminal {
  write(bytes: Uint8Array): void;
  /** Replaces all earlier output by these bytes. */
  restart(bytes: Uint8Array): void;
  /** Prints a line that says that a new power cycle begins; older output stays above it. */
  newLife(bytes: Uint8Array): void;
  restyle(): void;
  close(): void;
}

const FONT = 'ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace';
const FONT_SIZE = 12.5;
const ROWS = 24;

/** Opens a terminal in an element; `onInput` gets what is typed. */
export function openTerminal(host: HTMLElement, onInput: (text: string) => void): Terminal {
  const term = new XTerm({
    rows: ROWS,
    cols: columnsFor(host),
    fontFamily: FONT,
    fontSize: FONT_SIZE,
    lineHeight: 1.15,
    scrollback: 20_000,
    cursorBlink: false,
    screenReaderMode: true,
    theme: themeOf(host),
  });
  term.open(host);
  term.onData(onInput);
  const observer = new ResizeObserver(() => {
    const columns = columnsFor(host);
    if (columns !== term.cols) term.resize(columns, ROWS);
  });
  observer.observe(host);
  return {
    write: (bytes) => term.write(bytes),
    restart: (bytes) => {
      term.reset();
      term.write(bytes);
    },
    newLife: (bytes) => {
      term.write(`\u001b[0m\r\n\u001b[2m${'─'.repeat(Math.min(60, term.cols))}\r\n\u001b[0m`);
      term.write(bytes);
    },
    restyle: () => {
      term.options.theme = themeOf(host);
    },
    close: () => {
      observer.disconnect();
      term.dispose();
    },
  };
}

/** As many columns as fit, by the width of a character of the terminal's own font. */
function columnsFor(host: HTMLElement): number {
  const context = document.createElement('canvas').getContext('2d');
  if (context === null) return 80;
  context.font = `${FONT_SIZE}px ${FONT}`;
  const character = context.measureText('W'.repeat(50)).width / 50;
  const room = host.clientWidth - 34;
  return Math.max(40, Math.min(200, Math.floor(room / character)));
}

/** The page's colours: the console stays dark in both themes, as consoles are. */
function themeOf(host: HTMLElement): {
  background: string;
  foreground: string;
  cursor: string;
  selectionBackground: string;
} {
  const style = getComputedStyle(host);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  return {
    background: colour('--console-back'),
    foreground: colour('--console-text'),
    cursor: colour('--console-cursor'),
    selectionBackground: colour('--console-selection'),
  };
}
