/*
 * The boot-time allocator: what the machine has, what is claimed, and who took which part. A claim is a name, a start
 * and a size; free is what is RAM, usable by this kernel, below mem= and not claimed. The kernel is small: no other
 * allocator ever replaces it.
 *
 * Keeps clear of: its own image, the vectors, the reserve map, initrd, the tree it was given, RTAS, the crash
 * reservation, elfcorehdr. The map is published as /chosen/kdumpd,allocations (memory_publish).
 */
#include "memory/memory.h"

#include "panic/panic.h"
#include "printk/printk.h"
#include "tree/tree.h"

#define MAX_RANGES 64
#define MAX_CLAIMS 256
#define LOW_MEMORY 0x10000 /* vectors, and what a crash kernel keeps of them */

struct claim {
  u64 start, size;
  const char *name;
};

u64 kernel_base, rma_size, memory_end;
struct range crash_reservation;
struct range ram[MAX_RANGES];
int ram_count;

static struct range usable[MAX_RANGES]; /* RAM, or linux,usable-memory where the tree has it; ascending */
static int usable_count;
static struct claim claims[MAX_CLAIMS]; /* ascending, may overlap where firmware's do */
static int claim_count;

static void add_range(struct range *list, int *count, u64 start, u64 size) {
  int at = *count;
  if (size == 0 || at == MAX_RANGES) return;
  while (at > 0 && list[at - 1].start > start) at--;
  memmove(&list[at + 1], &list[at], (size_t)(*count - at) * sizeof list[0]);
  list[at].start = start;
  list[at].size = size;
  (*count)++;
  for (int i = 0; i + 1 < *count;) {
    if (list[i].start + list[i].size < list[i + 1].start) {
      i++;
      continue;
    }
    u64 end = MAX(list[i].start + list[i].size, list[i + 1].start + list[i + 1].size);
    list[i].size = end - list[i].start;
    (*count)--;
    memmove(&list[i + 1], &list[i + 2], (size_t)(*count - i - 1) * sizeof list[0]);
  }
}

static bool within(const struct range *list, int count, u64 start, u64 size) {
  for (int i = 0; i < count; i++)
    if (start >= list[i].start && start + size <= list[i].start + list[i].size && start + size >= start) return true;
  return false;
}

bool memory_is_ram(u64 start, u64 size) { return within(ram, ram_count, start, size); }

/* The claim that [start, start + size) touches and that begins lowest; NULL where there is none. */
static const struct claim *touched(u64 start, u64 size) {
  for (int i = 0; i < claim_count; i++)
    if (claims[i].start < start + size && start < claims[i].start + claims[i].size) return &claims[i];
  return NULL;
}

static bool add_claim(const char *name, u64 start, u64 size) {
  int at = claim_count;
  if (claim_count == MAX_CLAIMS) return false;
  if (size == 0) return true;
  while (at > 0 && claims[at - 1].start > start) at--;
  memmove(&claims[at + 1], &claims[at], (size_t)(claim_count - at) * sizeof claims[0]);
  claims[at].name = name;
  claims[at].start = start;
  claims[at].size = size;
  claim_count++;
  return true;
}

static bool is_free(u64 start, u64 size) {
  return within(usable, usable_count, start, size) && start + size <= memory_end && touched(start, size) == NULL;
}

u64 memory_alloc(const char *name, u64 size, u64 align, u64 from, u64 to) {
  for (int i = usable_count - 1; i >= 0; i--) {
    u64 low = MAX(usable[i].start, from), high = MIN(usable[i].start + usable[i].size, MIN(to, memory_end));
    while (high >= size && ALIGN_DOWN(high - size, align) >= low && high > low) {
      u64 start = ALIGN_DOWN(high - size, align);
      const struct claim *in_the_way = touched(start, size);
      if (in_the_way != NULL) {
        high = in_the_way->start;
        continue;
      }
      if (start == 0 || !add_claim(name, start, size)) return 0;
      memset(__va(start), 0, size);
      return start;
    }
  }
  return 0;
}

void memory_free(u64 start) {
  for (int i = 0; i < claim_count; i++) {
    if (claims[i].start != start) continue;
    claim_count--;
    memmove(&claims[i], &claims[i + 1], (size_t)(claim_count - i) * sizeof claims[0]);
    return;
  }
}

static void read_nodes(void) {
  for (tree_node node = tree_child(tree_root()); node != 0; node = tree_sibling(node)) {
    u32 length;
    const char *type = tree_property(node, "device_type", NULL);
    if (type == NULL || strcmp(type, "memory") != 0) continue;
    const u8 *reg = tree_property(node, "reg", &length);
    for (u32 i = 0; reg != NULL && i + 16 <= length; i += 16) {
      add_range(ram, &ram_count, tree_u64(reg + i), tree_u64(reg + i + 8));
      /* The node that holds address 0 is the real-mode area. */
      if (tree_u64(reg + i) == 0) rma_size = tree_u64(reg + i + 8);
    }
    const u8 *list = tree_property(node, "linux,usable-memory", &length);
    if (list == NULL) list = tree_property(node, "reg", &length);
    for (u32 i = 0; list != NULL && i + 16 <= length; i += 16)
      add_range(usable, &usable_count, tree_u64(list + i), tree_u64(list + i + 8));
  }
}

