/* Restart: devices are shut down, then the machine, then firmware restarts it. */
#include "console/console.h"
#include "panic/panic.h"
#include "printk/printk.h"

#define MOST_DEVICES 8

void (*restart_shutdown)(void) = machine_shutdown;

static void (*shutdowns[MOST_DEVICES])(void);
static int shutdown_count;

void on_device_shutdown(void (*shutdown)(void)) {
  if (shutdown_count == MOST_DEVICES) panic("too many devices to shut down");
  shutdowns[shutdown_count++] = shutdown;
}

__noinline void device_shutdown(void) {
  while (shutdown_count > 0) shutdowns[--shutdown_count]();
}

__noinline void kernel_restart(void) {
  printk("Restarting system.\n");
  device_shutdown();
  restart_shutdown();
  machine_restart();
}

static void run_restart(const char *arguments) {
  agent_say("ok restart");
  kernel_restart();
}
AGENT_COMMAND("restart", run_restart);
