/** The dashboard: starts following the service and draws the page that the address names. */

import { render } from 'preact';
import { App } from './parts/app.tsx';
import { follow } from './state.ts';
import './style/base.css';
import './style/page.css';
import './style/handoff.css';

const root = document.getElementById('root');
if (root !== null) {
  follow();
  render(<App />, root);
}
