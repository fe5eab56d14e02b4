/* Time by the timebase. */
#ifndef TIME_H
#define TIME_H

#include "types.h"

extern u64 timebase_hz;
void delay_us(u64 us);

#endif
