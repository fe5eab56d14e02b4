/*
 * The piece of work that each CPU does when it comes up, so that there is something to look at in a dump: numbers from
 * its index, sorted, and a checksum over them. The results are known beforehand; CPU 0 prints them.
 */
#include "cpu/cpu.h"
#include "panic/panic.h"
#include "smp/smp.h"

#define NUMBERS 256

static u32 numbers[MAX_CPUS][NUMBERS];

/* xorshift32: Marsaglia 2003 */
static u32 next_number(u32 x) {
  x ^= x << 13;
  x ^= x >> 17;
  return x ^ x << 5;
}

__noinline static void fill(u32 *list, u32 seed) {
  for (int i = 0; i < NUMBERS; i++) list[i] = seed = next_number(seed);
}

/* Heap order below `root` of `count` numbers. */
__noinline static void sift_down(u32 *list, int root, int count) {
  for (int child; (child = 2 * root + 1) < count; root = child) {
    if (child + 1 < count && list[child + 1] > list[child]) child++;
    if (list[root] >= list[child]) return;
    u32 moved = list[root];
    list[root] = list[child];
    list[child] = moved;
  }
}

__noinline static void heap_sort(u32 *list, int count) {
  for (int i = count / 2 - 1; i >= 0; i--) sift_down(list, i, count);
  for (int end = count - 1; end > 0; end--) {
    u32 largest = list[0];
    list[0] = list[end];
    list[end] = largest;
    sift_down(list, 0, end);
  }
}

/* Fletcher's checksum over 32-bit words; `broken` where the order is. */
__noinline static u64 checksum(const u32 *list, int count) {
  u64 a = 0, b = 0;
  for (int i = 0; i < count; i++) {
    if (i > 0 && list[i - 1] > list[i]) panic("the numbers are not in order at %d", i);
    a = (a + list[i]) % 0xffffffff;
    b = (b + a) % 0xffffffff;
  }
  return b << 32 | a;
}

__noinline u64 do_work(int cpu) {
  fill(numbers[cpu], (u32)cpu + 1);
  heap_sort(numbers[cpu], NUMBERS);
  return checksum(numbers[cpu], NUMBERS);
}
