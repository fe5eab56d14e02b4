/**
 * The structures of ELF64, as tables.
 * Source: System V ABI, Generic ABI 4.1, figures 4-3 (header), 4-8 (section header), 4-16 (symbol), 5-1 (program
 * header), 5-7 (note), with the ELF-64 Object File Format 1.5 widths.
 */

export const ELF_HEADER = {
  name: 'Elf64_Ehdr',
  size: 64,
  fields: {
    e_ident: { offset: 0, type: 'bytes', size: 16, source: 'gABI 4, ELF identification' },
    e_type: { offset: 16, type: 'u16', source: 'gABI figure 4-3' },
    e_machine: { offset: 18, type: 'u16', source: 'gABI figure 4-3' },
    e_version: { offset: 20, type: 'u32', source: 'gABI figure 4-3' },
    e_entry: { offset: 24, type: 'u64', source: 'gABI figure 4-3' },
    e_phoff: { offset: 32, type: 'u64', source: 'gABI figure 4-3' },
    e_shoff: { offset: 40, type: 'u64', source: 'gABI figure 4-3' },
    e_flags: { offset: 48, type: 'u32', source: 'gABI figure 4-3' },
    e_ehsize: { offset: 52, type: 'u16', source: 'gABI figure 4-3' },
    e_phentsize: { offset: 54, type: 'u16', source: 'gABI figure 4-3' },
    e_phnum: { offset: 56, type: 'u16', source: 'gABI figure 4-3; 0xffff: PN_XNUM' },
    e_shentsize: { offset: 58, type: 'u16', source: 'gABI figure 4-3' },
    e_shnum: {
      offset: 60,
      type: 'u16',
      source: 'gABI figure 4-3; 0 with e_shoff set: in sh_size of section 0',
    },
    e_shstrndx: { offset: 62, type: 'u16', source: 'gABI figure 4-3; 0xffff: SHN_XINDEX' },
  },
} as const;

export const PROGRAM_HEADER = {
  name: 'Elf64_Phdr',
  size: 56,
  fields: {
    p_type: { offset: 0, type: 'u32', source: 'gABI figure 5-1' },
    p_flags: { offset: 4, type: 'u32', source: 'gABI figure 5-1' },
    p_offset: { offset: 8, type: 'u64', source: 'gABI figure 5-1' },
    p_vaddr: { offset: 16, type: 'u64', source: 'gABI figure 5-1' },
    p_paddr: { offset: 24, type: 'u64', source: 'gABI figure 5-1' },
    p_filesz: { offset: 32, type: 'u64', source: 'gABI figure 5-1' },
    p_memsz: { offset: 40, type: 'u64', source: 'gABI figure 5-1' },
    p_align: { offset: 48, type: 'u64', source: 'gABI figure 5-1' },
  },
} as const;

export const SECTION_HEADER = {
  name: 'Elf64_Shdr',
  size: 64,
  fields: {
    sh_name: { offset: 0, type: 'u32', source: 'gABI figure 4-8' },
    sh_type: { offset: 4, type: 'u32', source: 'gABI figure 4-8' },
    sh_flags: { offset: 8, type: 'u64', source: 'gABI figure 4-8' },
    sh_addr: { offset: 16, type: 'u64', source: 'gABI figure 4-8' },
    sh_offset: { offset: 24, type: 'u64', source: 'gABI figure 4-8' },
    sh_size: { offset: 32, type: 'u64', source: 'gABI figure 4-8' },
    sh_link: { offset: 40, type: 'u32', source: 'gABI figure 4-8' },
    sh_info: { offset: 44, type: 'u32', source: 'gABI figure 4-8' },
    sh_addralign: { offset: 48, type: 'u64', source: 'gABI figure 4-8' },
    sh_entsize: { offset: 56, type: 'u64', source: 'gABI figure 4-8' },
  },
} as const;

export const SYMBOL = {
  name: 'Elf64_Sym',
  size: 24,
  fields: {
    st_name: { offset: 0, type: 'u32', source: 'gABI figure 4-16' },
    st_info: { offset: 4, type: 'u8', source: 'gABI figure 4-16' },
    st_other: { offset: 5, type: 'u8', source: 'gABI figure 4-16' },
    st_shndx: { offset: 6, type: 'u16', source: 'gABI figure 4-16' },
    st_value: { offset: 8, type: 'u64', source: 'gABI figure 4-16' },
    st_size: { offset: 16, type: 'u64', source: 'gABI figure 4-16' },
  },
} as const;

/** Words of 4 bytes also in a 64-bit file: what every producer of core files writes. */
export const NOTE_HEADER = {
  name: 'Elf64_Nhdr',
  size: 12,
  fields: {
    n_namesz: { offset: 0, type: 'u32', source: 'gABI figure 5-7' },
    n_descsz: { offset: 4, type: 'u32', source: 'gABI figure 5-7' },
    n_type: { offset: 8, type: 'u32', source: 'gABI figure 5-7' },
  },
} as const;
