/** Draws the comparison of the dump with the machine: pages, registers, and what was written after T1. */

import type { JSX } from 'preact';
import type { FidelityReport } from '../../../src/panic/trace/index.ts';
import { formatExact } from '../model/format.ts';
import { Fact } from '../parts/common.tsx';
import { Changes, type ListedChange, ROWS, writerText } from './changes.tsx';

type Change = FidelityReport['changedAfterT1'][number];

export function Fidelity({ report }: { readonly report: FidelityReport }): JSX.Element {
  const { pages, registers = [], changedPagesAfterT1, problems } = report;
  const filtered = Object.entries(pages?.filtered ?? {}).filter(([, count]) => count > 0);
  const after = Object.entries(changedPagesAfterT1).filter(([, count]) => count > 0);
  const saved = registers.filter(({ source }) => source !== 'missing');
  const unsaved = registers.filter(({ source }) => source === 'missing').map(({ cpu }) => cpu);
  return (
    <section class="panel fidelity" aria-labelledby="fidelity-title">
      <div class="panel-head">
        <h2 id="fidelity-title">Fidelity</h2>
        <span class="faint">the dump against what the machine held; pages of 4 KiB</span>
      </div>
      {problems.map((problem) => (
        <p key={problem} class="notice notice-warn">
          {problem}
        </p>
      ))}
      <dl class="facts">
        {pages === undefined ? (
          <Fact name="pages">there is no dump to compare</Fact>
        ) : (
          <>
            <Fact name="pages of RAM">{formatExact(pages.total)}</Fact>
            <Fact name="as at T1">{formatExact(pages.equal)}</Fact>
            <Fact name="from the backup">{formatExact(pages.fromBackup)}</Fact>
            <Fact name="reservation">{formatExact(pages.reservation)}</Fact>
            <Fact name="differing">{formatExact(pages.differingPages)}</Fact>
            <Fact name="missing">{formatExact(pages.missing)}</Fact>
            {filtered.map(([kind, count]) => (
              <Fact key={kind} name={`left out: ${kind}`}>
                {formatExact(count)}
              </Fact>
            ))}
            {pages.live === undefined ? null : (
              <Fact name="left out, but in use">
                {formatExact(pages.live.pages)}
                {pages.live.symbols.length === 0 ? '' : `, with ${pages.live.symbols.slice(0, 4).join(', ')}`}
              </Fact>
            )}
            {Object.entries(pages.kept ?? {}).map(([kind, count]) => (
              <Fact key={kind} name={`kept against level ${pages.level}: ${kind}`}>
                {formatExact(count)}
              </Fact>
            ))}
            {pages.unowned === undefined ? null : (
              <Fact name="never the kernel’s">{formatExact(pages.unowned)}</Fact>
            )}
          </>
        )}
        <Fact name="changed T0 → T1">{formatExact(report.changedPagesBeforeT1)}</Fact>
        {after.map(([owner, count]) => (
          <Fact key={owner} name={`changed after T1: ${owner}`}>
            {formatExact(count)}
          </Fact>
        ))}
        {registers.length === 0 ? null : (
          <Fact name="registers">
            {saved.length} of {registers.length} CPUs
            {unsaved.length === 0 ? '' : `; none of CPU ${unsaved.join(', ')}`}
            {registers.some(({ differing }) => differing.length > 0) ? ', some differ' : ''}
          </Fact>
        )}
      </dl>
      <Changes title="Pages of the dump that differ" changes={(pages?.differing ?? []).map(ofOwner)} open />
      <Changes
        title="Written after T1"
        changes={report.changedAfterT1.map(ofOwner)}
        open={report.changedAfterT1.some(({ owner }) => owner === 'unexplained')}
      />
      <Strays strays={report.intoReservation ?? []} />
      <Changes title="Written by the crashed kernel, T0 → T1" changes={report.changedBeforeT1.map(ofOwner)} />
      {registers.some(({ differing }) => differing.length > 0) ? (
        <details open>
          <summary>Registers that differ</summary>
          <ul>
            {registers.flatMap(({ cpu, differing }) =>
              differing.map((text) => (
                <li key={`${cpu} ${text}`} class="mono">
                  CPU {cpu} {text}
                </li>
              )),
            )}
          </ul>
        </details>
      ) : null}
    </section>
  );
}

/** Pages of the reservation that were written by another writer than the crash image. */
function Strays({
  strays,
}: {
  readonly strays: NonNullable<FidelityReport['intoReservation']>;
}): JSX.Element | null {
  if (strays.length === 0) return null;
  return (
    <details open>
      <summary>Written into the reservation from outside of the image ({strays.length})</summary>
      <div class="table-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">page</th>
              <th scope="col">at the end</th>
              <th scope="col">writer</th>
            </tr>
          </thead>
          <tbody>
            {strays.slice(0, ROWS).map((stray) => (
              <tr key={stray.raddr}>
                <td class="mono">{stray.raddr}</td>
                <td>{stray.changed ? 'other bytes than at T1' : 'as at T1'}</td>
                <td class="mono">{writerText(stray)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function ofOwner({ owner, ...change }: Change): ListedChange {
  return { ...change, place: owner };
}
