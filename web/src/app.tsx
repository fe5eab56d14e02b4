/** Draws the frame of every page: head, state of the connection, theme. */

import type { JSX } from 'preact';
import { loginState } from './model/api.ts';
import { type Route, route } from './model/router.ts';
import { logOut, session } from './model/session.ts';
import { connection, messageOf, version } from './model/state.ts';
import { nextTheme, theme } from './model/theme.ts';
import { CapturePage } from './pages/capture-page.tsx';
import { FleetPage } from './pages/fleet-page.tsx';
import { LoginPage } from './pages/login-page.tsx';
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
        {loginState.value === 'needed' ? null : (
          <span class={`live live-${connection.value}`} role="status">
            <span class="dot" aria-hidden="true" /> {CONNECTION_TEXT[connection.value]}
          </span>
        )}
        <Who />
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
        {loginState.value === 'needed' ? <LoginPage /> : <Content at={at} />}
      </main>
    </>
  );
}

/** Who is logged in, with what the key allows; nothing where no key is needed. */
function Who(): JSX.Element | null {
  const view = session.value;
  if (view === null || view.actor.kind !== 'key') return null;
  const leave = (): void => {
    logOut().catch(messageOf);
  };
  return (
    <>
      <span class="who" title={`The key ${view.actor.name} may ${view.scopes.join(', ')}`}>
        <span class="hidden">Logged in with the key </span>
        {view.actor.name}
      </span>
      {view.session === true ? (
        <button type="button" class="tool wide" onClick={leave}>
          Log out
        </button>
      ) : null}
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
