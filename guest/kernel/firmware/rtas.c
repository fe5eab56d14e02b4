/* RTAS. Source: LoPAR chapter 7: the argument buffer is 32-bit cells: token, counts, arguments, returns. */
#include "arch/arch.h"
#include "cpu/cpu.h"
#include "firmware/firmware.h"
#include "tree/tree.h"

#define MOST_CELLS 16

static u64 rtas_base, rtas_entry; /* real addresses */

void rtas_enter(u64 arguments, u64 base, u64 entry); /* rtas-enter.S */

static struct {
  u32 token, nargs, nrets, cells[MOST_CELLS];
} buffer __aligned(128);
static struct lock rtas_lock;

void rtas_read(void) {
  tree_node rtas = tree_find("/rtas");
  if (rtas == 0) return;
  rtas_base = tree_cell(rtas, "linux,rtas-base", 0);
  rtas_entry = tree_cell(rtas, "linux,rtas-entry", 0);
}

/* Looked up each time: the tree has them. */
s32 rtas_token(const char *service) {
  tree_node rtas = tree_find("/rtas");
  return rtas == 0 ? RTAS_UNKNOWN : (s32)tree_cell(rtas, service, (u32)RTAS_UNKNOWN);
}

s32 rtas_call(s32 token, int nargs, int nrets, u32 *outputs, ...) {
  if (token == RTAS_UNKNOWN || rtas_entry == 0 || nargs + nrets > MOST_CELLS) return -1;
  va_list arguments;
  u64 msr = irq_save();
  lock_take(&rtas_lock);
  buffer.token = (u32)token;
  buffer.nargs = (u32)nargs;
  buffer.nrets = (u32)nrets;
  va_start(arguments, outputs);
  for (int i = 0; i < nargs; i++) buffer.cells[i] = va_arg(arguments, u32);
  va_end(arguments);
  memset(&buffer.cells[nargs], 0, (size_t)nrets * 4);
  rtas_enter(__pa(&buffer), rtas_base, rtas_entry);
  s32 status = nrets > 0 ? (s32)READ_ONCE(buffer.cells[nargs]) : 0;
  for (int i = 1; i < nrets && outputs != NULL; i++) outputs[i - 1] = READ_ONCE(buffer.cells[nargs + i]);
  lock_release(&rtas_lock);
  irq_restore(msr);
  return status;
}
