/** Draws what a capture or an operation keeps beside its handoff: what the machine lacks, and the words of the guest's tools. */

import type { JSX } from 'preact';
import type { ToolWords, UnsupportedUse } from '../../../src/panic/contract/index.ts';
import { formatCount } from '../model/format.ts';

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
