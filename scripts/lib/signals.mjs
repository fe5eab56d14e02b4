/** Signals between a process and the one that it waits for. Runs on old Node versions too. */

import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const RELAYED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

/** Two of the same signal of these within this time are one. */
const REPEATED = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const REPEATED_MS = 300;

/**
 * Runs a program and passes on to it what signals arrive here meanwhile.
 * Resolves with its exit code, or the signal that ended it, and `received`, the last signal that was passed on.
 * `onOutput` gets what it writes where `options.stdio` has pipes; `killedBy` is sent to it instead of any signal.
 */
export function runWithSignals(command, args, { onOutput, killedBy, ...options }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, options);
    let received;
    const relays = RELAYED.map((name) => [
      name,
      () => {
        received = name;
        child.kill(killedBy ?? name);
      },
    ]);
    for (const [name, relay] of relays) process.on(name, relay);
    for (const stream of [child.stdout, child.stderr]) if (stream) stream.on('data', onOutput);
    const settle = (done) => {
      for (const [name, relay] of relays) process.off(name, relay);
      done();
    };
    child.on('error', (error) => settle(() => reject(error)));
    child.on('close', (code, signal) => settle(() => resolve({ code, signal, received })));
  });
}

/** Ends this process as another one ended: by the same signal, or with the same exit code. Never resolves. */
export function endLike({ code, signal }) {
  if (!signal) process.exit(code);
  for (const name of RELAYED) process.removeAllListeners(name);
  process.kill(process.pid, signal);
  // A signal that does not end Node (SIGUSR1 starts its debugger) still ends what started us.
  return new Promise(() => setTimeout(() => process.exit(128 + constants.signals[signal]), 1000));
}

/**
 * Makes several of the same signal in short order one. A terminal sends Ctrl-C to npm, to the process that waits for us
 * and to us, a service manager its SIGTERM likewise, and the first two pass theirs on: one key press would be several
 * signals, and the second one makes the daemon give up its graceful close.
 * A listener of our own stays: in the moment when a handler takes itself away, another signal would end the process.
 */
export function dropRepeatedSignals() {
  const last = new Map();
  const emit = process.emit;
  process.emit = function emitUnlessRepeated(event, ...rest) {
    if (REPEATED.includes(event)) {
      const now = performance.now();
      const before = last.get(event);
      last.set(event, now);
      if (before !== undefined && now - before < REPEATED_MS) return true;
    }
    return emit.call(process, event, ...rest);
  };
  for (const name of REPEATED) {
    process.on(name, () => {
      // Where nothing else handles it, it does what it does without us.
      if (process.listenerCount(name) === 1) endLike({ signal: name });
    });
  }
}