/* crashkernel=SIZE@OFFSET. It has to be reserved before anything is allocated. */
static void reserve_crash_kernel(void) {
  const char *text = option("crashkernel"), *end;
  if (text == NULL || option("elfcorehdr") != NULL) return;
  u64 size = ALIGN_UP(parse_number(text, &end), PAGE_SIZE);
  u64 start = *end == '@' ? parse_number(end + 1, NULL) : ALIGN_UP(rma_size / 2, 0x1000000);
  if (size == 0 || start % PAGE_SIZE != 0 || !is_free(start, size)) {
    printk("crashkernel: 0x%lx at 0x%lx is not free\n", size, start);
    return;
  }
  add_claim("crashkernel", start, size);
  crash_reservation.start = start;
  crash_reservation.size = size;
}

static bool every_claim(u64 start) { return true; }
bool (*memory_honours)(u64 start) = every_claim;

/* The vectors, and this image. */
static void claim_kernel(void) {
  add_claim("vectors", 0, LOW_MEMORY);
  if (kernel_base == 0) add_claim("kernel", LOW_MEMORY, (u64)(_end - _stext) - LOW_MEMORY);
  else add_claim("kernel", kernel_base, (u64)(_end - _stext));
}

/* What firmware and loader have put into memory, by the tree. */
static void claim_given(u64 tree, u64 tree_bytes) {
  tree_node chosen = tree_find("/chosen"), rtas = tree_find("/rtas");
  u64 initrd = chosen == 0 ? 0 : tree_address(chosen, "linux,initrd-start"), start, size;
  for (int i = 0; tree_reservation(i, &start, &size); i++)
    if (memory_honours(start)) add_claim("reserve-map", start, size);
  add_claim("tree", tree, tree_bytes);
  if (initrd != 0 && memory_honours(initrd))
    add_claim("initrd", initrd, tree_address(chosen, "linux,initrd-end") - initrd);
  if (rtas != 0) add_claim("rtas", tree_cell(rtas, "linux,rtas-base", 0), tree_cell(rtas, "rtas-size", 0));
}

/* elfcorehdr=ADDRESS or SIZE@ADDRESS. An address alone does not give its size; loaders give it 64 KiB. */
static void claim_elf_header(void) {
  const char *text = option("elfcorehdr");
  if (text == NULL) return;
  u64 start = parse_number(text, &text), size = PAGE_SIZE;
  if (*text == '@') {
    size = start;
    start = parse_number(text + 1, NULL);
  }
  add_claim("elfcorehdr", start, size);
}

void memory_read(u64 tree, u64 tree_bytes) {
  read_nodes();
  memory_end = usable_count == 0 ? 0 : usable[usable_count - 1].start + usable[usable_count - 1].size;
  u64 limit = option_number("mem", 0);
  if (limit != 0) memory_end = MIN(memory_end, limit);
  rma_size = MIN(rma_size, memory_end);
  claim_kernel();
  claim_given(tree, tree_bytes);
  claim_elf_header();
  reserve_crash_kernel();
}

/* The highest free page holds what is written: the mapping reaches it. */
void memory_check(void) {
  u64 page = memory_alloc("check", PAGE_SIZE, PAGE_SIZE, 0, ~0ul);
  if (page == 0) panic("no free memory");
  volatile u64 *words = __va(page);
  for (u64 i = 0; i < PAGE_SIZE / 8; i += 64) words[i] = page + i;
  for (u64 i = 0; i < PAGE_SIZE / 8; i += 64)
    if (words[i] != page + i) panic("memory at 0x%lx does not hold what is written", page + 8 * i);
  memory_free(page);
  printk("memory: highest free page 0x%lx\n", page);
}

/* Entries of 32 bytes: start, size, name padded with zeros to 16. */
void memory_publish(void) {
  static struct {
    u64 start, size;
    char name[16];
  } map[MAX_CLAIMS];
  memset(map, 0, sizeof map);
  for (int i = 0; i < claim_count; i++) {
    map[i].start = claims[i].start;
    map[i].size = claims[i].size;
    memcpy(map[i].name, claims[i].name, MIN(strlen(claims[i].name), sizeof map[i].name - 1));
  }
  tree_node chosen = tree_find("/chosen");
  if (chosen != 0) tree_set(chosen, "kdumpd,allocations", map, (u32)claim_count * sizeof map[0]);
}

bool memory_usable(int n, struct range *range) {
  if (n >= usable_count) return false;
  *range = usable[n];
  if (range->start >= memory_end) return false;
  range->size = MIN(range->size, memory_end - range->start);
  return true;
}
