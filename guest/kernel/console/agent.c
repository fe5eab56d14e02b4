/*
 * The agent: lines of the host on the second terminal. Bytes are gathered in interrupts; commands run from CPU 0's idle
 * loop, because they may read disks.
 */
#include "agent.h"

#include "cpu.h"
#include "lock.h"
#include "panic.h"
#include "printk.h"
#include "reg.h"
#include "string.h"
#include "vty.h"

static struct {
  const char *word;
  void (*run)(const char *arguments);
} commands[16];
static int command_count;

static char gathered[256];
static int gathered_length;
static char line[256]; /* complete, not yet run */
static volatile bool line_ready;

void agent_command(const char *word, void (*run)(const char *arguments)) {
  if (command_count == (int)ARRAY_SIZE(commands)) panic("too many commands of the agent");
  commands[command_count].word = word;
  commands[command_count++].run = run;
}

void agent_say(const char *format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  int length = MIN(vsnprint(text, sizeof text - 1, format, arguments), (int)sizeof text - 2);
  va_end(arguments);
  text[length] = '\n';
  vty_write(&vtys[1], text, (size_t)length + 1);
}

void agent_input(const char *bytes, int length) {
  for (int i = 0; i < length; i++) {
    if (bytes[i] != '\n' && bytes[i] != '\r') {
      if (gathered_length + 1 < (int)sizeof gathered) gathered[gathered_length++] = bytes[i];
    } else if (gathered_length > 0) {
      gathered[gathered_length] = 0;
      gathered_length = 0;
      if (line_ready) {
        agent_say("error %s another command is running", gathered);
        continue;
      }
      memcpy(line, gathered, sizeof line);
      barrier();
      line_ready = true;
    }
  }
}

static void run_line(void) {
  char *rest = line;
  while (*rest != 0 && *rest != ' ') rest++;
  if (*rest != 0) *rest++ = 0;
  while (*rest == ' ') rest++;
  for (int i = 0; i < command_count; i++) {
    if (strcmp(line, commands[i].word) == 0) {
      commands[i].run(rest);
      return;
    }
  }
  agent_say("error unknown command %s", line);
}

void agent_run(void) {
  if (!line_ready) return;
  u64 msr = irq_save();
  irq_enable();
  run_line();
  line_ready = false;
  irq_restore(msr);
}

static bool parse_cpu(const char *text, int *cpu) {
  const char *end;
  u64 number = parse_number(text, &end);
  *cpu = (int)number;
  return end != text && *end == 0 && number < MAX_CPUS && cpu_online(*cpu);
}

static void agent_panic_here(u64 argument) { panic("asked for by the agent"); }

static void run_panic(const char *arguments) {
  int cpu;
  if (!parse_cpu(arguments, &cpu)) {
    agent_say("error panic no CPU %s is online", arguments);
    return;
  }
  agent_say("ok panic %d", cpu);
  long status = smp_call(cpu, agent_panic_here, 0);
  if (status != 0) agent_say("error panic CPU %d does not take calls", cpu);
}

/* sysrq KEY CPU: the console's input goes to that CPU; the host types the key. */
static void run_sysrq(const char *arguments) {
  int cpu;
  if (arguments[0] == 0 || arguments[1] != ' ' || !parse_cpu(arguments + 2, &cpu)) {
    agent_say("error sysrq no CPU %s is online", arguments[0] == 0 ? "" : arguments + 1);
  } else if (!vty_route(&vtys[0], cpu)) {
    agent_say("error sysrq the console's interrupt cannot go to CPU %d", cpu);
  } else {
    agent_say("ok sysrq %c %d", arguments[0], cpu);
  }
}

static void run_status(const char *arguments) {
  agent_say("ok status loaded=%d", crash_image_loaded());
}

/* Mistakes of the kernel's own, to see that they end as such. */
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

static void run_restart(const char *arguments) {
  agent_say("ok restart");
  kernel_restart();
}

void agent_start(void) {
  agent_command("status", run_status);
  agent_command("panic", run_panic);
  agent_command("sysrq", run_sysrq);
  agent_command("restart", run_restart);
  agent_command("oops", run_oops);
}
