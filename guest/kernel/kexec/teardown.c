/*
 * A CPU's last act before it waits for the next kernel. What hangs on a CPU hangs on its hardware thread, so that id
 * is used, and never the `secondary` argument: seed 004 is about a platform that mixed them up.
 *
 * The argument says something else: a secondary is inside the IPI that stopped it and will not return to the interrupt
 * layer, so it ends that interrupt itself. What was registered with the hypervisor is taken back on the ordinary way
 * alone, as Linux 6.1 does; after a crash no call is risked (platforms/pseries/kexec.c).
 */
#include "command-line.h"
#include "hcall.h"
#include "interrupt.h"
#include "kexec.h"

/* H_REGISTER_VPA's function field, and its value for "take back the VPA" (LoPAR, H_REGISTER_VPA). */
#define VPA_FUNCTION_SHIFT 45
#define VPA_DEREGISTER 5ul

static void unregister_vpa(u32 thread) { hcall(H_REGISTER_VPA, VPA_DEREGISTER << VPA_FUNCTION_SHIFT, thread, 0); }

static void teardown_interrupts(int cpu, u32 thread, int secondary) {
  if (secondary && fault_on("no-eoi", NULL))
    return;
  /* Nothing is presented any more; then what was begun is ended, with that same mask; then the IPI is taken back. */
  xics_set_cppr(0);
  if (xirr_in_service[cpu] != 0) {
    xics_eoi(xirr_in_service[cpu] & 0x00ffffff);
    xirr_in_service[cpu] = 0;
  }
  xics_set_mfrr(thread, 0xff);
}

static void teardown(int crash_shutdown, int secondary) {
  int cpu = this_cpu();
  u32 thread = local_paca->hard_id;

  if (fault_on("thread-id-secondary", NULL))
    thread = secondary ? 1 : 0;
  if (!crash_shutdown && !fault_on("late-vpa", NULL))
    unregister_vpa(thread);
  teardown_interrupts(cpu, thread, secondary);
}

void __noinline pseries_kexec_cpu_down(int crash_shutdown, int secondary) {
  teardown(crash_shutdown, secondary);
  if (fault_on("double-teardown", NULL))
    teardown(crash_shutdown, secondary);
}
