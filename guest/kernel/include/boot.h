/* What the kernel's own parts call while it starts; nobody else does. */
#ifndef BOOT_H
#define BOOT_H

#include "cpu.h"
#include "memory.h"

/* head.S → setup.c: real mode. Returns the boot CPU's paca. */
struct paca *early_setup(u64 tree, u64 base);
void secondary_setup(void);
void start_kernel(void) __noreturn;
void start_secondary(void) __noreturn;

extern char first_vector_handler[], common_interrupt[], secondary_start[];

bool tree_keep(const u8 *from, u8 *to, u32 size);
void command_line_read(void);
void cpus_read(void);
void memory_read(u64 tree, u64 tree_bytes);
bool memory_usable(int n, struct range *range);
/* Writes the map of allocations into the kept tree. */
void memory_publish(void);
void memory_check(void);
void rtas_read(void);

/* mmu/: tables once; then on each CPU. In real mode. */
void mmu_init(void);
void mmu_init_cpu(void);
void hash_init(void);
void hash_init_cpu(void);
void hash_map(u64 start, u64 end, bool writable);
bool hash_segment_miss(u64 address);
void radix_init(void);
void radix_init_cpu(void);
void radix_map(u64 start, u64 end, bool writable);

void platform_init(void);
void xics_init_cpu(void);
void decrementer_init(void);
void smp_start_all(void);
u64 do_work(int cpu);
void idle_loop(void) __noreturn;

#endif
