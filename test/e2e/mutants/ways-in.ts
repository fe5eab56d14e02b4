/** Mutants of the two ways in: who leaves the old kernel, and what is shut down before. */

import type { Mutant } from '../mutants.ts';

export const WAYS_IN: readonly Mutant[] = [
  {
    name: 'the CPU that panicked has another one do it',
    way: { fault: 'other-master:0' },
    broken: { 'path-panic': /^CPU 1 panicked, but CPU 0 \(hardware id 0\) entered the image$/ },
  },
  {
    name: 'an ordinary kexec without device shutdown',
    way: { path: 'kexec', fault: 'no-device-shutdown' },
    broken: { 'path-reboot': /^device_shutdown did not run$/ },
  },
  {
    name: 'a panic with machine shutdown',
    way: { fault: 'shutdown-on-panic' },
    broken: { 'panic-skips-shutdown': /^executed: machine_shutdown on CPU 1$/ },
  },
  {
    name: 'a restart without machine shutdown',
    way: { path: 'restart', fault: 'no-machine-shutdown' },
    broken: { 'restart-shares-shutdown': /^CPU 0 restarted without machine_shutdown$/ },
  },
  {
    name: 'a load without its hook',
    way: { fault: 'no-prepare' },
    broken: {
      'hooks-paired': /^the load of a crash image .* was accepted, but machine_kexec_prepare did not run$/,
    },
  },
  {
    name: 'an image dropped without its hook',
    way: { fault: 'no-cleanup', loadedDump: '-l -d 31' },
    broken: { 'hooks-paired': /dropped the image before it, but machine_kexec_cleanup did not run$/ },
  },
];
