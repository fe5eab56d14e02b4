/* What it costs to start and end: subtracted from every other program's time. */
#include "kernel.h"

u64 run(u64 rounds)
{
	return rounds;
}
