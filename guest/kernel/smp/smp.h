/* The other CPUs: starting them, calling them, and the work that each CPU does. */
#ifndef SMP_H
#define SMP_H

#include "lib/lib.h"

/* Brings up the CPUs that maxcpus= wants. They begin at `entry` (real), which entry/head.S has given. */
void smp_start_all(u64 entry);
/* Runs `function(argument)` on `cpu` in its interrupt, interrupts off; does not wait. On the own CPU: a plain call.
   Returns -EBUSY where the last call was not taken yet, -ENXIO where the CPU is not online. */
int smp_call(int cpu, void (*function)(u64), u64 argument);
/* What each CPU does when it comes up. */
u64 do_work(int cpu);

#endif
