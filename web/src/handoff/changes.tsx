/** Draws a table of the places in memory that changed, with the writer of each. */

import type { JSX } from 'preact';
import type { FidelityReport } from '../../../src/panic/trace/index.ts';
import { formatBytes } from '../model/format.ts';

type Written = Pick<FidelityReport['changedAfterT1'][number], 'raddr' | 'bytes' | 'writer'>;

/** A change and whose memory it is, or where that is. */
export type ListedChange = Written & { readonly place: string };

/** Of a long table so many rows are shown. */
export const ROWS = 100;

/** @param total how many there are, where not all are listed */
export function Changes({
  title,
  changes,
  total = changes.length,
  open = false,
}: {
  readonly title: string;
  readonly changes: readonly ListedChange[];
  readonly total?: number;
  readonly open?: boolean;
}): JSX.Element | null {
  if (changes.length === 0) return null;
  return (
    <details open={open}>
      <summary>
        {title} ({total})
      </summary>
      <div class="table-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">address</th>
              <th scope="col" class="num">
                bytes
              </th>
              <th scope="col">whose</th>
              <th scope="col">first writer</th>
            </tr>
          </thead>
          <tbody>
            {changes.slice(0, ROWS).map((change) => (
              <tr key={`${change.raddr} ${change.place}`}>
                <td class="mono">{change.raddr}</td>
                <td class="num">{formatBytes(change.bytes)}</td>
                <td>{change.place}</td>
                <td class="mono">{writerText(change)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {changes.length > ROWS ? <p class="faint">The first {ROWS}; the trace has all.</p> : null}
      </div>
    </details>
  );
}

export function writerText({ writer }: Pick<Written, 'writer'>): string {
  if (writer === undefined) return '';
  if (writer.by !== 'cpu') return writer.by;
  return `CPU ${writer.cpu} at ${writer.symbol ?? writer.nia}`;
}
