/*
 * Loading by plan: the host has worked out what goes where and written it to the read-only disk; this kernel reads it
 * and calls kexec_load by `sc`, the way a program would. Here the plan is checked only for what reading it needs;
 * kexec_load decides whether the image is good.
 *
 * The disk, big-endian. Sector 0: "KDPLANS1", u32 count, u32 0, and for each plan its name (16 bytes, zero padded),
 * u64 offset, u64 length. A plan, at its offset: "KDPLAN01", u32 flags (1: for a crash), u32 segments, u64 entry, u64 0,
 * and for each segment u64 offset on the disk, u64 bufsz, u64 mem, u64 memsz. Offsets are multiples of 4096.
 */
#include "block/block.h"
#include "console/console.h"
#include "interrupt/interrupt.h"
#include "kexec/kexec.h"
#include "memory/memory.h"

#define DIRECTORY_MAGIC "KDPLANS1"
#define PLAN_MAGIC "KDPLAN01"
#define MAGIC_BYTES 8
#define PLAN_ALIGN 0x1000
#define PLAN_HEAD 0x1000
#define REQUEST_BYTES 0x1000000ul

struct directory_entry {
  char name[16];
  u64 offset;
  u64 length;
};

struct directory {
  char magic[MAGIC_BYTES];
  u32 count;
  u32 zero;
  struct directory_entry entry[(SECTOR - 16) / 32];
};

struct plan {
  char magic[MAGIC_BYTES];
  u32 flags;
  u32 segments;
  u64 entry;
  u64 zero;
  struct {
    u64 offset;
    u64 bufsz;
    u64 mem;
    u64 memsz;
  } segment[KEXEC_SEGMENT_MAX];
};

_Static_assert(sizeof(struct directory) <= SECTOR, "one sector");
_Static_assert(sizeof(struct plan) <= PLAN_HEAD, "one page");

static u8 sector[PLAN_HEAD] __aligned(PLAN_HEAD);
static const char *why; /* what is wrong with the plan */

static int bad(const char *text) {
  why = text;
  return -EINVAL;
}

static int read_bytes(struct disk *disk, u64 offset, u64 raddr, u64 length) {
  for (u64 done = 0; done < length; done += REQUEST_BYTES) {
    struct piece piece = {raddr + done, (u32)MIN(REQUEST_BYTES, length - done)};
    int error = block_read(disk, offset + done, &piece, 1);

    if (error != 0)
      return error;
  }
  return 0;
}

static bool on_disk(const struct disk *disk, u64 offset, u64 length) {
  return offset % PLAN_ALIGN == 0 && offset <= block_bytes(disk) &&
         ALIGN_UP(length, SECTOR) <= block_bytes(disk) - offset && length + SECTOR > length;
}

/* The plan of that name. */
static int read_plan(struct disk *disk, const char *name, struct plan *plan) {
  const struct directory *directory = (const void *)sector;
  const struct directory_entry *found = NULL;
  int error = read_bytes(disk, 0, __pa(sector), SECTOR);

  if (error != 0)
    return error;
  if (memcmp(directory->magic, DIRECTORY_MAGIC, MAGIC_BYTES) != 0)
    return bad("there is no plan on the disk");
  for (u32 i = 0; i < directory->count && i < ARRAY_SIZE(directory->entry) && found == NULL; i++)
    if (strncmp(directory->entry[i].name, name, sizeof(directory->entry[i].name)) == 0)
      found = &directory->entry[i];
  if (found == NULL)
    return bad("the disk has no plan of that name");
  if (found->length < sizeof(*plan) - sizeof(plan->segment) || !on_disk(disk, found->offset, PLAN_HEAD))
    return bad("the plan is outside the disk");
  error = read_bytes(disk, found->offset, __pa(sector), PLAN_HEAD);
  if (error != 0)
    return error;
  memcpy(plan, sector, sizeof(*plan));
  if (memcmp(plan->magic, PLAN_MAGIC, MAGIC_BYTES) != 0)
    return bad("the plan has another magic");
  if (plan->segments > KEXEC_SEGMENT_MAX)
    return bad("the plan has too many segments");
  for (u32 i = 0; i < plan->segments; i++)
    if (!on_disk(disk, plan->segment[i].offset, plan->segment[i].bufsz))
      return bad("a segment is outside the disk");
  return 0;
}

/* Reads all segments into memory of their own, has them loaded, and gives the memory back. */
static int load_plan(struct disk *disk, const struct plan *plan) {
  struct kexec_segment list[KEXEC_SEGMENT_MAX];
  u64 memory[KEXEC_SEGMENT_MAX];
  int error = 0;

  memset(memory, 0, sizeof(memory));
  for (u32 i = 0; i < plan->segments && error == 0; i++) {
    u64 length = ALIGN_UP(plan->segment[i].bufsz, SECTOR);

    list[i] = (struct kexec_segment){NULL, plan->segment[i].bufsz, plan->segment[i].mem, plan->segment[i].memsz};
    if (length == 0)
      continue;
    memory[i] = memory_alloc("plan", length, PAGE_SIZE, 0, memory_end);
    if (memory[i] == 0) {
      why = "no memory to read the segments into";
      error = -ENOMEM;
      break;
    }
    list[i].buf = __va(memory[i]);
    error = read_bytes(disk, plan->segment[i].offset, memory[i], length);
  }
  if (error == 0) {
    error = (int)syscall4(SYSCALL_KEXEC_LOAD, plan->entry, plan->segments, (u64)list,
                          (plan->flags & KEXEC_ON_CRASH) | KEXEC_ARCH_PPC64);
    why = kexec_refusal;
  }
  for (u32 i = 0; i < plan->segments; i++)
    if (memory[i] != 0)
      memory_free(memory[i]);
  return error;
}

static int load(const char *name) {
  struct disk *disk = block_find(true);
  struct plan plan;
  int error;

  why = "";
  if (disk == NULL) {
    why = "there is no read-only disk";
    return -ENODEV;
  }
  error = read_plan(disk, name, &plan);
  return error != 0 ? error : load_plan(disk, &plan);
}

static void answer(const char *command, const char *arguments, int error) {
  if (error == 0)
    agent_say("ok %s%s%s", command, *arguments == 0 ? "" : " ", arguments);
  else
    agent_say("error %s %s%s%s", command, errno_name(-error), why == NULL || *why == 0 ? "" : " ",
              why == NULL ? "" : why);
}

static void run_load(const char *arguments) {
  int error = load("crash");

  answer("load", *arguments == 0 ? "raw" : arguments, error);
}
AGENT_COMMAND("load", run_load);

static void run_load_next(const char *arguments) {
  (void)arguments;
  answer("load-next", "", load("next"));
}
AGENT_COMMAND("load-next", run_load_next);

static void run_unload(const char *arguments) {
  (void)arguments;
  why = "";
  answer("unload", "", (int)syscall4(SYSCALL_KEXEC_LOAD, 0, 0, 0, KEXEC_ON_CRASH));
}
AGENT_COMMAND("unload", run_unload);

static void run_kexec(const char *arguments) {
  (void)arguments;
  why = "no ordinary image is loaded";
  if (!next_image.loaded) {
    answer("kexec", "", -EINVAL);
    return;
  }
  answer("kexec", "", 0);
  kernel_kexec();
}
AGENT_COMMAND("kexec", run_kexec);
