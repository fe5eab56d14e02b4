/* Words of /chosen/bootargs: `name`, or `name=value`. */
#ifndef COMMAND_LINE_H
#define COMMAND_LINE_H

#include "types.h"

extern char command_line[2048];

/* The last such word's value ("" without =), NULL where there is none. Ends at the next blank. */
const char *option(const char *name);
/* Its number, with K, M, G. */
u64 option_number(const char *name, u64 otherwise);
/* Whether it has this value. */
bool option_is(const char *name, const char *value);
/* Whether kdumpd.fault= names this fault; `value` (may be NULL) gets the number after its colon, else 0. */
bool fault_on(const char *name, u64 *value);

#endif
