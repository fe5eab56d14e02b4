/* Text for the console (first vty). Understands %s %c %d %u %x %lx %lu %ld %p %%, a width and a leading 0 or -. */
#ifndef PRINTK_H
#define PRINTK_H

#include "types.h"

void printk(const char *format, ...) __printf(1, 2);
/* Into a buffer, always ended by a zero; returns the length written without it. */
int snprint(char *buffer, size_t size, const char *format, ...) __printf(3, 4);
int vsnprint(char *buffer, size_t size, const char *format, va_list arguments);

#endif
