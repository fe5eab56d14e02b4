/* Faults of stopping CPUs and taking them down. */
#include "cpu/cpu.h"
#include "faults/faults.h"
#include "kexec/kexec.h"

/* ---- no-notes ---- */

static void no_note(const struct pt_regs *regs, int cpu) {
  (void)regs;
  (void)cpu;
}

/* ---- down-early ---- */

static void no_wait(void) {}

/* ---- master-first ---- */

static void master_first(void) {
  pseries_kexec_cpu_down(0, 0);
  kexec_take_down_secondaries();
}

/* ---- skip-down:N ---- */

static void all_but_one(void) {
  u64 cpu;

  if (fault_on("skip-down", &cpu) && (int)cpu != this_cpu())
    kexec_take_down_secondary();
}

/* ---- double-teardown ---- */

static void teardown_twice(int crash_shutdown, int secondary) {
  kexec_teardown(crash_shutdown, secondary);
  kexec_teardown(crash_shutdown, secondary);
}

/* ---- thread-id-secondary ---- */

static u32 thread_by_argument(int secondary) { return secondary ? 1 : 0; }

/* ---- no-eoi ---- */

static void no_eoi(u32 thread, int secondary) {
  if (!secondary)
    kexec_end_interrupts(thread, secondary);
}

void faults_of_stopping(void) {
  if (fault_on("no-notes", NULL))
    kexec_steps.save_registers = no_note;
  if (fault_on("down-early", NULL))
    kexec_steps.wait_for_go_ahead = no_wait;
  if (fault_on("master-first", NULL))
    kexec_steps.take_down_cpus = master_first;
  if (fault_on("skip-down", NULL))
    kexec_steps.take_down_secondary = all_but_one;
  if (fault_on("double-teardown", NULL))
    kexec_steps.teardown = teardown_twice;
  if (fault_on("thread-id-secondary", NULL))
    kexec_steps.teardown_thread = thread_by_argument;
  if (fault_on("no-eoi", NULL))
    kexec_steps.end_interrupts = no_eoi;
}
