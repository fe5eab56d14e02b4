/** Defines mutants from T1 on: purgatory that does not check, a damaged kernel, a kernel that runs at the wrong place. */

import type { BootImage } from '../../../src/panic/index.ts';
import {
  digestBranch,
  findCode,
  flip,
  inKernel,
  inPurgatory,
  type Mutant,
  type Notes,
  patched,
} from '../mutants.ts';

/** Of a function that these guests never run: the kernel works all the same. */
const DIGESTED = inKernel('make_mistake') + 1;
const BOOT_CPU = 28;
/** Of boot_cpu: `lwz r5, 0x5c(r30)`, `cmpwi r5, 1`, and the branch of a kernel that stays. */
const FLAG_TEST = [0x80be005c, 0x2c050001] as const;
const CMPWI_R5 = 0x2c050000;
const NEVER_THE_FLAG = 0xffff;
const BRANCH = 0x48000000;
const DISPLACEMENT = 0xffff;

/** The old kernel's `crashing_cpu`, in the data that the new kernel copies over it. */
const OLD_DATA = new RegExp(`at 0x${inKernel('crashing_cpu').toString(16).padStart(16, '0')} by CPU 1 at 0x`);

/** It runs over the old kernel, and finds no notes there. */
const MOVED: Notes = {
  'crash-elsewhere': /^it did not stay: CPU 1 wrote to 0x0000000000010000$/,
  'memory-intact': OLD_DATA,
  'registers-saved': /CPU 0 saved its registers, and the dump has none/,
  'vmcore-complete': OLD_DATA,
};

/** As kexec's -i. */
function withoutDigest(image: BootImage): BootImage {
  if (image.loading === undefined) throw new Error('the built-in image loads by plan');
  return { ...image, loading: { ...image.loading, digest: false } };
}

const alwaysMoves = patched('moves', (code) =>
  code.setUint32(findCode(code, FLAG_TEST) + 4, CMPWI_R5 | NEVER_THE_FLAG),
);
const alwaysStays = patched('stays', (code) => {
  const at = findCode(code, FLAG_TEST) + 8;
  code.setUint32(at, BRANCH | (code.getUint32(at) & DISPLACEMENT));
});

export const NEW_KERNEL: readonly Mutant[] = [
  {
    name: 'a byte of the kernel',
    way: { faults: [flip('kernel', DIGESTED)] },
    failed: {
      phase: 'purgatory',
      reason: new RegExp(
        `^the digest of the loaded image does not match: CPU 1 loops at 0x\\w+ in purgatory and does not enter the kernel \\(injected: flip:kernel\\+0x${DIGESTED.toString(16)}@trigger\\)$`,
      ),
    },
    held: { 'digest-ok': /^the digest did not match, and the kernel was never entered$/ },
  },
  {
    name: 'a byte of the kernel, and purgatory does not look',
    way: { faults: [flip('kernel', DIGESTED), flip('purgatory', digestBranch() + 1)] },
    broken: { 'digest-ok': /^the digest did not match, and the kernel was entered all the same$/ },
  },
  {
    name: 'a released secondary writes into what the digest covers last',
    way: { fault: 'wild-store-reserved:0x2fff000' },
    failed: {
      phase: 'purgatory',
      reason:
        /^the digest of the loaded image does not match: CPU 1 loops at 0x\w+ in purgatory and does not enter the kernel$/,
    },
    broken: {
      'memory-intact': /^after T1 written into the reservation: the page at 0x0{9}2fff000 by CPU 0 at 0x/,
    },
  },
  {
    name: "a released secondary writes into the hypervisor's place in the new kernel",
    way: { fault: 'wild-store-reserved:0x1000020,slow-slave:115000', image: withoutDigest },
    broken: {
      'entry-layout':
        /^CPU 0 stored into the hypervisor's place at offset 0x20 before the kernel was entered$/,
    },
  },
  {
    name: 'purgatory does not set the flag to 1',
    way: { faults: [flip('purgatory', inPurgatory('run_at_load') + 3)] },
    broken: {
      ...MOVED,
      'run-at-load-set': /^the word is 000000fe in memory, not 1/,
      'slaves-first-256': /^the byte at 0x5f is not that of the entry point$/,
    },
  },
  {
    name: 'the flag is overwritten when the kernel is entered',
    way: { faults: [flip('kernel', 0x5f, 't2')] },
    broken: { ...MOVED, 'run-at-load-set': /^the word is 000000fe in memory, not 1/ },
  },
  {
    name: 'a kernel that moves whatever the flag says',
    way: { image: alwaysMoves },
    broken: {
      ...MOVED,
      'stays-put': /^CPU 1 wrote 0x0000000000010000, above the vectors, although run-at-load is 1$/,
      'flag-is-place-only': /^run-at-load 1, with elfcorehdr: it moved$/,
    },
  },
  {
    name: 'a kernel that stays whatever the flag says, ordinary kexec',
    way: { path: 'kexec', image: alwaysStays },
    broken: {
      'stays-put': /^run-at-load is still the marker, but it stayed where it was$/,
      'flag-is-place-only': /^run-at-load not 1, without elfcorehdr: it stayed$/,
    },
  },
  {
    name: 'a kernel that dumps without elfcorehdr, ordinary kexec',
    way: { path: 'kexec', fault: 'dump-unasked' },
    broken: {
      'flag-is-place-only':
        /^run-at-load not 1, without elfcorehdr: it dumped although it did not know where the old memory is$/,
    },
  },
  {
    name: 'another boot CPU in the tree',
    way: { faults: [flip('tree', BOOT_CPU + 3, 't2')] },
    broken: {
      'boot-cpu-recorded':
        /^the tree names hardware id 254; the master is CPU 1 \(hardware id 1\); purgatory had stored 1$/,
    },
  },
  {
    name: 'a wild store of the crash kernel',
    way: { crashAppend: 'kdumpd.fault=wild-store:0xc00000' },
    broken: {
      'memory-intact': /^after T1 changed: 8 bytes at 0x0{10}c00000 by CPU 1 at 0x\w+ \(real_mode_store\+0x/,
      'vmcore-complete': /8 bytes at 0x0{10}c00000 by CPU 1 at 0x/,
    },
  },
];
