/**
 * Says why a guest has no crash kernel. The agent sees only that no memory is reserved; the kernel's own words about `crashkernel=` are on
 * the console, early in its boot (Linux 6.1 kernel/crash_core.c parse_crashkernel, arch/powerpc/kexec/core.c reserve_crashkernel).
 */

const OPTION = 'crashkernel=';
const UNRESERVED = 'no memory is reserved';
/** As much of a line of the console as is quoted. */
const LONGEST = 160;

/**
 * @param reason the agent's
 * @param append the command line of the kernel that runs
 * @param console what it printed
 */
export function explainNoCrashKernel(reason: string, append: string, console: Uint8Array): string {
  if (!reason.startsWith(UNRESERVED)) return reason;
  // Of several the kernel takes the last.
  const option = append.split(/\s+/).findLast((word) => word.startsWith(OPTION));
  if (option === undefined) return `${UNRESERVED} for a crash kernel: the command line has no ${OPTION}`;
  const words = refusal(new TextDecoder('latin1').decode(console));
  return words === undefined
    ? `the kernel reserved no memory for ${option}, and its console does not say why`
    : `the kernel reserved no memory for ${option}: “${words}”`;
}

/** The kernel's last line about the reservation, without its time. */
function refusal(console: string): string | undefined {
  const line = console
    .split(/\r?\n/)
    .findLast((each) => /crash ?kernel/i.test(each) && !/command line|Reserving|kdumpd/i.test(each));
  return line
    ?.replace(/^\s*(<\d+>)?\[\s*[\d.]+\]\s*/, '')
    .trim()
    .slice(0, LONGEST);
}
