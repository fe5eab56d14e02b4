/*
 * Hash translation under a hypervisor: the linear mapping lies in the hash table, which only hypercalls change, and the
 * segment lookaside buffer of each CPU leads to it. Segments of 1 TiB where they are offered, else of 256 MiB; then the
 * first two are fixed and the others come when they are touched.
 *
 * One page size for all: 16 MiB where memory consists of such pages, else 64 KiB, else 4 KiB; how each is written into
 * segment and page table entry comes from ibm,segment-page-sizes. A segment's virtual id is its number plus a constant.
 * Source: Power ISA 2.07B, Book III-S, §5.7.6 (segments), §5.7.7 (hash, entries); LoPAR, hcall-pft.
 */
#include "arch/arch.h"
#include "cpu/cpu.h"
#include "firmware/firmware.h"
#include "memory/memory.h"
#include "mmu/mmu.h"
#include "panic/panic.h"
#include "printk/printk.h"
#include "tree/tree.h"

#define VALID 1ul
#define SECONDARY 2ul
#define LARGE 4ul
#define BOLTED 0x10ul
#define TERABYTE (1ul << 62)

#define REFERENCED 0x100ul
#define CHANGED 0x80ul
#define COHERENT 0x10ul
#define NO_EXECUTE 0x4ul
#define READ_ONLY 3ul

#define SLB_VALID (1ul << 27)
#define SLB_KP 0x400ul
#define FIRST_VIRTUAL_ID 0x1000ul
#define BOLTED_SEGMENTS 2
#define H_PTEG_FULL (-6)

u64 hash_table_bytes;

static u32 page_shift = 12, segment_shift = 28, slb_entries = 32;
static u64 segment_encoding, page_encoding;

/* Entries: base shift, segment encoding, n, then n × (shift, encoding). Takes the page size equal to the base. */
static bool find_page_size(const u32 *list, u32 cells, u32 shift) {
  for (u32 at = 0; at + 3 <= cells; at += 3 + 2 * tree_u32(&list[at + 2])) {
    if (tree_u32(&list[at]) != shift) continue;
    for (u32 i = 0; i < tree_u32(&list[at + 2]); i++) {
      const u32 *pair = &list[at + 3 + 2 * i];
      if (tree_u32(&pair[0]) != shift) continue;
      segment_encoding = tree_u32(&list[at + 1]);
      page_encoding = tree_u32(&pair[1]);
      page_shift = shift;
      return true;
    }
  }
  return false;
}

static bool memory_in_pages_of(u32 shift) {
  for (int i = 0; i < ram_count; i++)
    if (((ram[i].start | ram[i].size) & ((1ul << shift) - 1)) != 0) return false;
  return true;
}

static void choose_sizes(void) {
  tree_node cpu = tree_child(tree_find("/cpus"));
  u32 length;
  const u32 *sizes = tree_property(cpu, "ibm,pft-size", &length);
  if (sizes != NULL && length >= 8) hash_table_bytes = 1ul << tree_u32(&sizes[1]);
  slb_entries = tree_cell(cpu, "ibm,slb-size", tree_cell(cpu, "slb-size", slb_entries));
  const u32 *segments = tree_property(cpu, "ibm,processor-segment-sizes", &length);
  for (u32 i = 0; segments != NULL && i < length / 4; i++)
    if (tree_u32(&segments[i]) == 40) segment_shift = 40;
  const u32 *pages = tree_property(cpu, "ibm,segment-page-sizes", &length);
  static const u8 wanted[] = {24, 16};
  for (u32 i = 0; pages != NULL && i < ARRAY_SIZE(wanted); i++)
    if (memory_in_pages_of(wanted[i]) && find_page_size(pages, length / 4, wanted[i])) return;
}

void hash_init(void) {
  choose_sizes();
  printk("hash table: %lu KiB; pages of 2^%u bytes, segments of 2^%u\n", hash_table_bytes >> 10, page_shift, segment_shift);
}

