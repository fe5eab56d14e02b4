/* Handlers by cause. */
#ifndef TRAPS_H
#define TRAPS_H

#include "trap-frame.h"

void external_interrupt(struct pt_regs *regs);
void system_reset_exception(struct pt_regs *regs);
void interrupt_dispatch(struct pt_regs *regs);

#endif
