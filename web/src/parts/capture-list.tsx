/** Lists the captures, newest first. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { type Capture, vmcoreUrl } from '../model/api.ts';
import { formatAge, formatBytes } from '../model/format.ts';
import { captureLink } from '../model/router.ts';
import { lacking } from '../model/session.ts';
import {
  captures,
  messageOf,
  moreCaptures,
  nextCaptures,
  now,
  onlySignature,
  partitionName,
  refreshCaptures,
} from '../model/state.ts';
import { Loaded, OutcomeChip, RuleCounts } from './common.tsx';

export function CaptureList(): JSX.Element {
  const error = useSignal('');
  const more = async (): Promise<void> => {
    try {
      await moreCaptures();
    } catch (e) {
      error.value = messageOf(e);
    }
  };
  return (
    <section class="panel captures" aria-labelledby="captures-title">
      <div class="panel-head">
        <h2 id="captures-title">Captures</h2>
        {onlySignature.value === undefined ? null : (
          <button type="button" onClick={() => showOnly(undefined)}>
            Only {onlySignature.value}: show all
          </button>
        )}
      </div>
      <Loaded load={captures.value} retry={() => void refreshCaptures()}>
        {(all) =>
          all.length === 0 ? (
            <p class="empty faint">No crash yet. Press Panic on a ready partition.</p>
          ) : (
            <div class="table-scroll">
              <table class="captures-table">
                <thead>
                  <tr>
                    <th scope="col">Capture</th>
                    <th scope="col">Partition</th>
                    <th scope="col">Outcome</th>
                    <th scope="col">Crash</th>
                    <th scope="col">Phase</th>
                    <th scope="col">Rules</th>
                    <th scope="col" class="num">
                      Size
                    </th>
                    <th scope="col">When</th>
                    <th scope="col">
                      <span class="hidden">Download</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {all.map((capture) => (
                    <Row key={capture.id} capture={capture} />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
      {nextCaptures.value === undefined ? null : (
        <button type="button" class="more" onClick={() => void more()}>
          Older captures
        </button>
      )}
      {error.value === '' ? null : (
        <p class="notice notice-error" role="alert">
          {error.value}
        </p>
      )}
    </section>
  );
}

function showOnly(signature: string | undefined): void {
  onlySignature.value = signature;
  void refreshCaptures();
}

/** Shows the crash's cause; its signature is a link to other captures of the same crash. */
function Crash({ capture: { cause, signature } }: { readonly capture: Capture }): JSX.Element | null {
  if (signature === undefined) return <span class="faint">–</span>;
  return (
    <>
      {cause === undefined ? null : <div title={cause.backtrace.join('\n')}>{cause.reason}</div>}
      <button
        type="button"
        class="signature mono"
        aria-label={`Only captures of the crash ${signature}`}
        onClick={() => showOnly(signature)}
      >
        {signature}
      </button>
    </>
  );
}

function Row({ capture }: { readonly capture: Capture }): JSX.Element {
  const refused = lacking('download');
  return (
    <tr>
      <td>
        <a href={captureLink(capture.id)} class="mono">
          {capture.id}
        </a>
      </td>
      <td>{partitionName(capture.partitionId)}</td>
      <td>
        <OutcomeChip capture={capture} />
      </td>
      <td class="crash-cell">
        <Crash capture={capture} />
      </td>
      <td>
        {capture.phase.replace('-', ' ')}
        {capture.reason === undefined ? null : <div class="faint reason">{capture.reason}</div>}
      </td>
      <td>
        <RuleCounts rules={capture.rules} />
      </td>
      <td class="num nowrap">{capture.vmcore === null ? '–' : formatBytes(capture.vmcore.bytes)}</td>
      <td class="nowrap">
        <time dateTime={capture.createdAt} title={capture.createdAt}>
          {formatAge(capture.createdAt, now.value)}
        </time>
      </td>
      <td class="num">
        {capture.vmcore === null ? null : refused !== undefined ? (
          <span class="faint nowrap" title={refused}>
            vmcore<span class="hidden">: {refused}</span>
          </span>
        ) : (
          <a
            class="download"
            href={vmcoreUrl(capture.id)}
            download
            aria-label={`Download the vmcore of ${capture.id}`}
          >
            vmcore ↓
          </a>
        )}
      </td>
    </tr>
  );
}
