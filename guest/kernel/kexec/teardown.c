/*
 * A CPU's last act before it waits for the next kernel. The interrupt controller and the hypervisor know a CPU by its
 * hardware thread, so that id is used, and never the `secondary` argument: Milton Miller's review of the PS3's kexec
 * (linuxppc-dev, 9 June 2007) is about a platform that mixed them up.
 *
 * The argument says something else: a secondary is inside the IPI that stopped it and will not return to the interrupt
 * layer, so it ends that interrupt itself. What was registered with the hypervisor is taken back on the ordinary way
 * alone, because Linux 6.1 risks no call after a crash (platforms/pseries/kexec.c).
 */
#include "cpu/cpu.h"
#include "firmware/firmware.h"
#include "interrupt/interrupt.h"
#include "kexec/kexec.h"

/* H_REGISTER_VPA's function field, and its value for "take back the VPA" (LoPAR, H_REGISTER_VPA). */
#define VPA_FUNCTION_SHIFT 45
#define VPA_DEREGISTER 5ul

u32 kexec_teardown_thread(int secondary) {
  (void)secondary;
  return local_paca->hard_id;
}

void kexec_take_back_vpa(u32 thread) { hcall(H_REGISTER_VPA, VPA_DEREGISTER << VPA_FUNCTION_SHIFT, thread, 0); }

/* Nothing is presented any more; then what was begun is ended, with that same mask; then the IPI is taken back. */
void kexec_end_interrupts(u32 thread, int secondary) {
  int cpu = this_cpu();

  (void)secondary;
  xics_set_cppr(0);
  if (xirr_in_service[cpu] != 0) {
    xics_eoi(xirr_in_service[cpu] & 0x00ffffff);
    xirr_in_service[cpu] = 0;
  }
  xics_set_mfrr(thread, 0xff);
}

void kexec_teardown(int crash_shutdown, int secondary) {
  u32 thread = kexec_steps.teardown_thread(secondary);

  if (!crash_shutdown)
    kexec_steps.take_back_vpa(thread);
  kexec_steps.end_interrupts(thread, secondary);
}

void __noinline pseries_kexec_cpu_down(int crash_shutdown, int secondary) {
  kexec_steps.teardown(crash_shutdown, secondary);
}
