/* Points of the Mandelbrot set: a chain of scalar multiplications and additions in double precision, and comparisons. */
#include "kernel.h"

#define SIZE 48
#define LIMIT 120

u64 run(u64 rounds)
{
	u64 sum = 0;

	for (u64 round = 0; round < rounds; round++) {
		double shift = (double)(round & 15) * 0.001;

		for (int y = 0; y < SIZE; y++)
			for (int x = 0; x < SIZE; x++) {
				double cr = -2.0 + shift + 2.6 * x / SIZE, ci = -1.2 + 2.4 * y / SIZE;
				double r = 0, i = 0;
				u32 n = 0;

				while (n < LIMIT && r * r + i * i < 4.0) {
					double next = r * r - i * i + cr;

					i = 2.0 * r * i + ci;
					r = next;
					n++;
				}
				sum = sum * 31 + n;
			}
	}
	return sum;
}
