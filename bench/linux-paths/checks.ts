/** What is walked: a name, and a line of shell whose output is compared. `$cpu` and `$memory` are folders of sysfs. */
export const CHECKS: readonly { readonly name: string; readonly shell: string }[] = [
  {
    name: 'a CPU offline and online',
    shell: 'echo 0 >$cpu/cpu1/online; cat $cpu/online; echo 1 >$cpu/cpu1/online; cat $cpu/online',
  },
  { name: 'a CPU that came back runs', shell: 'taskset 2 sh -c "echo \\$((6 * 7))"' },
  {
    name: 'twenty times',
    shell: 'for i in $(seq 20); do echo 0 >$cpu/cpu1/online; echo 1 >$cpu/cpu1/online; done; cat $cpu/online',
  },
  {
    name: 'threads: SMT 2',
    shell:
      'for i in 2 3; do echo 0 >$cpu/cpu$i/online; done; cat $cpu/online $cpu/cpu0/topology/thread_siblings_list',
  },
  {
    name: 'threads: SMT 1',
    shell: 'echo 0 >$cpu/cpu1/online; cat $cpu/online $cpu/cpu0/topology/thread_siblings_list',
  },
  { name: 'the last CPU', shell: 'echo 0 >$cpu/cpu0/online; cat $cpu/online' },
  {
    name: 'threads: all back',
    shell:
      'for i in 1 2 3; do echo 1 >$cpu/cpu$i/online; done; cat $cpu/online $cpu/cpu0/topology/thread_siblings_list',
  },
  {
    name: 'the boot CPU offline and online',
    shell: 'echo 0 >$cpu/cpu0/online; cat $cpu/online; echo 1 >$cpu/cpu0/online; cat $cpu/online',
  },
  { name: 'the switch of SMT', shell: 'cat $cpu/smt/control $cpu/smt/active' },
  { name: 'memory: size of a block', shell: 'cat $memory/block_size_bytes' },
  {
    name: 'memory: a block offline and online',
    shell:
      'm=$memory/memory1; cat $m/removable; echo offline >$m/state; cat $m/state; echo online >$m/state; cat $m/state',
  },
  {
    name: 'memory: by DLPAR',
    shell:
      'echo "memory add count 1" >/sys/kernel/dlpar; echo $?; ls -d /proc/device-tree/ibm,dynamic-reconfiguration-memory',
  },
  {
    name: 'huge pages',
    shell:
      'for h in /sys/kernel/mm/hugepages/*; do echo 2 >$h/nr_hugepages; echo $(basename $h) $(cat $h/nr_hugepages); echo 0 >$h/nr_hugepages; done',
  },
  { name: 'transparent huge pages', shell: 'cat /sys/kernel/mm/transparent_hugepage/enabled' },
  {
    name: 'watchdogs',
    shell:
      'cat /proc/sys/kernel/watchdog /proc/sys/kernel/nmi_watchdog /proc/sys/kernel/watchdog_thresh; ls /dev/watchdog*',
  },
  { name: 'suspend: what is offered', shell: 'cat /sys/power/state /sys/power/mem_sleep' },
  { name: 'performance events: sources', shell: 'ls /sys/bus/event_source/devices | tr "\\n" " "' },
  {
    name: 'performance events: of the processor',
    shell: 'ls /sys/bus/event_source/devices/cpu/events | wc -l',
  },
  { name: 'seccomp', shell: 'grep Seccomp: /proc/self/status; cat /proc/sys/kernel/seccomp/actions_avail' },
  { name: 'a fault of a program', shell: 'sh -c "kill -SEGV \\$\\$"; echo $?' },
  { name: 'memory runs out', shell: 'echo f >/proc/sysrq-trigger; echo $?; sleep 2' },
  {
    name: 'backtraces of all CPUs',
    shell:
      'dmesg -c >/dev/null; echo l >/proc/sysrq-trigger; sleep 1; dmesg | grep -c "Backtrace for\\|NMI backtrace"',
  },
  { name: 'blocked tasks', shell: 'echo w >/proc/sysrq-trigger; echo $?' },
  { name: 'RTAS: time of day', shell: 'ls /proc/powerpc/rtas; test $(date +%Y) -ge 2024 && echo a date' },
  { name: 'NVRAM', shell: 'ls -l /dev/nvram | cut -c1-10; ls /sys/fs/pstore' },
  { name: 'kernel core', shell: 'dd if=/proc/kcore bs=64 count=1 2>/dev/null | head -c 4 | tail -c 3' },
  { name: 'random numbers', shell: 'cat /proc/sys/kernel/random/poolsize; ls -l /dev/hwrng | cut -c1-10' },
  {
    name: 'partition data',
    shell: 'grep -E "system_type|partition_entitled|shared_proc|capped|NumLpars" /proc/powerpc/lparcfg',
  },
  { name: 'mitigations', shell: 'grep . $cpu/vulnerabilities/* | sed "s:.*/::"' },
  { name: 'processor', shell: 'grep -E "^(cpu|revision|MMU|timebase)" /proc/cpuinfo | sort -u' },
  { name: 'facilities', shell: 'LD_SHOW_AUXV=1 /usr/bin/makedumpfile -v | grep -E "HWCAP|PLATFORM|CACHE"' },
  { name: 'machine checks so far', shell: 'grep -E "^(MCE|NMI)" /proc/interrupts' },
  // The last: where it succeeds, there is a processor less.
  { name: 'processors: by DLPAR', shell: 'echo "cpu remove index 0x10000000" >/sys/kernel/dlpar; echo $?' },
];

/** Why outputs differ, by name. */
export const REASONS: ReadonlyMap<string, string> = new Map([
  ...['threads: SMT 2', 'threads: SMT 1', 'threads: all back', 'the switch of SMT'].map(
    (name): [string, string] => [
      name,
      'here four CPUs are threads of one core; QEMU without KVM has one thread a core',
    ],
  ),
  [
    'memory: size of a block',
    'Linux takes the size from how the tree cuts memory, which QEMU does otherwise',
  ],
  [
    'memory: a block offline and online',
    'blocks have other sizes (see above): the second one under QEMU holds a part of the kernel',
  ],
  [
    'processors: by DLPAR',
    'the tree here has no connectors for dynamic reconfiguration (docs/support.md); QEMU has them, and gives the processor up',
  ],
  ['RTAS: time of day', 'QEMU takes the date of its host'],
  ['NVRAM', 'here NVRAM has partitions from the start'],
  ['mitigations', 'the machine here says that nothing is executed speculatively (docs/support.md)'],
  ['facilities', 'the machine here has no decimal floating-point and other cache sizes'],
]);
