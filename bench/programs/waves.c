/* Sums of products of arrays in double precision, which the compiler makes into vector-scalar instructions. */
#include "kernel.h"

#define N 2048

static double a[N] __attribute__((aligned(16))), b[N] __attribute__((aligned(16))), c[N] __attribute__((aligned(16)));

u64 run(u64 rounds)
{
	u32 seed = 5;
	u64 sum = 0;

	for (int i = 0; i < N; i++) {
		a[i] = (next_random(&seed) & 0xffff) / 65536.0;
		b[i] = (next_random(&seed) & 0xffff) / 65536.0;
		c[i] = 0;
	}
	while (rounds--) {
		for (int i = 0; i < N; i++)
			c[i] = c[i] * 0.5 + a[i] * b[i];
		for (int i = 0; i < N; i++)
			a[i] = a[i] - 0.001 * c[i];
	}
	for (int i = 0; i < N; i++) {
		union { double value; u64 bits; } each = { .value = c[i] };

		sum = sum * 31 + each.bits;
	}
	return sum;
}
