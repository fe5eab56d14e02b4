/* Bytes and words of arrays, compared, added and selected: the compiler makes them into vector instructions on integers. */
#include "kernel.h"

#define N 8192

static u8 a[N] __attribute__((aligned(16))), b[N] __attribute__((aligned(16)));
static u32 c[N] __attribute__((aligned(16))), d[N] __attribute__((aligned(16)));

u64 run(u64 rounds)
{
	u32 seed = 3;
	u64 sum = 0;

	for (int i = 0; i < N; i++) {
		a[i] = next_random(&seed);
		b[i] = next_random(&seed);
		c[i] = next_random(&seed);
		d[i] = next_random(&seed);
	}
	for (u64 round = 0; round < rounds; round++) {
		for (int i = 0; i < N; i++)
			a[i] = a[i] > b[i] ? a[i] - b[i] : a[i] + 3;
		for (int i = 0; i < N; i++)
			c[i] = (c[i] ^ d[i]) + (c[i] >> 3) + (u32)round;
	}
	for (int i = 0; i < N; i++)
		sum = sum * 31 + (a[i] ^ c[i]);
	return sum;
}
