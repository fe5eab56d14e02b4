/* The kernel's messages: into a log in memory, which a dump has, too, and to the console once there is one. */
#ifndef PRINTK_H
#define PRINTK_H

#include "lib/lib.h"

/* Conversions: see lib.h. */
void printk(const char *format, ...) __printf(1, 2);

/* Set by the console's driver; NULL: messages go into the log alone. */
extern void (*printk_console)(const char *text, size_t length);

#endif
