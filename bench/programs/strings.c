/* Copies, compares and measures strings of some hundred bytes, by words and by bytes, as a C library without vectors. */
#include "kernel.h"

#define SIZE 4096
static u8 from[SIZE + 8] __attribute__((aligned(8))), to[SIZE + 8] __attribute__((aligned(8)));

static __attribute__((noinline)) void copy(u8 *d, const u8 *s, u64 n)
{
	for (; n >= 8; n -= 8, d += 8, s += 8)
		*(u64 *)d = *(const u64 *)s;
	while (n--)
		*d++ = *s++;
}

static __attribute__((noinline)) u64 length(const u8 *s)
{
	const u8 *p = s;

	while (*p)
		p++;
	return p - s;
}

static __attribute__((noinline)) int compare(const u8 *a, const u8 *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a - *b;
}

u64 run(u64 rounds)
{
	u32 seed = 9;
	u64 sum = 0;

	for (u32 i = 0; i < SIZE; i++)
		from[i] = 'a' + next_random(&seed) % 26;
	while (rounds--) {
		for (u32 at = 0; at + 600 < SIZE; at += 97) {
			u32 n = 40 + next_random(&seed) % 500;
			u8 saved = from[at + n];

			from[at + n] = 0;
			copy(to, from + at, n + 1);
			sum += length(to) + compare(to, from + at);
			from[at + n] = saved;
		}
	}
	return sum;
}
