/* Sorts 32768 words by quicksort, small parts by insertion: branches that nothing predicts. */
#include "kernel.h"

#define N 32768
static u32 data[N];

static void sort(u32 *from, u32 *to)
{
	while (to - from > 12) {
		u32 pivot = from[(to - from) / 2], *i = from, *j = to - 1;

		for (;;) {
			while (*i < pivot)
				i++;
			while (*j > pivot)
				j--;
			if (i >= j)
				break;
			u32 swap = *i;
			*i++ = *j;
			*j-- = swap;
		}
		if (i - from < to - i) {
			sort(from, i);
			from = i;
		} else {
			sort(i, to);
			to = i;
		}
	}
	for (u32 *i = from + 1; i < to; i++) {
		u32 value = *i, *j = i;

		for (; j > from && j[-1] > value; j--)
			*j = j[-1];
		*j = value;
	}
}

u64 run(u64 rounds)
{
	u32 seed = 3;
	u64 sum = 0;

	while (rounds--) {
		for (u32 i = 0; i < N; i++)
			data[i] = next_random(&seed);
		sort(data, data + N);
		for (u32 i = 1; i < N; i++)
			sum += (data[i - 1] <= data[i]) * (u64)data[i];
	}
	return sum;
}
