/*
 * The two terminals. The first shows printk's text. The second is for the host's commands, one a line, and the answers
 * (docs/images.md). What is done with input is decided above: the terminals pass it on.
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include "lib/lib.h"

/* ---- vty.c: virtual terminals (hvterm1): PAPR's H_PUT_TERM_CHAR and H_GET_TERM_CHAR, up to 16 bytes a call ---- */

#define VTY_COUNT 2

struct vty {
  u32 unit; /* by which hypercalls name it */
  u32 source; /* of its interrupt */
  bool present;
  volatile int cpu; /* that takes its input */
  void (*input)(const char *bytes, int length); /* what was typed goes here, in an interrupt */
};

extern struct vty vtys[VTY_COUNT];

/* Finds the terminals in the device tree. From here on printk goes to the first. */
void console_init(void);
/* Its interrupt goes to this CPU from now on. */
bool vty_route(struct vty *vty, int cpu);
void vty_write(const struct vty *vty, const char *text, size_t length);
/* Passes on the input of the terminals whose CPU this is. */
void vty_poll(void);

/* ---- agent.c: commands of the host ---- */

struct agent_command {
  const char *word;
  void (*run)(const char *arguments); /* gets what follows the word (blanks skipped) and answers by agent_say */
};

/* Makes `function` the command `word`. The linker collects all commands (kernel.lds). */
#define AGENT_COMMAND(word, function)                                                            \
  static const struct agent_command function##_command __used __section(".agent_commands") = { \
    word, function                                                                               \
  }

/* One line to the host; the newline is added. */
void agent_say(const char *format, ...) __printf(1, 2);
/* Input of the agent's terminal. */
void agent_input(const char *bytes, int length);
/* Runs the command that came, if one did: outside of interrupts. */
void agent_run(void);

#endif
