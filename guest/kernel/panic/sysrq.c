/* Magic keys on the console: ^O (Linux' hvc has it, too), then c (crash) or b (restart). On the CPU that takes the input. */
#include "console/console.h"
#include "cpu/cpu.h"
#include "panic/panic.h"
#include "printk/printk.h"

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

/* sysrq KEY CPU: the console's input goes to that CPU; the host types the key. */
static void run_sysrq(const char *arguments) {
  int cpu;
  if (arguments[0] == 0 || arguments[1] != ' ' || !cpu_parse(arguments + 2, &cpu)) {
    agent_say("error sysrq no CPU %s is online", arguments[0] == 0 ? "" : arguments + 1);
  } else if (!vty_route(&vtys[0], cpu)) {
    agent_say("error sysrq the console's interrupt cannot go to CPU %d", cpu);
  } else {
    agent_say("ok sysrq %c %d", arguments[0], cpu);
  }
}
AGENT_COMMAND("sysrq", run_sysrq);
