/* Product of two 96 by 96 matrices of 64-bit integers: multiplications and strided loads. */
#include "kernel.h"

#define N 96
static u64 a[N][N], b[N][N], c[N][N];

u64 run(u64 rounds)
{
	u32 seed = 7;
	u64 sum = 0;

	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			a[i][j] = next_random(&seed);
			b[i][j] = next_random(&seed);
		}
	while (rounds--) {
		for (int i = 0; i < N; i++)
			for (int j = 0; j < N; j++) {
				u64 total = 0;

				for (int k = 0; k < N; k++)
					total += a[i][k] * b[k][j];
				c[i][j] = total;
			}
		for (int i = 0; i < N; i++)
			sum = sum * 31 + c[i][N - 1 - i];
		a[rounds % N][0] ^= sum;
	}
	return sum;
}
