/* The agent's command `panic N`: CPU N panics, in the interrupt of a call from CPU 0. */
#include "console/console.h"
#include "cpu/cpu.h"
#include "panic/panic.h"
#include "smp/smp.h"

static void agent_panic_here(u64 argument) { panic("asked for by the agent"); }

static void run_panic(const char *arguments) {
  int cpu;
  if (!cpu_parse(arguments, &cpu)) {
    agent_say("error panic no CPU %s is online", arguments);
    return;
  }
  agent_say("ok panic %d", cpu);
  long status = smp_call(cpu, agent_panic_here, 0);
  if (status != 0) agent_say("error panic CPU %d does not take calls", cpu);
}
AGENT_COMMAND("panic", run_panic);