static u64 segment_of(u64 address) { return address >> segment_shift; }
static u64 virtual_id(u64 address) { return FIRST_VIRTUAL_ID + (segment_of(address & ~PAGE_OFFSET)); }

static void slb_put(u64 address, u32 entry) {
  u64 rb = segment_of(address) << segment_shift | SLB_VALID | entry;
  u64 rs = segment_shift == 40 ? TERABYTE | virtual_id(address) << 24 : virtual_id(address) << 12;
  __asm__ volatile("slbmte %0,%1" ::"r"(rs | SLB_KP | segment_encoding), "r"(rb) : "memory");
}

/* In real mode: nothing is translated while there is nothing. */
void hash_init_cpu(void) {
  __asm__ volatile("isync; slbmte %0,%0; isync; slbia; isync" ::"r"(0ul) : "memory");
  for (u32 i = 0; i < BOLTED_SEGMENTS; i++)
    if (i == 0 || segment_shift == 28) slb_put((u64)_stext + ((u64)i << segment_shift), i);
  __asm__ volatile("isync" ::: "memory");
}

bool hash_segment_miss(u64 address) {
  static u32 next[MAX_CPUS];
  if (address >> 60 != PAGE_OFFSET >> 60 || !memory_is_ram(ALIGN_DOWN(__pa(address), PAGE_SIZE), PAGE_SIZE)) return false;
  u32 *turn = &next[this_cpu()];
  *turn = *turn < BOLTED_SEGMENTS || *turn + 1 >= slb_entries ? BOLTED_SEGMENTS : *turn + 1;
  slb_put(address, *turn);
  __asm__ volatile("isync" ::: "memory");
  return true;
}

/* One page. A page that is mapped already is found by its virtual address, and left. */
static void enter(u64 start, u64 flags) {
  u64 address = (u64)__va(start), id = virtual_id(address), offset = address & ((1ul << segment_shift) - 1);
  u64 hash = id ^ (segment_shift == 40 ? id << 25 : 0) ^ (offset >> page_shift);
  /* The virtual page number without its low 23 bits; below 16 MiB pages have one bit less. */
  u64 number = (id << (segment_shift - 23) | offset >> 23) & ~(page_shift == 24 ? 1ul : 0ul);
  u64 v = number << 7 | (segment_shift == 40 ? TERABYTE : 0) | BOLTED | VALID;
  u64 r = start | page_encoding << 12 | REFERENCED | CHANGED | COHERENT | flags;
  if (page_shift > 12) v |= LARGE;
  u64 groups = hash_table_bytes / 128, result[9];
  for (int way = 0; way < 2; way++, hash = ~hash, v |= SECONDARY) {
    s64 status = hcall_results(H_ENTER, result, 0, (hash & (groups - 1)) * 8, v, r, 0, 0, 0, 0, 0);
    if (status == H_SUCCESS) return;
    if (status != H_PTEG_FULL) panic("H_ENTER of 0x%lx says %ld", start, status);
  }
  panic("the hash table has no room for 0x%lx", start);
}

/* What is mapped, one bit a page of 16 MiB; smaller pages are mapped in such pieces, too. Up to 1 TiB. */
#define PIECE_SHIFT 24
static u8 mapped[1 << 13];

void hash_map(u64 start, u64 end, bool writable) {
  u64 page = 1ul << page_shift;
  for (u64 piece = start >> PIECE_SHIFT; piece << PIECE_SHIFT < end; piece++) {
    if (piece >= sizeof mapped * 8) panic("memory past 1 TiB cannot be mapped");
    if ((mapped[piece / 8] & 1 << piece % 8) != 0) continue;
    mapped[piece / 8] |= (u8)(1 << piece % 8);
    for (u64 at = piece << PIECE_SHIFT; at < (piece + 1) << PIECE_SHIFT; at += page)
      if (memory_is_ram(at, page)) enter(at, writable ? 0 : READ_ONLY | NO_EXECUTE);
  }
}
