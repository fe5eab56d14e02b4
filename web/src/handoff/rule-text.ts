/** The rules of the handoff by chapter, in the contract's order, and what each asks, in one line (docs/rules.md). */

export type Chapter = {
  readonly title: string;
  readonly rules: Readonly<Record<string, string>>;
};

export const CHAPTERS: readonly Chapter[] = [
  {
    title: 'The two ways in',
    rules: {
      'path-panic': 'Crash kexec runs on the CPU that panicked; all others are secondaries.',
      'path-reboot':
        'Ordinary kexec shuts devices down, then the machine, on the CPU that made the reboot call.',
      'panic-skips-shutdown': 'The panic path runs neither machine_shutdown nor device shutdown.',
      'restart-shares-shutdown': 'An ordinary restart runs the same machine_shutdown.',
      'hooks-paired': 'Prepare runs at load, cleanup when an image is unloaded unexecuted.',
    },
  },
  {
    title: 'Load time',
    rules: {
      'load-no-overlap': 'No segment lies over the running kernel or a table of the hypervisor.',
      'load-in-reservation': 'Every crash segment lies inside the reservation.',
      'load-anywhere': 'An ordinary image may go anywhere, above the real-mode area, too.',
      'payload-any': 'The image need not be a kernel.',
      'crash-elsewhere': 'The crash kernel runs where it was loaded.',
      'memory-64bit': 'Memory above 4 GiB reaches the second kernel and the dump whole.',
      'run-at-load-set':
        'The word at image offset 0x5c is 1 at the entry if and only if the load was for a crash.',
      'run-at-load-old-abi': 'An image with the abandoned flag at 0x18 is refused.',
      'flag-is-place-only': 'The flag decides where the kernel runs, and nothing else.',
      'entry-layout': 'Entry at 0, secondaries at 0x60, 0x20 left to the hypervisor.',
      'purgatory-patched': "Purgatory has the kernel's first 0x100 bytes and all that it needs to know.",
      'tree-carries-all': 'All that the next kernel needs travels in the flattened tree.',
      'claims-kept': 'The boot-time allocator keeps clear of what firmware and loader claimed.',
    },
  },
  {
    title: 'From T0 to T1',
    rules: {
      'stop-reached': 'Every online secondary is stopped and saves its registers once.',
      'interrupts-quiet': 'No CPU holds an unfinished interrupt at T1.',
      'cpu-down-order': 'The secondaries go down in order, the master last.',
      'thread-identity': 'Teardown per thread uses its hardware id, each thread once.',
      'secondaries-parked': 'Each secondary spins in real mode with its hardware id in r3.',
      'static-only': 'From the first copied page on, the master touches only static memory.',
      'copy-in-virtual': 'Pages are copied with translation on only where it must be.',
      'slaves-first-256': 'The first 0x100 bytes are at address 0 before any secondary is released.',
      'slaves-at-0x60': 'Secondaries go to absolute 0x60 with their physical id in r3.',
      'slaves-noticed': 'Each secondary has left the old code before it is overwritten.',
      'page-tables-cleared': 'No valid page table entry of the old kernel is left.',
      'hv-quiet': 'After T1 nothing writes for the old kernel.',
      'master-entry': 'The master enters at the entry point with r3, r4, r5 and a stack as agreed.',
    },
  },
  {
    title: 'From T1 to T4',
    rules: {
      'digest-ok': 'Purgatory checks the digest before anything runs.',
      'boot-cpu-recorded': "The master's hardware id is in the tree that the new kernel gets.",
      'backup-64k': 'The first 64 KiB are saved before the new vectors overwrite them.',
      'stays-put': 'With run-at-load set the kernel runs where it was loaded.',
      'memory-intact': 'Outside the reservation nothing changes after T1 but what is listed.',
      'registers-saved': 'One NT_PRSTATUS for each CPU that answered, as the machine saw it.',
      'vmcore-complete': 'The dump equals memory at T1, page by page.',
    },
  },
];

/** What a rule asks; a rule that no chapter names shows its name alone. */
export function ruleText(name: string): string {
  return CHAPTERS.map(({ rules }) => rules[name]).find((text) => text !== undefined) ?? '';
}
