/* Run-time abstraction services: called in real mode, 32-bit, big-endian, one CPU at a time, through an argument buffer. */
#ifndef RTAS_H
#define RTAS_H

#include "types.h"

#define RTAS_UNKNOWN (-1)

/* The service's token, RTAS_UNKNOWN where /rtas does not name it. */
s32 rtas_token(const char *service);
/* Status of the call (0: success; negative: error, -1 also where the token is RTAS_UNKNOWN). `outputs` gets the
   returns after the status: nrets - 1 of them. Arguments are u32. */
s32 rtas_call(s32 token, int nargs, int nrets, u32 *outputs, ...);

extern u64 rtas_base, rtas_size, rtas_entry; /* real addresses */

#endif
