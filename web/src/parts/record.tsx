/** Draws what a capture or an operation keeps beside its handoff: what the machine lacks, the words of the guest's tools, and how it was made. */

import type { JSX } from 'preact';
import type { Made as MadeRecord, ToolWords, UnsupportedUse } from '../../../src/panic/contract/index.ts';
import { formatBytes, formatCount } from '../model/format.ts';
import { Copyable, Fact } from './common.tsx';

/** What the guest used that the machine does not implement; nothing where there was nothing. */
export function Lacks({
  uses,
}: {
  readonly uses: readonly UnsupportedUse[] | undefined;
}): JSX.Element | null {
  if (uses === undefined || uses.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="lacks-title">
      <div class="panel-head">
        <h2 id="lacks-title">What the machine lacks</h2>
      </div>
      <p class="faint">The guest used this since power-on, and the machine does not implement it.</p>
      <div class="table-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">kind</th>
              <th scope="col">what</th>
              <th scope="col">first at</th>
              <th scope="col">times</th>
            </tr>
          </thead>
          <tbody>
            {uses.map(({ kind, key, where, detail, count }) => (
              <tr key={`${kind} ${key}`}>
                <td>{kind}</td>
                <td class="mono">
                  {key}
                  {detail === undefined ? null : <span class="faint"> {detail}</span>}
                </td>
                <td class="mono">{where ?? ''}</td>
                <td>{formatCount(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** What kexec-tools and makedumpfile printed; nothing where they were silent. */
export function Words({ words }: { readonly words: readonly ToolWords[] | undefined }): JSX.Element | null {
  if (words === undefined || words.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="words-title">
      <div class="panel-head">
        <h2 id="words-title">What the tools said</h2>
      </div>
      {words.map(({ tool, lines }, index) => (
        <div key={`${index} ${tool}`}>
          <h3 class="faint">{tool}</h3>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls must be reachable by keys */}
          <pre class="console-text" tabIndex={0}>
            {lines.join('\n')}
          </pre>
        </div>
      ))}
    </section>
  );
}

/** How it came to be, and the line that repeats it; nothing for records of earlier releases. */
export function Made({
  made,
  kind,
  id,
}: {
  readonly made: MadeRecord | undefined;
  /** What it is the record of, and its id. */
  readonly kind: 'captures' | 'operations';
  readonly id: string;
}): JSX.Element | null {
  if (made === undefined) return null;
  const { version, machine, image, append, nextAppend, asked, input = [], line, noLine } = made;
  return (
    <section class="panel" aria-labelledby="made-title">
      <div class="panel-head">
        <h2 id="made-title">How it was made</h2>
      </div>
      {line === undefined ? null : (
        <>
          <Copyable text={line.replace(/FILE$/, `${id}.json`)} label="line" />
          <p class="faint">
            Run where the daemon was started, this makes the same {kind === 'captures' ? 'vmcore and ' : ''}
            trace
            {input.length === 0 ? '' : `; ${id}.json is what GET /api/v1/${kind}/${id} answers`}.
          </p>
        </>
      )}
      {noLine === undefined ? null : (
        <p class="faint">It cannot be repeated without the daemon: {noLine.join('; ')}.</p>
      )}
      <dl class="facts">
        <Fact name="kdumpd">{version}</Fact>
        {asked === undefined ? null : <Fact name="asked for">{pairs(asked)}</Fact>}
        <Fact name="machine">{pairs(machine)}</Fact>
        {input.length === 0 ? null : (
          <Fact name="typed">
            <span class="mono">{JSON.stringify(input.map(({ text }) => text).join(''))}</span>
          </Fact>
        )}
        {image.files.map(({ role, bytes, sha256 }) => (
          <Fact key={role} name={role}>
            <span class="mono" title={sha256}>
              {sha256.slice(0, 16)}
            </span>
            , {formatBytes(bytes)}
          </Fact>
        ))}
        {image.packages.length === 0 ? null : (
          <Fact name="packages">{image.packages.map((one) => `${one.name} ${one.version}`).join(', ')}</Fact>
        )}
        <Fact name="command line">
          <span class="mono">{append}</span>
        </Fact>
        {nextAppend === undefined ? null : (
          <Fact name="of the next kernel">
            <span class="mono">{nextAppend}</span>
          </Fact>
        )}
      </dl>
    </section>
  );
}

function pairs(values: object): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(', ');
}
