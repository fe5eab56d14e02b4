/*
 * kexec_load: takes an image, or refuses it. What is asked and how it is refused is Linux' (6.1 kernel/kexec_core.c,
 * sanity_check_segment_list; arch/powerpc/kexec/core_64.c, machine_kexec_prepare), in an order of our own: what would
 * destroy the running kernel is refused first, with ETXTBSY, whatever else is wrong with the segment.
 *
 * A crash image is put where it will run, at once: nothing is copied after a panic. An ordinary one waits in memory
 * that no segment will be copied to, and in an indirection list.
 */
#include "console/console.h"
#include "kexec/kexec.h"
#include "memory/memory.h"
#include "tree/tree.h"

#define LIST_ENTRIES (PAGE_SIZE / sizeof(u64))

struct kimage crash_image, next_image;
char kexec_refusal[96];

static bool overlap(u64 a, u64 a_size, u64 b, u64 b_size) { return a < b + b_size && b < a + a_size; }

int kexec_refuse(int error, const struct kimage *image, int n, const char *why) {
  snprint(kexec_refusal, sizeof(kexec_refusal), "segment %d at 0x%lx+0x%lx %s", n, image->segment[n].mem,
          image->segment[n].memsz, why);
  return -error;
}

/* Shape: what no machine could take. */
static int check_segments(const struct kimage *image) {
  for (int i = 0; i < image->segments; i++) {
    const struct kexec_segment *one = &image->segment[i];

    if (one->mem % KEXEC_PAGE != 0 || one->memsz % KEXEC_PAGE != 0)
      return kexec_refuse(EADDRNOTAVAIL, image, i, "is not whole pages");
    if (one->mem + one->memsz < one->mem)
      return kexec_refuse(EADDRNOTAVAIL, image, i, "wraps around");
    if (one->bufsz > one->memsz)
      return kexec_refuse(EINVAL, image, i, "has more bytes than room");
    for (int j = 0; j < i; j++)
      if (overlap(one->mem, one->memsz, image->segment[j].mem, image->segment[j].memsz))
        return kexec_refuse(EINVAL, image, i, "lies over another");
  }
  return 0;
}

int kexec_check_places(const struct kimage *image) {
  u64 end = crash_reservation.start + crash_reservation.size;

  for (int i = 0; i < image->segments; i++) {
    const struct kexec_segment *one = &image->segment[i];

    if (image->crash && (one->mem < crash_reservation.start || one->mem + one->memsz > end))
      return kexec_refuse(EADDRNOTAVAIL, image, i, "is outside the crashkernel reservation");
    if (one->memsz != 0 && !memory_is_ram(one->mem, one->memsz))
      return kexec_refuse(EADDRNOTAVAIL, image, i, "is not memory");
  }
  if (image->crash && (image->start < crash_reservation.start || image->start >= end)) {
    snprint(kexec_refusal, sizeof(kexec_refusal), "entry 0x%lx is outside the crashkernel reservation",
            image->start);
    return -EADDRNOTAVAIL;
  }
  return 0;
}

/* Firmware without a hypervisor puts TCE tables into memory and says so at the bridge. */
static int check_tce_tables(const struct kimage *image) {
  for (tree_node node = tree_child(tree_root()); node != 0; node = tree_sibling(node)) {
    const void *base = tree_property(node, "linux,tce-base", NULL);
    u32 size = tree_cell(node, "linux,tce-size", 0);

    for (int i = 0; base != NULL && i < image->segments; i++)
      if (overlap(image->segment[i].mem, image->segment[i].memsz, tree_u64(base), size))
        return kexec_refuse(ETXTBSY, image, i, "lies over a TCE table");
  }
  return 0;
}

int kexec_check_payload(const struct kimage *image) {
  (void)image;
  return 0;
}

int __noinline machine_kexec_prepare(struct kimage *image) {
  for (int i = 0; i < image->segments; i++)
    if (image->segment[i].memsz != 0 && image->segment[i].mem < __pa(_end))
      return kexec_refuse(ETXTBSY, image, i, "lies over the running kernel");
  return check_tce_tables(image);
}

/* Nothing was set up at load, so there is nothing to undo; the call is the contract. */
void __noinline machine_kexec_cleanup(struct kimage *image) {
  __asm__ volatile("" ::"r"(image) : "memory");
}

u64 kexec_allocate_beside(const struct kimage *image, u64 size, u64 below) {
  while (below >= size) {
    u64 at = memory_alloc("kexec image", size, PAGE_SIZE, 0, below);
    int hit = -1;

    if (at == 0)
      return 0;
    for (int i = 0; i < image->segments && hit < 0; i++)
      if (overlap(at, size, image->segment[i].mem, image->segment[i].memsz))
        hit = i;
    if (hit < 0)
      return at;
    memory_free(at);
    below = image->segment[hit].mem;
  }
  return 0;
}

