/* Magic keys on the console, as hvc has them: ^O, then c (crash) or b (restart). Works on the CPU that takes the input. */
#include "panic.h"
#include "printk.h"
#include "vty.h"

#define CONTROL_O 0x0f

static bool pending;

__noinline static void sysrq_handle_crash(void) { panic("sysrq triggered crash"); }

void sysrq_input(const char *bytes, int length) {
  for (int i = 0; i < length; i++) {
    if (bytes[i] == CONTROL_O) {
      pending = true;
    } else if (pending) {
      pending = false;
      if (bytes[i] == 'c') {
        printk("sysrq: Trigger a crash\n");
        sysrq_handle_crash();
      } else if (bytes[i] == 'b') {
        printk("sysrq: Resetting\n");
        kernel_restart();
      } else {
        printk("sysrq: HELP : crash(c) reboot(b)\n");
      }
    }
  }
}
