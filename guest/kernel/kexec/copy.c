/*
 * Copies an ordinary image to its place, while everything that is not static kernel memory is being copied over; under
 * radix in real mode.
 */
#include "kexec/kexec.h"

static void copy_page(u64 *to, const u64 *from) {
  for (u32 i = 0; i < KEXEC_PAGE / sizeof(u64); i++)
    to[i] = from[i];
}

static void copy_segments(u64 head) {
  const u64 *list = NULL;
  u64 *to = NULL;

  for (u64 entry = head; !(entry & IND_DONE); entry = *list++) {
    void *page = __va(entry & ~IND_FLAGS);

    if (entry & IND_INDIRECTION)
      list = page;
    else if (entry & IND_DESTINATION)
      to = page;
    else if (entry & IND_SOURCE) {
      copy_page(to, page);
      to += KEXEC_PAGE / sizeof(u64);
    }
  }
}

/* Every destination, because a crash image has been in place since its load. */
void __noinline kexec_copy_flush(struct kimage *image) {
  copy_segments(image->head);
  for (int i = 0; i < image->segments; i++) {
    const char *at = __va(image->segment[i].mem);

    for (const char *end = at + image->segment[i].memsz; at < end; at += 128)
      __asm__ volatile("dcbst 0,%0; icbi 0,%0" ::"r"(at) : "memory");
  }
  __asm__ volatile("sync; isync" ::: "memory");
}
