/** Starts the dashboard: follows the service and draws the page that the address names. */

import { render } from 'preact';
import { App } from './app.tsx';
import { follow } from './model/state.ts';
import './style/theme.css';
import './style/base.css';
import './style/controls.css';
import './style/frame.css';
import './style/fleet.css';
import './style/capture.css';
import './style/handoff.css';
import './style/events.css';
import './style/rules.css';

const root = document.getElementById('root');
if (root !== null) {
  follow();
  render(<App />, root);
}
