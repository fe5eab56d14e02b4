/*
 * The crash kernel's only work: the dead kernel's memory goes to the writable disk as an ELF core, the way Linux'
 * /proc/vmcore shows it (Linux 6.1 fs/proc/vmcore.c): headers; all notes put together; then each piece of memory.
 *
 * What to dump comes from the header that the loader left at elfcorehdr=: a PT_NOTE for each place where the old
 * kernel keeps notes, by real address; a PT_LOAD for each range, whose p_offset is the real address to read (the
 * backup region for the first 64 KiB) and whose p_paddr is what it was. The dump has the byte order of that header,
 * which is the crashed kernel's.
 *
 * Memory goes from where it lies straight to the disk; this kernel never maps it, but for notes. Left out: filters,
 * compression (the mode is always raw), dumps with more than 128 ranges.
 */
#include "vmcore/vmcore.h"

#include "arch/arch.h"
#include "block/block.h"
#include "console/console.h"
#include "memory/memory.h"
#include "mmu/mmu.h"
#include "printk/printk.h"
#include "tree/tree.h"

#define MAX_LOADS 128
#define HEAD_BYTES 0x10000
#define REQUEST_BYTES 0x1000000ul
/* Where ranges begin in the file: whole sectors, and what readers map. */
#define FILE_ALIGN 0x1000ul

/* Headers and notes are put together here; the rest is never copied. */
static u8 head[HEAD_BYTES] __aligned(0x1000);
static struct elf_program loads[MAX_LOADS];

struct dump {
  const char *phase; /* with the reason: why it cannot be done */
  const char *reason;
  bool swapped; /* the crashed kernel was little-endian */
  u32 load_count;
  u64 notes_length;
  u64 head_length;
  u64 bytes;
};

static u16 order16(const struct dump *dump, u16 v) { return dump->swapped ? __builtin_bswap16(v) : v; }
static u32 order32(const struct dump *dump, u32 v) { return dump->swapped ? __builtin_bswap32(v) : v; }
static u64 order64(const struct dump *dump, u64 v) { return dump->swapped ? __builtin_bswap64(v) : v; }

static bool fail(struct dump *dump, const char *phase, const char *reason) {
  dump->phase = phase;
  dump->reason = reason;
  return false;
}

/* Memory that this kernel does not own, to be read; NULL where there is none. */
static const void *old_memory(u64 raddr, u64 size) {
  return memory_is_ram(raddr, size) ? map_old_memory(raddr, size) : NULL;
}

/* elfcorehdr=[SIZE@]ADDRESS. */
static u64 header_address(void) {
  const char *text = option("elfcorehdr");
  u64 address = parse_number(text, &text);

  return *text == '@' ? parse_number(text + 1, &text) : address;
}

/* Where notes go: behind the headers that `loads` ranges will need. */
static u64 notes_at(u32 load_count) {
  return sizeof(struct elf_header) + (1 + (u64)load_count) * sizeof(struct elf_program);
}

/* Notes end at the first without a name: the rest of the place was never written, because its CPU never answered. */
static bool add_notes(struct dump *dump, u8 *to, u64 room, u64 raddr, u64 size) {
  const u8 *from = old_memory(raddr, size);

  if (from == NULL)
    return fail(dump, "vmcore", "notes lie outside memory");
  while (size >= sizeof(struct elf_note)) {
    const struct elf_note *note = (const struct elf_note *)from;
    u64 length = sizeof(*note) + ALIGN_UP((u64)order32(dump, note->name_size), 4) +
                 ALIGN_UP((u64)order32(dump, note->desc_size), 4);

    if (note->name_size == 0)
      break;
    if (length > size)
      return fail(dump, "vmcore", "a note is longer than its place");
    if (dump->notes_length + length > room)
      return fail(dump, "vmcore", "more notes than there is room for");
    memcpy(to + dump->notes_length, from, length);
    dump->notes_length += length;
    from += length;
    size -= length;
  }
  return true;
}

static bool read_header(struct dump *dump, u64 address) {
  const struct elf_header *header = old_memory(address, sizeof(*header));
  const struct elf_program *program;
  u32 count;

  if (header == NULL)
    return fail(dump, "vmcore", "elfcorehdr= is outside memory");
  if (tree_u32(header->ident) != ELF_MAGIC || header->ident[4] != ELFCLASS64 ||
      (header->ident[5] != ELFDATA2MSB && header->ident[5] != ELFDATA2LSB))
    return fail(dump, "vmcore", "there is no ELF header at elfcorehdr=");
  dump->swapped = header->ident[5] == ELFDATA2LSB;
  if (order16(dump, header->type) != ET_CORE || order16(dump, header->machine) != EM_PPC64 ||
      order16(dump, header->phentsize) != sizeof(*program))
    return fail(dump, "vmcore", "the header at elfcorehdr= is not a ppc64 core's");

  count = order16(dump, header->phnum);
  program = old_memory(address + order64(dump, header->phoff), (u64)count * sizeof(*program));
  if (program == NULL)
    return fail(dump, "vmcore", "program headers lie outside memory");
  for (u32 i = 0; i < count; i++) {
    if (order32(dump, program[i].type) != PT_LOAD)
      continue;
    if (dump->load_count == MAX_LOADS)
      return fail(dump, "vmcore", "more memory ranges than there is room for");
    loads[dump->load_count++] = program[i];
  }
  for (u32 i = 0; i < count; i++) {
    u64 at = notes_at(dump->load_count);

    if (order32(dump, program[i].type) == PT_NOTE &&
        !add_notes(dump, head + at, HEAD_BYTES - at, order64(dump, program[i].offset),
                   order64(dump, program[i].filesz)))
      return false;
  }

  memcpy(head, header, sizeof(*header));
  return true;
}

