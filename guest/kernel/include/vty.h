/* Virtual terminals (hvterm1): PAPR's H_PUT_TERM_CHAR and H_GET_TERM_CHAR, up to 16 bytes a call. */
#ifndef VTY_H
#define VTY_H

#include "types.h"

#define VTY_COUNT 2

struct vty {
  u32 unit; /* by which hypercalls name it */
  u32 source; /* of its interrupt */
  bool present;
  volatile int cpu; /* that takes its input */
};

extern struct vty vtys[VTY_COUNT];

void vty_find(void);
/* Its interrupt goes to this CPU from now on. */
bool vty_route(struct vty *vty, int cpu);
void vty_write(const struct vty *vty, const char *text, size_t length);
/* Up to 16 bytes that were typed; returns how many. */
int vty_read(const struct vty *vty, char *bytes);
/* Input of the terminals whose CPU this is: console to sysrq, commands to the agent. */
void vty_poll(void);

/* agent.c: the second terminal's bytes; and running what came, outside of interrupts. */
void agent_input(const char *bytes, int length);
void agent_run(void);
void agent_start(void);
/* sysrq.c: the first terminal's bytes. */
void sysrq_input(const char *bytes, int length);

#endif
