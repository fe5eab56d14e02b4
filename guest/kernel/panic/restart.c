/*
 * Restart: devices are shut down, then the machine, then firmware restarts it. An ordinary kexec takes the first two
 * steps as well (kexec/); a crash takes neither.
 */
#include "boot.h"
#include "command-line.h"
#include "interrupt.h"
#include "panic.h"
#include "printk.h"
#include "reg.h"
#include "rtas.h"
#include "vty.h"

#define MOST_DEVICES 8

static void (*shutdowns[MOST_DEVICES])(void);
static int shutdown_count;

void on_device_shutdown(void (*shutdown)(void)) {
  if (shutdown_count == MOST_DEVICES) panic("too many devices to shut down");
  shutdowns[shutdown_count++] = shutdown;
}

__noinline void device_shutdown(void) {
  while (shutdown_count > 0) shutdowns[--shutdown_count]();
}

/* No source of interrupts but the CPUs' own is left on: what a device raises now, nobody takes. */
__noinline void machine_shutdown(void) {
  for (int i = 0; i < VTY_COUNT; i++)
    if (vtys[i].present && vtys[i].source != XICS_NONE)
      rtas_call(rtas_token("ibm,set-xive"), 3, 1, NULL, vtys[i].source, hard_id(0), 0xffu);
}

__noinline void machine_restart(void) {
  rtas_call(rtas_token("system-reboot"), 0, 1, NULL);
  printk("system-reboot came back\n");
  for (;;) cpu_relax();
}

__noinline void kernel_restart(void) {
  printk("Restarting system.\n");
  device_shutdown();
  if (!fault_on("no-machine-shutdown", NULL)) machine_shutdown();
  machine_restart();
}
