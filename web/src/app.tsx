/** Draws the frame of every page: head, state of the connection, theme. */

import type { JSX } from 'preact';
import { type Route, route } from './model/router.ts';
import { connection, version } from './model/state.ts';
import { nextTheme, theme } from './model/theme.ts';
import { CapturePage } from './pages/capture-page.tsx';
import { FleetPage } from './pages/fleet-page.tsx';
import { OperationPage } from './pages/operation-page.tsx';

const CONNECTION_TEXT = {
  connecting: 'connecting',
  live: 'live',
  lost: 'connection lost, trying again',
} as const;
const THEME_TEXT = { system: 'Auto', light: 'Light', dark: 'Dark' } as const;

export function App(): JSX.Element {
  const at = route.value;
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to content
      </button>
      <header class="top">
        <a class="brand" href="#/">
          <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
            <path
              d="M3 10h11M3 22h26"
              stroke="currentColor"
              stroke-width="2.6"
              stroke-linecap="round"
              opacity=".55"
            />
            <path d="M14 10l6 12" stroke="var(--danger)" stroke-width="2.6" stroke-linecap="round" />
            <circle cx="14" cy="10" r="3.6" fill="var(--danger)" />
          </svg>
          kdumpd
        </a>
        <span class="faint version">{version.value}</span>
        <span class="grow" />
        <span class={`live live-${connection.value}`} role="status">
          <span class="dot" aria-hidden="true" /> {CONNECTION_TEXT[connection.value]}
        </span>
        <a class="top-link" href="./docs/">
          API
        </a>
        <button
          type="button"
          class="tool wide"
          onClick={nextTheme}
          aria-label={`Theme: ${THEME_TEXT[theme.value]}. Change`}
        >
          {THEME_TEXT[theme.value]}
        </button>
      </header>
      <main id="main" tabIndex={-1}>
        <Content at={at} />
      </main>
    </>
  );
}

function Content({ at }: { readonly at: Route }): JSX.Element {
  switch (at.kind) {
    case 'capture':
      return <CapturePage key={at.id} id={at.id} />;
    case 'operation':
      return <OperationPage key={at.id} id={at.id} />;
    case 'fleet':
      return <FleetPage />;
  }
}
