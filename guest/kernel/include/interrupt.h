/*
 * XICS presentation by hypercalls. Priorities: 0 masks all, 0xff none. IPI_PRIORITY is what smp_send raises.
 * XIRR: CPPR in the top byte, source below; source 2 is the IPI, 0 none.
 */
#ifndef INTERRUPT_H
#define INTERRUPT_H

#include "types.h"

#define XICS_IPI 2
#define XICS_NONE 0
#define IPI_PRIORITY 4
#define PRIORITY_ALL 0xff

/* XIRR of an interrupt that this CPU is in: 0 outside. For teardown, which must end what was begun. */
extern volatile u32 xirr_in_service[];

void xics_set_cppr(u8 priority);
void xics_eoi(u32 xirr);
/* The CPU's request register: IPI_PRIORITY raises an IPI, 0xff takes it back. By hardware id. */
void xics_set_mfrr(u32 server, u8 priority);

#endif
