/** docs/reliability.md is written in sections, each by its command. */

export const RELIABILITY_SECTIONS: readonly string[] = [
  'hostile',
  'kill',
  'power',
  'full',
  'broken',
  'flips',
  'soak',
];

export const RELIABILITY_HEAD = `# Reliability

Written by the commands that it names; do not edit. Every section says at which commit and on which machine it was measured.
[SECURITY.md](../SECURITY.md) says what is promised.`;
