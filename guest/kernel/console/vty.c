/* Virtual terminals. Source: LoPAR, hcall-term; Linux 6.1 drivers/tty/hvc/hvc_vio.c for how characters are packed. */
#include "console/console.h"

#include "cpu/cpu.h"
#include "firmware/firmware.h"
#include "printk/printk.h"
#include "tree/tree.h"

#define NO_SOURCE 0

struct vty vtys[VTY_COUNT];

/* The console is what /chosen names, else the first; the agent's is the next one. */
static void find(void) {
  tree_node chosen = tree_find("/chosen"), bus = tree_find("/vdevice");
  const char *path = chosen == 0 ? NULL : tree_property(chosen, "linux,stdout-path", NULL);
  if (path == NULL && chosen != 0) path = tree_property(chosen, "stdout-path", NULL);
  tree_node console = path == NULL ? 0 : tree_find(path);
  int count = 0;
  for (int round = 0; round < 2; round++) {
    for (tree_node node = bus == 0 ? 0 : tree_child(bus); node != 0; node = tree_sibling(node)) {
      const char *compatible = tree_property(node, "compatible", NULL);
      if (compatible == NULL || strcmp(compatible, "hvterm1") != 0 || count == VTY_COUNT) continue;
      if ((round == 0) != (node == console)) continue;
      vtys[count].unit = tree_cell(node, "reg", 0);
      vtys[count].source = tree_cell(node, "interrupts", NO_SOURCE);
      vtys[count].present = true;
      vtys[count].cpu = 0;
      count++;
    }
  }
}

bool vty_route(struct vty *vty, int cpu) {
  vty->cpu = cpu;
  if (!vty->present || vty->source == NO_SOURCE) return true; /* the timer's tick polls it */
  return rtas_call(rtas_token("ibm,set-xive"), 3, 1, NULL, vty->source, hard_id(cpu), 5u) == 0;
}

void vty_write(const struct vty *vty, const char *text, size_t length) {
  if (!vty->present) return;
  while (length > 0) {
    u64 words[2] = {0, 0};
    size_t part = MIN(length, sizeof words);
    memcpy(words, text, part);
    if (hcall(H_PUT_TERM_CHAR, vty->unit, part, words[0], words[1]) == H_BUSY) continue;
    text += part;
    length -= part;
  }
}

static void show(const char *text, size_t length) { vty_write(&vtys[0], text, length); }

void console_init(void) {
  find();
  printk_console = show;
}

/* Up to 16 bytes that were typed; returns how many. */
static int read(const struct vty *vty, char *bytes) {
  u64 result[9];
  if (!vty->present) return 0;
  if (hcall_results(H_GET_TERM_CHAR, result, vty->unit, 0, 0, 0, 0, 0, 0, 0, 0) != H_SUCCESS) return 0;
  int length = (int)MIN(result[0], 16ul);
  memcpy(bytes, &result[1], (size_t)length);
  return length;
}

void vty_poll(void) {
  char bytes[16];
  int length;
  for (struct vty *vty = vtys; vty < vtys + VTY_COUNT; vty++)
    if (vty->cpu == this_cpu())
      while ((length = read(vty, bytes)) > 0) vty->input(bytes, length);
}
