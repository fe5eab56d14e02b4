/**
 * The values of ELF64 fields that we read or write.
 * Source: System V ABI, Generic ABI 4.1 with its 2013 update (PN_XNUM), chapters 4 and 5; 64-bit PowerPC ELF ABI
 * supplements for the machine and the ABI version in e_flags.
 */

export const ELF_MAGIC: readonly number[] = [0x7f, 0x45, 0x4c, 0x46];
export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const ELFDATA2MSB = 2;
export const EV_CURRENT = 1;

export const ET_REL = 1;
export const ET_EXEC = 2;
export const ET_DYN = 3;
export const ET_CORE = 4;

export const EM_PPC64 = 21;

export const PT_NULL = 0;
export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;
export const PT_NOTE = 4;

export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

export const SHT_NULL = 0;
export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_NOBITS = 8;

/** In e_shstrndx: the real index is in section 0's sh_link. */
export const SHN_XINDEX = 0xffff;
/** In e_phnum: the real count is in section 0's sh_info. */
export const PN_XNUM = 0xffff;

export const STB_LOCAL = 0;
