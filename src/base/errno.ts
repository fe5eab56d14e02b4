/**
 * Error numbers of Linux system calls by name, and what a system call's result means.
 * Source: Linux 6.1 include/uapi/asm-generic/errno-base.h and errno.h, whose values powerpc shares for these; the calling
 * convention is in Documentation/powerpc/syscall64-abi.rst: a failure sets the summary overflow bit of CR0 and leaves the
 * positive errno in r3. Inside the kernel, results are negative. Left out: errors that kexec_load does not return.
 */

const ERRORS: Readonly<Record<number, string>> = {
  1: 'EPERM',
  7: 'E2BIG',
  8: 'ENOEXEC',
  12: 'ENOMEM',
  14: 'EFAULT',
  16: 'EBUSY',
  22: 'EINVAL',
  26: 'ETXTBSY',
  38: 'ENOSYS',
  99: 'EADDRNOTAVAIL',
};

/** The largest errno: a result further below 0 is an address or a count. */
const MAXIMUM_ERRNO = 4095n;

/**
 * @param r3 the result, as an unsigned or signed 64-bit value
 * @param so the summary overflow bit of CR0
 * @returns `ok`, or the name of the errno; `errno 5` for one that has no name here
 */
export function syscallResultText(r3: bigint, so: boolean): string {
  const value = BigInt.asIntN(64, r3);
  const failed = so || (value < 0n && value >= -MAXIMUM_ERRNO);
  if (!failed) return 'ok';
  const errno = Number(value < 0n ? -value : value);
  return ERRORS[errno] ?? `errno ${errno}`;
}
