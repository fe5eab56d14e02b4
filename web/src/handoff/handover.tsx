/** Draws the comparison of an ordinary kexec's image with what was loaded: at T1, and at T2, after purgatory has patched it. */

import type { JSX } from 'preact';
import type { Trace } from '../../../src/panic/trace/index.ts';
import { formatExact } from '../model/format.ts';
import { Changes } from './changes.tsx';

type Report = NonNullable<Trace['handover']>;

export function Handover({ report }: { readonly report: Report }): JSX.Element {
  const { segments, notAsLoaded, changed = [], changedPlaces = changed.length } = report;
  return (
    <section class="panel fidelity" aria-labelledby="handover-title">
      <div class="panel-head">
        <h2 id="handover-title">Image</h2>
        <span class="faint">each segment against what was loaded; pages of 4 KiB</span>
      </div>
      <div class="table-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">segment</th>
              <th scope="col">address</th>
              <th scope="col" class="num">
                pages
              </th>
              <th scope="col" class="num">
                as loaded at T1
              </th>
              <th scope="col" class="num">
                as loaded at T2
              </th>
            </tr>
          </thead>
          <tbody>
            {segments.map(({ role, mem, pages, asLoadedAtT1, asLoadedAtT2 }) => (
              <tr key={mem}>
                <td>{role}</td>
                <td class="mono">{mem}</td>
                <td class="num">{formatExact(pages)}</td>
                <td class="num">{formatExact(asLoadedAtT1)}</td>
                <td class="num">{asLoadedAtT2 === undefined ? '–' : formatExact(asLoadedAtT2)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {notAsLoaded.length === 0 ? null : (
        <p class="notice notice-warn">
          Not as loaded at T1: {notAsLoaded.map(({ raddr, role }) => `${raddr} (${role})`).join(', ')}
        </p>
      )}
      <Changes title="Changed from T1 to T2" changes={changed} total={changedPlaces} />
    </section>
  );
}
