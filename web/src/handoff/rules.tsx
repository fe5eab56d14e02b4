/** Draws the rules of the handoff: the verdict of each, its note, and the events that are its evidence. */

import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';
import type { RuleResult, Verdict } from '../../../src/panic/trace/index.ts';
import type { RuleText } from '../model/api.ts';
import { ruleTexts } from '../model/state.ts';

const VERDICTS: readonly { readonly verdict: Verdict; readonly text: string; readonly sign: string }[] = [
  { verdict: 'broken', text: 'broken', sign: '✕' },
  { verdict: 'held', text: 'held', sign: '✓' },
  { verdict: 'not-reached', text: 'not reached', sign: '…' },
  { verdict: 'not-applicable', text: 'not applicable', sign: '–' },
  { verdict: 'not-evaluated', text: 'not evaluated', sign: '○' },
];

export function VerdictChip({ verdict }: { readonly verdict: Verdict }): JSX.Element {
  const entry = VERDICTS.find((v) => v.verdict === verdict);
  return (
    <span class={`chip verdict-${verdict}`}>
      <span aria-hidden="true">{entry?.sign}</span> {entry?.text}
    </span>
  );
}

type RuleListProps = {
  readonly rules: readonly RuleResult[];
  readonly chosenRule: Signal<string | null>;
  readonly chosenEvent: Signal<number | null>;
};

/** By chapter, in the order of the service's list. Rules that were not evaluated are folded. */
export function RuleList({ rules, chosenRule, chosenEvent }: RuleListProps): JSX.Element {
  if (rules.length === 0)
    return <p class="faint">No rule was judged: the crash ended before its trace began.</p>;
  const texts = ruleTexts.value;
  const known = new Set(texts.map(({ name }) => name));
  return (
    <>
      <Broken rules={rules} chosenRule={chosenRule} />
      {[...chaptersOf(texts)].map(([chapter, names]) => (
        <RuleChapter
          key={chapter}
          title={titleOf(chapter)}
          rules={names.flatMap((name) => rules.find((rule) => rule.name === name) ?? [])}
          chosenRule={chosenRule}
          chosenEvent={chosenEvent}
        />
      ))}
      <RuleChapter
        title="Others"
        rules={rules.filter(({ name }) => !known.has(name))}
        chosenRule={chosenRule}
        chosenEvent={chosenEvent}
      />
    </>
  );
}

/** Names of rules by chapter; chapters in the order in which they first come. */
function chaptersOf(texts: readonly RuleText[]): ReadonlyMap<string, readonly string[]> {
  const chapters = new Map<string, string[]>();
  for (const { name, chapter } of texts) chapters.set(chapter, [...(chapters.get(chapter) ?? []), name]);
  return chapters;
}

function titleOf(chapter: string): string {
  return `${chapter.charAt(0).toUpperCase()}${chapter.slice(1)}`;
}

/** Lists the broken rules at the top; each is a link to its place in the list. */
function Broken({ rules, chosenRule }: Pick<RuleListProps, 'rules' | 'chosenRule'>): JSX.Element | null {
  const broken = rules.filter(({ verdict }) => verdict === 'broken');
  if (broken.length === 0) return null;
  return (
    <div class="notice notice-error broken-rules">
      <strong>Broken</strong>
      {broken.map(({ name }) => (
        <button
          key={name}
          type="button"
          class="mono"
          onClick={() => {
            chosenRule.value = name;
            // Once it is open: all of it is to be seen.
            requestAnimationFrame(() =>
              document.getElementById(anchorOf(name))?.scrollIntoView({ block: 'nearest' }),
            );
          }}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

const anchorOf = (rule: string): string => `rule-${rule}`;

function RuleChapter({
  title,
  rules,
  ...chosen
}: { readonly title: string } & RuleListProps): JSX.Element | null {
  if (rules.length === 0) return null;
  const judged = rules.filter((rule) => rule.verdict !== 'not-evaluated');
  const left = rules.filter((rule) => rule.verdict === 'not-evaluated');
  return (
    <section class="rule-chapter" aria-label={title}>
      <h3>
        {title}
        <span class="chapter-counts">
          {VERDICTS.slice(0, 4).map(({ verdict, text, sign }) => {
            const count = rules.filter((rule) => rule.verdict === verdict).length;
            return count === 0 ? null : (
              <span key={verdict} class={`chapter-count count-${verdict}`} title={`${count} ${text}`}>
                <span aria-hidden="true">{sign}</span> {count}
                <span class="hidden"> {text}</span>
              </span>
            );
          })}
        </span>
      </h3>
      <ul class="rules">
        {judged.map((rule) => (
          <RuleItem key={rule.name} rule={rule} {...chosen} />
        ))}
      </ul>
      {left.length === 0 ? null : (
        <details class="rules-left">
          <summary>{left.length} not evaluated</summary>
          <ul class="rules">
            {left.map((rule) => (
              <RuleItem key={rule.name} rule={rule} {...chosen} />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

/** Shows what a rule asks, and its source; nothing for a rule that the service no longer has. */
function RuleAsks({ name }: { readonly name: string }): JSX.Element | null {
  const text = ruleTexts.value.find((each) => each.name === name);
  if (text === undefined) return null;
  return (
    <>
      <p>{text.asks}</p>
      <p class="faint">Source: {text.source}</p>
    </>
  );
}

function RuleItem({
  rule,
  chosenRule,
  chosenEvent,
}: { readonly rule: RuleResult } & Omit<RuleListProps, 'rules'>): JSX.Element {
  const evidence = rule.evidence ?? [];
  const open = chosenRule.value === rule.name;
  return (
    <li id={anchorOf(rule.name)} class={open ? 'rule open' : 'rule'}>
      <button
        type="button"
        class="rule-head"
        aria-pressed={open}
        onClick={() => {
          chosenRule.value = open ? null : rule.name;
        }}
      >
        <span class="mono rule-name">{rule.name}</span>
        <VerdictChip verdict={rule.verdict} />
      </button>
      {rule.note === undefined ? null : <p class="rule-note">{rule.note}</p>}
      {open ? (
        <div class="rule-body">
          <RuleAsks name={rule.name} />
          {evidence.length === 0 ? (
            <p class="faint">No events are named as evidence.</p>
          ) : (
            <p class="evidence">
              Evidence:{' '}
              {evidence.slice(0, 24).map((n) => (
                <button
                  key={n}
                  type="button"
                  class="evidence-link"
                  onClick={() => {
                    chosenEvent.value = n;
                  }}
                >
                  {n}
                </button>
              ))}
              {evidence.length > 24 ? <span class="faint"> and {evidence.length - 24} more</span> : null}
            </p>
          )}
        </div>
      ) : null}
    </li>
  );
}
