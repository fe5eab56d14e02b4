/*
 * Radix translation: one process table with one tree, for quadrant 3 (0xc…) of process 0. 52 bits of effective address in
 * levels of 13, 9, 9 and 5 bits; leaves of 1 GiB, 2 MiB and 64 KiB, the largest that fits.
 * Source: Power ISA 3.0B, Book III, §5.7.10 (tables, entries), §5.9.3 (tlbiel); LoPAR, H_REGISTER_PROCESS_TABLE.
 */
#include "arch/arch.h"
#include "firmware/firmware.h"
#include "memory/memory.h"
#include "mmu/mmu.h"
#include "panic/panic.h"

#define PRESENT (1ul << 63)
#define LEAF (1ul << 62)
#define REFERENCED 0x100ul
#define CHANGED 0x80ul
#define PRIVILEGED 0x8ul
#define READ 0x4ul
#define WRITE 0x2ul
#define EXECUTE 0x1ul
#define ADDRESS 0x01ffffffffffff00ul
#define LEVELS 4

/* Bits of the effective address that each level translates, and the shift of what an entry covers. */
static const struct {
  u8 bits, shift;
} levels[LEVELS] = {{13, 39}, {9, 30}, {9, 21}, {5, 16}};

#define EFFECTIVE_BITS 52
/* In the process table entry: the tree's size, 52 = 31 + 0b010101 ; split over bits 1:2 and 56:58. */
#define TREE_SIZE ((2ul << 61) | (5ul << 5))

#define TLB_SETS 128
#define ALL_PROCESSES (3ul << 10)
#define POWER9(instruction) ".machine push\n\t.machine power9\n\t" instruction "\n\t.machine pop"

#define NEW_TABLE 0x18
#define RADIX 0x04
#define GUEST_SHOOTDOWN 0x01

static u64 process_table[PAGE_SIZE / 8] __aligned(PAGE_SIZE);
static u64 root[1 << 13] __aligned(PAGE_SIZE);
/* Lower levels as long as memory can only be taken in real mode; enough for 1 GiB in pages of 2 MiB and more beyond. */
static u64 table_space[16][512] __aligned(4096);
static int tables_taken;

static u64 new_table(int level) {
  u64 bytes = 8ul << levels[level].bits;
  if (tables_taken < (int)ARRAY_SIZE(table_space)) return __pa(table_space[tables_taken++]);
  u64 table = memory_alloc("page-table", MAX(bytes, 4096ul), 4096, 0, (mfmsr() & MSR_DR) != 0 ? ~0ul : rma_size);
  if (table == 0) panic("no memory for page tables");
  return table;
}

/* Puts in one leaf, or steps down until it fits. Returns what was covered. */
static u64 map_one(u64 address, u64 end, u64 bits) {
  u64 *table = root;
  for (int level = 0;; level++) {
    u64 covers = 1ul << levels[level].shift;
    u64 *entry = &table[(address >> levels[level].shift) & ((1ul << levels[level].bits) - 1)];
    if (*entry & LEAF) return covers - (address & (covers - 1)); /* there already, and never mapped away */
    bool fits = level > 0 && (address & (covers - 1)) == 0 && address + covers <= end && *entry == 0;
    if (fits || level == LEVELS - 1) {
      *entry = PRESENT | LEAF | ALIGN_DOWN(address, covers) | REFERENCED | CHANGED | PRIVILEGED | READ | bits;
      return covers - (address & (covers - 1));
    }
    if (*entry == 0) *entry = PRESENT | new_table(level + 1) | levels[level + 1].bits;
    table = __va(*entry & ADDRESS & ~0xfful);
  }
}

void radix_map(u64 start, u64 end, bool writable) {
  for (u64 at = start; at < end;) at += map_one(at, end, writable ? WRITE | EXECUTE : 0);
  __asm__ volatile("ptesync" ::: "memory");
}

void radix_init(void) {
  process_table[0] = TREE_SIZE | __pa(root) | levels[0].bits;
  s64 status = hcall(H_REGISTER_PROCESS_TABLE, NEW_TABLE | RADIX | GUEST_SHOOTDOWN, __pa(process_table), 0, 16 - 12);
  if (status != H_SUCCESS) panic("H_REGISTER_PROCESS_TABLE says %ld", status);
}

/* Nothing of an earlier kernel's translations may be left in this CPU. */
void radix_init_cpu(void) {
  mtspr(SPR_PID, 0);
  __asm__ volatile("ptesync" ::: "memory");
  for (u64 set = 0; set < TLB_SETS; set++) {
    u64 rb = set << 12 | ALL_PROCESSES, rs = 0;
    /* RIC, PRS (process scoped), R (radix). RIC = 2 drops cached tables and process table entries, too. */
    if (set == 0) __asm__ volatile(POWER9("tlbiel %0,%1,2,1,1") ::"r"(rb), "r"(rs) : "memory");
    else __asm__ volatile(POWER9("tlbiel %0,%1,0,1,1") ::"r"(rb), "r"(rs) : "memory");
  }
  __asm__ volatile("ptesync; isync" ::: "memory");
}
