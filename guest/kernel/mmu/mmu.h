/* Translation: the hash table or radix, which the partition's tree decides. */
#ifndef MMU_H
#define MMU_H

#include "lib/lib.h"

enum mmu_kind { MMU_HASH, MMU_RADIX };
extern enum mmu_kind mmu;

/* ---- mmu.c ---- */

/* Tables, once; then on each CPU. In real mode. */
void mmu_init(void);
void mmu_init_cpu(void);
/* Makes memory that is not this kernel's own reachable by __va, reading only. */
const void *map_old_memory(u64 start, u64 size);

/* ---- hash.c, hash-clear.c ---- */

extern u64 hash_table_bytes; /* size of the table, from ibm,pft-size */

void hash_init(void);
void hash_init_cpu(void);
void hash_map(u64 start, u64 end, bool writable);
/* Puts in the segment of an address that was touched; false where there is none. */
bool hash_segment_miss(u64 address);
/* The hash table without entries. Real mode; nothing but static memory. */
void hpte_clear_all(void);

/* ---- radix.c ---- */

void radix_init(void);
void radix_init_cpu(void);
void radix_map(u64 start, u64 end, bool writable);

#endif
