/* The console: the first terminal, and a log in memory that a dump has, too. */
#include "printk.h"

#include "lock.h"
#include "reg.h"
#include "string.h"
#include "time.h"
#include "vty.h"

/* What was printed last; `kernel_log_length` counts all of it. Found by their names in a dump. */
char kernel_log[0x4000];
u64 kernel_log_length;

static struct lock printk_lock;

/* A CPU that was stopped while it printed never releases the lock: give up waiting after 10 ms. */
static bool take(void) {
  u64 until = timebase() + timebase_hz / 100;
  while (!lock_try(&printk_lock))
    if (timebase() > until) return false;
  return true;
}

void printk(const char *format, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  int length = MIN(vsnprint(line, sizeof line, format, arguments), (int)sizeof line - 1);
  va_end(arguments);
  u64 msr = irq_save();
  bool locked = take();
  for (int i = 0; i < length; i++) kernel_log[kernel_log_length++ % sizeof kernel_log] = line[i];
  for (int from = 0, i = 0; i < length; i++) {
    if (line[i] != '\n' && i + 1 < length) continue;
    vty_write(&vtys[0], line + from, (size_t)(i - from + (line[i] != '\n')));
    if (line[i] == '\n') vty_write(&vtys[0], "\r\n", 2);
    from = i + 1;
  }
  if (locked) lock_release(&printk_lock);
  irq_restore(msr);
}
