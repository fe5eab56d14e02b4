/** Draws the page on which a key is exchanged for a session. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { logIn } from '../model/session.ts';
import { messageOf } from '../model/state.ts';

export function LoginPage(): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const error = useSignal('');
  const sending = useSignal(false);
  useEffect(() => input.current?.focus(), []);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    sending.value = true;
    error.value = '';
    try {
      await logIn(input.current?.value.trim() ?? '');
    } catch (e) {
      error.value = messageOf(e);
      input.current?.select();
    } finally {
      sending.value = false;
    }
  };

  return (
    <section class="panel login" aria-labelledby="login-title">
      <h1 id="login-title">Log in</h1>
      <p class="faint">This daemon needs a key.</p>
      <form class="dialog-form" onSubmit={(event) => void submit(event)}>
        <label class="field">
          <span>Key</span>
          <input
            ref={input}
            name="key"
            type="password"
            class="mono"
            required
            maxLength={128}
            placeholder="kd_…"
            autoComplete="current-password"
            spellcheck={false}
            aria-describedby="login-help"
          />
        </label>
        {error.value === '' ? null : (
          <p class="notice notice-error" role="alert">
            {error.value}
          </p>
        )}
        <button type="submit" class="primary" disabled={sending.value}>
          Log in
        </button>
      </form>
      <p id="login-help" class="faint">
        Whoever runs the daemon makes keys: <code>kdumpd key create NAME --scopes view,panic</code>
      </p>
    </section>
  );
}