static void free_memory(struct kimage *image) {
  for (int i = 0; i < image->segments; i++)
    if (image->source[i] != 0)
      memory_free(image->source[i]);
  if (image->list != 0)
    memory_free(image->list);
  if (image->control != 0)
    memory_free(image->control);
}

/* Unloads. */
static void kimage_free(struct kimage *image) {
  kexec_steps.cleanup(image);
  free_memory(image);
  memset(image, 0, sizeof(*image));
}

/* In place, the rest of each segment zeroed. */
static void load_crash(struct kimage *image) {
  image->head = IND_DONE;
  for (int i = 0; i < image->segments; i++) {
    struct kexec_segment *one = &image->segment[i];

    memcpy(__va(one->mem), one->buf, one->bufsz);
    memset((u8 *)__va(one->mem) + one->bufsz, 0, one->memsz - one->bufsz);
  }
}

/* Appends to the list, whose pages lie one behind another, each with a link to the next in its last entry. */
static void append(struct kimage *image, u64 *count, u64 entry) {
  u64 *list = __va(image->list);

  if (*count % LIST_ENTRIES == LIST_ENTRIES - 1) {
    list[*count] = (image->list + (*count + 1) * sizeof(u64)) | IND_INDIRECTION;
    ++*count;
  }
  list[(*count)++] = entry;
}

static int load_normal(struct kimage *image) {
  u64 pages = 0, count = 0;

  for (int i = 0; i < image->segments; i++) {
    struct kexec_segment *one = &image->segment[i];

    pages += one->memsz / KEXEC_PAGE;
    if (one->memsz == 0)
      continue;
    image->source[i] = kexec_allocate_beside(image, one->memsz, memory_end);
    if (image->source[i] == 0)
      return kexec_refuse(ENOMEM, image, i, "finds no memory to wait in");
    memcpy(__va(image->source[i]), one->buf, one->bufsz);
  }
  image->list = kexec_allocate_beside(image, ALIGN_UP((pages + KEXEC_SEGMENT_MAX + 1) * sizeof(u64) * 2, PAGE_SIZE), memory_end);
  image->control = kexec_allocate_beside(image, PAGE_SIZE, memory_end);
  if (image->list == 0 || image->control == 0)
    return -ENOMEM;
  for (int i = 0; i < image->segments; i++) {
    append(image, &count, image->segment[i].mem | IND_DESTINATION);
    for (u64 at = 0; at < image->segment[i].memsz; at += KEXEC_PAGE)
      append(image, &count, (image->source[i] + at) | IND_SOURCE);
  }
  append(image, &count, IND_DONE);
  image->head = image->list | IND_INDIRECTION;
  return 0;
}

static int load_image(struct kimage *image) {
  int error = check_segments(image);

  if (error == 0)
    error = kexec_steps.check_payload(image);
  if (error == 0)
    error = kexec_steps.prepare(image);
  if (error == 0)
    error = kexec_steps.check_places(image);
  if (error != 0)
    return error;
  if (!image->crash)
    return load_normal(image);
  load_crash(image);
  return 0;
}

long sys_kexec_load(u64 entry, u64 segments, u64 list, u64 flags) {
  static struct kimage new_image;
  static volatile u32 busy;
  struct kimage *image = flags & KEXEC_ON_CRASH ? &crash_image : &next_image;
  u64 arch = flags & KEXEC_ARCH_MASK;
  long error = 0;

  kexec_refusal[0] = 0;
  if ((flags & ~(KEXEC_ON_CRASH | KEXEC_ARCH_MASK)) != 0 || segments > KEXEC_SEGMENT_MAX ||
      (arch != 0 && arch != KEXEC_ARCH_PPC64))
    return -EINVAL;
  if (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE) != 0)
    return -EBUSY;
  /* The reservation holds one image: the old one goes first, and a load that fails leaves none. */
  if (image->loaded)
    kimage_free(image);
  if (segments != 0) {
    new_image = (struct kimage){.crash = (flags & KEXEC_ON_CRASH) != 0, .start = entry, .segments = (int)segments};
    memcpy(new_image.segment, (const void *)list, segments * sizeof(new_image.segment[0]));
    error = load_image(&new_image);
    if (error != 0) {
      kimage_free(&new_image);
    } else {
      new_image.loaded = true;
      *image = new_image;
    }
  }
  __atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
  return error;
}

/* The agent's command `status`. */
static void run_status(const char *arguments) {
  (void)arguments;
  agent_say("ok status loaded=%d", crash_image.loaded);
}
AGENT_COMMAND("status", run_status);