/* The dump's own headers. What `loads` says of where memory lies is still needed: only the copy has file offsets. */
static void build_headers(struct dump *dump) {
  struct elf_header *header = (struct elf_header *)head;
  struct elf_program *program = (struct elf_program *)(header + 1);
  u64 at = notes_at(dump->load_count);

  header->phoff = order64(dump, sizeof(*header));
  header->phnum = order16(dump, (u16)(1 + dump->load_count));
  header->shoff = 0;
  header->shnum = 0;
  header->shstrndx = 0;

  memset(program, 0, sizeof(*program));
  program->type = order32(dump, PT_NOTE);
  program->offset = order64(dump, at);
  program->filesz = order64(dump, dump->notes_length);
  program->memsz = program->filesz;

  at += dump->notes_length;
  dump->head_length = ALIGN_UP(at, SECTOR);
  for (u32 i = 0; i < dump->load_count; i++) {
    at = ALIGN_UP(at, FILE_ALIGN);
    *++program = loads[i];
    program->offset = order64(dump, at);
    program->vaddr = order64(dump, PAGE_OFFSET + order64(dump, loads[i].paddr));
    program->memsz = loads[i].filesz;
    at += order64(dump, loads[i].filesz);
  }
  dump->bytes = at;
}

/* Whole sectors; where a range ends within one, the next is a copy of its last bytes and zeros. */
static int write_range(struct disk *disk, u64 offset, u64 raddr, u64 length) {
  static u8 last[SECTOR] __aligned(SECTOR);
  u64 whole = ALIGN_DOWN(length, SECTOR);
  const u8 *rest;

  for (u64 done = 0; done < whole; done += REQUEST_BYTES) {
    struct piece piece = {raddr + done, (u32)MIN(REQUEST_BYTES, whole - done)};
    int error = block_write(disk, offset + done, &piece, 1);

    if (error != 0)
      return error;
  }
  if (whole == length)
    return 0;
  rest = old_memory(raddr + whole, length - whole);
  if (rest == NULL)
    return -1;
  memset(last, 0, sizeof(last));
  memcpy(last, rest, length - whole);
  return block_write(disk, offset + whole, &(struct piece){__pa(last), SECTOR}, 1);
}

static bool write_all(struct dump *dump, struct disk *disk) {
  const struct elf_program *program = (const struct elf_program *)(head + sizeof(struct elf_header)) + 1;

  for (u32 i = 0; i < dump->load_count; i++)
    if (write_range(disk, order64(dump, program[i].offset), order64(dump, loads[i].offset),
                    order64(dump, loads[i].filesz)) != 0)
      return fail(dump, "write", "the disk did not take the dump");
  /* The headers last: a dump that was cut short has none, and cannot be taken for a whole one. */
  if (write_range(disk, 0, __pa(head), dump->head_length) != 0 || block_flush(disk) != 0)
    return fail(dump, "write", "the disk did not take the dump's headers");
  return true;
}

static bool __noinline dump_memory(struct dump *dump) {
  const char *mode = option("kdumpd.dump");
  struct disk *disk;

  if (mode != NULL && *mode != 0 && !option_is("kdumpd.dump", "raw"))
    return fail(dump, "filter", "this kernel writes raw dumps only");
  if (block_init() == 0 || (disk = block_find(false)) == NULL)
    return fail(dump, "device", "no writable disk was found");
  if (!read_header(dump, header_address()))
    return false;
  build_headers(dump);
  printk("vmcore: %lu bytes, %u ranges, %lu bytes of notes\n", dump->bytes, dump->load_count,
         dump->notes_length);
  agent_say("kdumpd-agent dump-start raw");
  if (ALIGN_UP(dump->bytes, SECTOR) > block_bytes(disk))
    return fail(dump, "no-space", "the disk is smaller than the dump");
  return write_all(dump, disk);
}

void write_vmcore(void) {
  struct dump dump = {0};

  if (dump_memory(&dump))
    agent_say("kdumpd-agent dump-done %lu", dump.bytes);
  else
    agent_say("kdumpd-agent dump-failed %s %s", dump.phase, dump.reason);
  block_shutdown();
}
