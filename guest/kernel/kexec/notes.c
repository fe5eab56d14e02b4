/*
 * What the crashed kernel leaves about itself: for each CPU a note with its registers, and VMCOREINFO.
 * NT_PRSTATUS is Linux' struct elf_prstatus for ppc64 (include/linux/elfcore.h, 504 bytes): signal, process ids, times,
 * 48 registers. The process id is the logical CPU plus one, so that gdb shows as many threads as there are CPUs.
 * The crash time is 0: the same crash gives the same dump.
 */
#include "arch/arch.h"
#include "console/console.h"
#include "cpu/cpu.h"
#include "kexec/kexec.h"
#include "memory/memory.h"

#define NOTE_BYTES 0x400
#define VMCOREINFO_BYTES 0x1000
#define NT_PRSTATUS 1

struct note_header {
  u32 name_size;
  u32 desc_size;
  u32 type;
};

struct prstatus {
  s32 signal[3];
  s16 current_signal;
  u64 pending;
  u64 held;
  s32 pid;
  s32 ppid;
  s32 pgrp;
  s32 sid;
  u64 times[8];
  u64 registers[48];
  s32 float_valid;
};

_Static_assert(sizeof(struct prstatus) == 504, "struct elf_prstatus");
_Static_assert(__builtin_offsetof(struct prstatus, registers) == 112, "pr_reg");

static u8 crash_notes[MAX_CPUS][NOTE_BYTES] __aligned(NOTE_BYTES);
static u8 vmcoreinfo_note[VMCOREINFO_BYTES] __aligned(VMCOREINFO_BYTES);
static char *crash_time;

/* One note, and an empty one behind it that ends the list. */
static u8 *put_note(u8 *at, const char *name, u32 type, const void *desc, u32 size) {
  u32 name_size = (u32)strlen(name) + 1;
  struct note_header header = {name_size, size, type};

  memcpy(at, &header, sizeof(header));
  at += sizeof(header);
  memset(at, 0, ALIGN_UP(name_size, 4));
  memcpy(at, name, name_size);
  at += ALIGN_UP(name_size, 4);
  if (desc != NULL)
    memcpy(at, desc, size);
  memset(at + ALIGN_UP(size, 4), 0, sizeof(header));
  return at;
}

void kexec_write_note(const struct pt_regs *regs, int cpu) {
  struct prstatus status;

  memset(&status, 0, sizeof(status));
  status.pid = cpu + 1;
  memcpy(status.registers, regs, sizeof(status.registers));
  put_note(crash_notes[cpu], "CORE", NT_PRSTATUS, &status, sizeof(status));
}

void __noinline crash_save_cpu(struct pt_regs *regs, int cpu) { kexec_steps.save_registers(regs, cpu); }

#define HEAD_OF_NOTE (sizeof(struct note_header) + 12) /* with "VMCOREINFO" */
#define TEXT_ROOM (VMCOREINFO_BYTES - HEAD_OF_NOTE - sizeof(struct note_header))

void notes_init(void) {
  static char text[TEXT_ROOM];
  int length;

  memset(crash_notes, 0, sizeof(crash_notes));
  length = snprint(text, sizeof(text),
                   "OSRELEASE=kdumpd-guest-1\n"
                   "PAGESIZE=%lu\n"
                   "SYMBOL(_stext)=%lx\n"
                   "SYMBOL(_end)=%lx\n"
                   "SYMBOL(pacas)=%lx\n"
                   "SYMBOL(cpu_count)=%lx\n"
                   "SIZE(paca)=%lu\n"
                   "NUMBER(cpus)=%d\n"
                   "KERNELOFFSET=%lx\n",
                   (u64)PAGE_SIZE, (u64)_stext, (u64)_end, (u64)pacas, (u64)&cpu_count, sizeof(struct paca),
                   cpu_count, kernel_base);
  /* The time is filled in at the crash. */
  length += snprint(text + length, sizeof(text) - (size_t)length, "CRASHTIME=");
  crash_time = (char *)put_note(vmcoreinfo_note, "VMCOREINFO", 0, text, (u32)length + 2) + length;
  memcpy(crash_time, "-\n", 2);
}

void notes_crash_time(void) { *crash_time = '0'; }

void kexec_say_facts(void) {
  char text[MAX_CPUS * 19 + 1], reserved[64] = "";
  int length = 0;

  text[0] = 0;
  for (int cpu = 0; cpu < cpu_count; cpu++)
    length += snprint(text + length, sizeof(text) - (size_t)length, "%s0x%lx", cpu == 0 ? "" : ",",
                      __pa(crash_notes[cpu]));
  if (crash_reservation.size != 0)
    snprint(reserved, sizeof(reserved), " reserved=0x%lx+0x%lx", crash_reservation.start, crash_reservation.size);
  agent_say("kdumpd-agent facts notes=%s note-size=%d vmcoreinfo=0x%lx+0x%x kernel=0x%lx+0x%lx%s", text, NOTE_BYTES,
            __pa(vmcoreinfo_note), VMCOREINFO_BYTES, __pa(_stext), (u64)(_end - _stext), reserved);
}
