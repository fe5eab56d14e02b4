/* Messages: into a log in memory, which a dump has, too, and to the console. */
#include "printk/printk.h"

#include "arch/arch.h"
#include "cpu/cpu.h"

void (*printk_console)(const char *text, size_t length);

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

/* Terminals want a carriage return before each newline. */
static void to_console(const char *text, int length) {
  for (int from = 0, i = 0; i < length; i++) {
    if (text[i] != '\n' && i + 1 < length) continue;
    printk_console(text + from, (size_t)(i - from + (text[i] != '\n')));
    if (text[i] == '\n') printk_console("\r\n", 2);
    from = i + 1;
  }
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
  if (printk_console != NULL) to_console(line, length);
  if (locked) lock_release(&printk_lock);
  irq_restore(msr);
}
