/** Shows the live console of a partition: follows the stream, sends what is typed by POST, and reconnects. */

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { api, consoleStreamUrl, type PartitionView } from '../model/api.ts';
import { lacking } from '../model/session.ts';
import { messageOf } from '../model/state.ts';
import { theme } from '../model/theme.ts';
import type { Terminal } from './terminal.ts';

export function ConsolePanel({ partition }: { readonly partition: PartitionView }): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const terminal = useRef<Terminal | null>(null);
  const status = useSignal<'loading' | 'live' | 'lost'>('loading');
  const error = useSignal('');
  const refused = lacking('panic');

  useEffect(() => {
    let gone = false;
    let source: EventSource | null = null;
    // Input is sent in order, one request at a time; what is typed meanwhile goes into the next request.
    let waiting = '';
    let sending = false;
    const send = async (text: string): Promise<void> => {
      waiting += text;
      if (sending) return;
      sending = true;
      try {
        while (waiting !== '') {
          const now = waiting;
          waiting = '';
          await api.type(partition.id, now);
          error.value = '';
        }
      } catch (e) {
        waiting = '';
        error.value = messageOf(e);
      } finally {
        sending = false;
      }
    };
    void import('./terminal.ts').then(({ openTerminal }) => {
      if (gone || host.current === null) return;
      const opened = openTerminal(host.current, (text) => {
        if (lacking('panic') === undefined) void send(text);
      });
      terminal.current = opened;
      source = new EventSource(consoleStreamUrl(partition.id));
      source.addEventListener('snapshot', (message: MessageEvent<string>) => {
        status.value = 'live';
        opened.restart(decode(message.data));
      });
      source.addEventListener('output', (message: MessageEvent<string>) =>
        opened.write(decode(message.data)),
      );
      source.addEventListener('life', (message: MessageEvent<string>) =>
        opened.newLife(decode(message.data)),
      );
      source.addEventListener('error', () => {
        status.value = 'lost';
      });
    });
    return () => {
      gone = true;
      source?.close();
      terminal.current?.close();
      terminal.current = null;
    };
  }, [partition.id]);

  useEffect(() => theme.subscribe(() => terminal.current?.restyle()), []);

  return (
    <div class="console">
      <div class="console-head">
        <span>Console</span>
        <span class="faint">
          {status.value === 'loading'
            ? 'connecting'
            : status.value === 'lost'
              ? 'connection lost, trying again'
              : refused === undefined
                ? 'live; click to type'
                : `live, read-only. ${refused}`}
        </span>
        {error.value === '' ? null : (
          <span class="inline-error" role="alert">
            {error.value}
          </span>
        )}
      </div>
      <div class="console-screen" ref={host} />
    </div>
  );
}

function decode(data: string): Uint8Array {
  const { base64 } = JSON.parse(data) as { base64: string };
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
