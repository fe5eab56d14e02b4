/** Mutants of the handoff, T0 to T1: CPUs that are not stopped, not parked or let go wrongly, and what is left behind. */

import { flip, inPurgatory, type Mutant, type Notes } from '../mutants.ts';

const NOT_STOPPED: Notes = {
  'stop-reached': /^CPU 2 \(hardware id 8\) was not stopped; last seen: is \S+ at \S+\+0x/,
  'secondaries-parked': /^CPU 2 \(hardware id 8\) was not in real mode/,
  'slaves-at-0x60': /^CPU 2 \(hardware id 8\) did not come to 0x60/,
  'slaves-noticed': /^CPU 2 \(hardware id 8\) had not left its old wait loop when CPU 1 overwrote 0x0{16} /,
};

export const HANDOFF: readonly Mutant[] = [
  {
    name: 'a CPU with interrupts off under an IPI, panic=10',
    way: { cpus: 4, fault: 'irq-off:2', append: 'crashipi=xics panic=10' },
    broken: { ...NOT_STOPPED, 'interrupts-quiet': /CPU 2 has an IPI of priority 4 that was not masked/ },
  },
  {
    name: 'a CPU with interrupts off under an IPI, panic=0',
    way: { cpus: 4, fault: 'irq-off:2', append: 'crashipi=xics panic=0' },
    failed: {
      phase: 'handoff',
      reason: /^CPU 2 never stopped: .* interrupts off; the panicking CPU 1 waits for it without limit$/,
    },
    broken: { 'stop-reached': /^CPU 2 \(hardware id 8\) was not stopped/ },
  },
  {
    name: 'a CPU that hangs',
    way: { cpus: 4, faults: [{ kind: 'wedge', cpu: 2 }] },
    broken: NOT_STOPPED,
  },
  {
    name: 'no CPU saves its registers',
    way: { fault: 'no-notes' },
    broken: {
      'stop-reached': /^CPU 0 \(hardware id 0\) did not save its registers/,
      'registers-saved': /^CPU 0 answered, and the dump has no registers of it; CPU 1 answered/,
    },
  },
  {
    name: 'the stop IPI is not ended',
    way: { fault: 'no-eoi', append: 'crashipi=xics' },
    broken: { 'interrupts-quiet': /^CPU 0 accepted interrupt 0x0{15}2 and did not end it$/ },
  },
  {
    name: 'the stop IPI is not ended, ordinary kexec',
    way: { path: 'kexec', fault: 'no-eoi' },
    broken: { 'interrupts-quiet': /^CPU 1 accepted interrupt 0x0{15}2 and did not end it$/ },
  },
  {
    name: 'secondaries are taken down before the master says so',
    way: { cpus: 4, fault: 'down-early' },
    broken: { 'cpu-down-order': /^CPU 0 was taken down before the master's go-ahead$/ },
  },
  {
    name: 'the master is taken down first, ordinary kexec',
    way: { path: 'kexec', cpus: 4, fault: 'master-first' },
    broken: { 'cpu-down-order': /^the master was taken down before CPU 1 \(hardware id 1\)$/ },
  },
  {
    name: 'a secondary is not taken down, ordinary kexec',
    way: { path: 'kexec', cpus: 4, fault: 'skip-down:2' },
    broken: {
      'cpu-down-order': /^CPU 2 \(hardware id 8\) was not taken down$/,
      'interrupts-quiet': /^CPU 2 accepted interrupt 0x0{15}2 and did not end it$/,
      'hv-quiet': /^left at T1: vpa of CPU 2 at 0x\w{16}$/,
    },
  },
  {
    name: 'the thread id is taken from the secondary flag',
    way: { cpus: 4, fault: 'thread-id-secondary' },
    broken: { 'thread-identity': /^CPU 2 \(hardware id 8\) named thread 1 in H_IPI/ },
  },
  {
    name: 'secondaries wait with another hardware id',
    way: { fault: 'slave-id' },
    broken: {
      'secondaries-parked': /^CPU 0 \(hardware id 0\) waited with r3 = 0x1$/,
      'slaves-at-0x60': /^CPU 0 \(hardware id 0\) came with r3 = 0x1$/,
    },
  },
  {
    name: 'a stack in dynamic memory',
    way: { path: 'kexec', fault: 'stack-dynamic' },
    broken: { 'static-only': /^CPU 0 had its stack at 0xc0{8}[1-9a-f]\w{6}, which is not static$/ },
  },
  {
    name: 'a copy with translation off, where real mode reaches all memory',
    way: { path: 'kexec', fault: 'copy-real', rma: '128M' },
    broken: {
      'copy-in-virtual':
        /^translation was not on: store to the start of segment kernel by CPU 0 at kexec_copy_flush\+0x/,
    },
  },
  {
    name: 'secondaries are released before the copy to 0',
    way: { fault: 'release-first' },
    broken: { 'slaves-first-256': /^CPU 0 was released before 0x0 was copied$/ },
  },
  {
    name: 'a released secondary that is slow to leave its loop',
    way: { fault: 'slow-slave' },
    broken: {
      'slaves-at-0x60':
        /^CPU 0 \(hardware id 0\) did not come to 0x60; last seen: is running at kexec_wait\+0x/,
      'slaves-noticed':
        /^CPU 0 \(hardware id 0\) had not left its old wait loop when CPU 1 overwrote 0x0{16} /,
    },
  },
  {
    name: 'the hash table is kept',
    way: { fault: 'keep-page-tables' },
    broken: { 'page-tables-cleared': /^8 entries are valid at T1: 32768: 0x/ },
  },
  {
    name: 'areas are kept, ordinary kexec',
    way: { path: 'kexec', fault: 'late-vpa' },
    broken: {
      'hv-quiet': /^left at T1: vpa of CPU 0 at 0x\w{16}, dispatch-log of CPU 0 at 0x\w{16}, vpa of CPU 1/,
    },
  },
  {
    name: 'a disk still writes for the old kernel',
    way: { cpus: 1, onCpu: 0, fault: 'dma-in-flight' },
    broken: {
      'hv-quiet': /^written for the old kernel: .* bytes at 0x0{9}7ff0000 by a device/,
      'memory-intact': /^after T1 changed: .* bytes at 0x0{9}7ff0000 by a device/,
      'vmcore-complete': /^not as at T1: .* bytes at 0x0{9}7ff0000 by a device/,
    },
  },
  {
    name: 'the image is entered with another r4',
    way: { fault: 'entry-r4' },
    broken: {
      'master-entry': /^CPU 1 \(hardware id 1\): r4 is 0x00000000011e1000, not 0x00000000011e0000$/,
    },
  },
  {
    name: 'purgatory saves another 64 KiB',
    way: { faults: [flip('purgatory', inPurgatory('backup_src') + 6)] },
    broken: {
      'backup-64k': /bytes at 0x0{16} by CPU 1 at 0x/,
      'vmcore-complete': /bytes at 0x0{16} by CPU 1 at 0x/,
    },
    held: { 'slaves-first-256': /^copied and equal to the entry's; before CPU 1 released the secondaries$/ },
  },
];
