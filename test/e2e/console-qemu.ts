/**
 * What two machines print for the same boot, panic and capture, as sets of lines: times, addresses and sizes that follow from
 * where things happen to lie are normalised, what is left is compared line by line and phase by phase.
 * docs/console-differences.md explains every difference; {@link parseExplained} reads them from there.
 */

export type Side = 'qemu' | 'ours';
export type Phase = 'production' | 'crash';

/** One line that only one of the two machines prints in a phase. */
export type Difference = { readonly side: Side; readonly phase: Phase; readonly line: string };

/** A difference that the document explains. `sometimes`: it depends on timing. */
export type Explained = Difference & { readonly sometimes: boolean };

type Rule = readonly [pattern: RegExp, replacement: string];

/** In order. Feature words (cpu_features and the like) are left alone: they are what is to be compared. */
const RULES: readonly Rule[] = [
  // Where things lie: frames of a backtrace, registers of user space, mappings, reservations.
  [/^\[[0-9a-f]{16}\] \[[0-9a-f]{16}\] /, '[<address>] [<address>] '],
  [/^(GPR\d\d:).*/, '$1 <registers>'],
  [/^REGS: [0-9a-f]{16} /, 'REGS: <address> '],
  [/\b(PID|pid):? \d+\b/g, '$1 <number>'],
  [/\bat 0xc[0-9a-f]{15}:0xc[0-9a-f]{15}/, 'at <range>'],
  [/\[mem 0x[0-9a-f]+-0x[0-9a-f]+\]/g, '[mem <range>]'],
  [/(mapped|Mapped) 0x[0-9a-f]{16}-0x[0-9a-f]{16}/g, '$1 <range>'],
  [/^(phys_mem_size|physical_start) +=.*/, '$1 = <size>'],
  [/\bof memory at \d+MB\b/, 'of memory at <address>'],
  [/\belfcorehdr=\d+K\b/, 'elfcorehdr=<address>'],
  // What follows from the size of memory, or from what has been used when it is printed.
  [
    /^Memory: \d+K\/\d+K available (\(.*?), \d+K reserved/,
    'Memory: <size>K/<size>K available $1, <size>K reserved',
  ],
  [/\bTotal pages: \d+/, 'Total pages: <count>'],
  [
    /\bhash table entries: \d+ \(order: \d+, \d+ bytes/,
    'hash table entries: <count> (order: <order>, <size> bytes',
  ],
  [/\bhas \d+ bytes\b/, 'has <size> bytes'],
  [/^Freeing initrd memory: \d+K/, 'Freeing initrd memory: <size>K'],
  // How long something took, and the time of day.
  [/\b\d+ ?(ms|msecs|us|usecs|ns)\b/g, '<time> $1'],
  [/\baudit\(\d+\.\d+:(\d+)\)/, 'audit(<time>:$1)'],
  [/\bto \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d UTC \(\d+\)/, 'to <time>'],
];

/** The lines of each phase, normalised: the crash phase begins after purgatory's last word. */
export function phases(console: readonly string[]): ReadonlyMap<Phase, ReadonlySet<string>> {
  const purgatory = console.findIndex((line) => line.startsWith("I'm in purgatory"));
  if (purgatory < 0) throw new Error('the console shows no purgatory');
  return new Map([
    ['production', lines(console.slice(0, purgatory + 1))],
    ['crash', lines(console.slice(purgatory + 1))],
  ]);
}

function lines(console: readonly string[]): Set<string> {
  const out = new Set<string>();
  for (const raw of console) {
    // A printk in the middle of another writer's line begins with its own time.
    for (const piece of raw.split(/\[ *\d+\.\d{6}\] /)) {
      const line = RULES.reduce(
        (text, [pattern, replacement]) => text.replace(pattern, replacement),
        piece,
      ).trim();
      if (line !== '') out.add(line);
    }
  }
  return out;
}

/** What only one of two consoles has, in order of phase, side and line. */
export function compareConsoles(qemu: readonly string[], ours: readonly string[]): Difference[] {
  const theirs = phases(qemu);
  const mine = phases(ours);
  const only = (side: Side, phase: Phase): Difference[] => {
    const [here, there] = side === 'qemu' ? [theirs, mine] : [mine, theirs];
    return [...(here.get(phase) ?? [])]
      .filter((line) => there.get(phase)?.has(line) !== true)
      .map((line) => ({ side, phase, line }));
  };
  return [
    ...only('qemu', 'production'),
    ...only('ours', 'production'),
    ...only('qemu', 'crash'),
    ...only('ours', 'crash'),
  ];
}

/**
 * The differences that a document explains: every line of its fenced blocks whose info string names the side and the phases,
 * such as `qemu production crash`; `sometimes` besides for what a run need not show.
 */
export function parseExplained(markdown: string): Explained[] {
  const out: Explained[] = [];
  for (const [, info = '', body = ''] of markdown.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)) {
    const words = info.trim().split(' ');
    const side = words[0];
    if (side !== 'qemu' && side !== 'ours') continue;
    for (const phase of ['production', 'crash'] as const) {
      if (!words.includes(phase)) continue;
      const block = body.split('\n').filter((line) => line !== '');
      out.push(
        ...block.map((line) => ({ side, phase, line, sometimes: words.includes('sometimes') }) as const),
      );
    }
  }
  return out;
}

/** What nothing explains, and what is explained but does not occur; both empty when the document is right. */
export function judge(
  found: readonly Difference[],
  explained: readonly Explained[],
): { readonly unexplained: readonly string[]; readonly missing: readonly string[] } {
  const key = ({ side, phase, line }: Difference): string => `${side} ${phase}: ${line}`;
  const known = new Set(explained.map(key));
  const seen = new Set(found.map(key));
  return {
    unexplained: found.map(key).filter((each) => !known.has(each)),
    missing: explained.filter((each) => !each.sometimes && !seen.has(key(each))).map(key),
  };
}
