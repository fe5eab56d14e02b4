/* The crash kernel's work: the dump of the crashed kernel's memory. */
#ifndef VMCORE_H
#define VMCORE_H

#include "lib/lib.h"

/* Writes the dump to the writable disk and reports to the host. */
void write_vmcore(void);

/* ---- ELF64: gABI 4 and, for notes, Linux' <linux/elfcore.h>. In the byte order of the crashed kernel. ---- */

#define ELF_MAGIC 0x7f454c46u
#define ELFCLASS64 2
#define ELFDATA2LSB 1
#define ELFDATA2MSB 2
#define ET_CORE 4
#define EM_PPC64 21
#define PT_LOAD 1
#define PT_NOTE 4
#define NT_PRSTATUS 1

struct elf_header {
  u8 ident[16];
  u16 type;
  u16 machine;
  u32 version;
  u64 entry;
  u64 phoff;
  u64 shoff;
  u32 flags;
  u16 ehsize;
  u16 phentsize;
  u16 phnum;
  u16 shentsize;
  u16 shnum;
  u16 shstrndx;
};

struct elf_program {
  u32 type;
  u32 flags;
  u64 offset;
  u64 vaddr;
  u64 paddr;
  u64 filesz;
  u64 memsz;
  u64 align;
};

struct elf_note {
  u32 name_size;
  u32 desc_size;
  u32 type;
};

#endif
