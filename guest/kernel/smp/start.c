/*
 * Bringing CPUs up. At power-on they are stopped, and RTAS starts them; after kexec they wait in the hold loop at real
 * address 0x60, and the hold word lets them go, all at once: those that maxcpus= leaves out go back to a loop of theirs.
 */
#include "arch/arch.h"
#include "cpu/cpu.h"
#include "firmware/firmware.h"
#include "printk/printk.h"
#include "smp/smp.h"
#include "tree/tree.h"

#define STOPPED 0
#define HOLD_WORD 8

static bool stopped(int cpu) {
  u32 state = STOPPED;
  s32 status = rtas_call(rtas_token("query-cpu-stopped-state"), 1, 2, &state, hard_id(cpu));
  return status == 0 && state == STOPPED;
}

static void wait_for(int cpu) {
  u64 until = timebase() + timebase_hz;
  while (!pacas[cpu].online && timebase() < until) cpu_relax();
  if (!pacas[cpu].online) printk("CPU %d (hardware id %u) does not come\n", cpu, hard_id(cpu));
}

void smp_start_all(u64 entry) {
  int wanted = (int)MIN(option_number("maxcpus", MAX_CPUS), (u64)cpu_count);
  bool held = false;
  cpu_count = MAX(wanted, 1);
  for (int cpu = 1; cpu < cpu_count; cpu++) {
    if (!stopped(cpu)) {
      held = true;
      continue;
    }
    s32 status = rtas_call(rtas_token("start-cpu"), 3, 1, NULL, hard_id(cpu), (u32)entry, hard_id(cpu));
    if (status != 0) printk("start-cpu of CPU %d says %d\n", cpu, status);
    else wait_for(cpu);
  }
  if (!held) return;
  mb();
  *(volatile u64 *)__va(HOLD_WORD) = entry;
  mb();
  for (int cpu = 1; cpu < cpu_count; cpu++) wait_for(cpu);
}
