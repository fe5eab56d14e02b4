/* The agent's command `oops`: mistakes of the kernel's own, to see how they end. */
#include "console/console.h"

__noinline static void make_mistake(const char *kind) {
  volatile u64 *nowhere = (volatile u64 *)0xc000008000000000;
  if (strcmp(kind, "program") == 0) __asm__ volatile("trap");
  else if (strcmp(kind, "data") == 0) *nowhere = 1;
  else ((void (*)(void))(u64)nowhere)();
}

static void run_oops(const char *arguments) {
  if (strcmp(arguments, "program") != 0 && strcmp(arguments, "data") != 0 && strcmp(arguments, "fetch") != 0) {
    agent_say("error oops a kind is program, data or fetch");
    return;
  }
  agent_say("ok oops %s", arguments);
  make_mistake(arguments);
}
AGENT_COMMAND("oops", run_oops);
