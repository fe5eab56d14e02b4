/* The machine's part of a restart. An ordinary kexec runs machine_shutdown as well (kexec/); a crash runs neither. */
#include "console/console.h"
#include "cpu/cpu.h"
#include "firmware/firmware.h"
#include "panic/panic.h"
#include "printk/printk.h"

#define NO_SOURCE 0
#define MASKED 0xffu

/* No source of interrupts but the CPUs' own is left on: no CPU would take what a device raises now. */
__noinline void machine_shutdown(void) {
  for (int i = 0; i < VTY_COUNT; i++)
    if (vtys[i].present && vtys[i].source != NO_SOURCE)
      rtas_call(rtas_token("ibm,set-xive"), 3, 1, NULL, vtys[i].source, hard_id(0), MASKED);
}

__noinline void machine_restart(void) {
  rtas_call(rtas_token("system-reboot"), 0, 1, NULL);
  printk("system-reboot came back\n");
  for (;;) cpu_relax();
}
