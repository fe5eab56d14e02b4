/*
 * The agent: lines of the host on the second terminal. Bytes are gathered in interrupts; commands run from CPU 0's idle
 * loop, because they may read disks.
 */
#include "arch/arch.h"
#include "console/console.h"

/* The commands that the linker has collected. */
extern const struct agent_command __agent_commands_start[], __agent_commands_end[];

static char gathered[256];
static int gathered_length;
static char line[256]; /* complete, not yet run */
static volatile bool line_ready;

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
  for (const struct agent_command *each = __agent_commands_start; each < __agent_commands_end; each++) {
    if (strcmp(line, each->word) == 0) {
      each->run(rest);
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
