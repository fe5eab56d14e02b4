/* Bodies that attract each other: divisions and square roots in double precision among additions and multiplications. */
#include "kernel.h"

#define BODIES 8

static double place[BODIES][3], speed[BODIES][3], mass[BODIES];

u64 run(u64 rounds)
{
	u32 seed = 11;
	u64 sum = 0;

	for (int i = 0; i < BODIES; i++) {
		mass[i] = 1.0 + (next_random(&seed) & 255) / 256.0;
		for (int k = 0; k < 3; k++) {
			place[i][k] = (double)(next_random(&seed) & 0xffff) / 4096.0;
			speed[i][k] = 0;
		}
	}
	while (rounds--) {
		for (int i = 0; i < BODIES; i++)
			for (int j = 0; j < BODIES; j++) {
				double away[3], square = 0.01;

				if (i == j)
					continue;
				for (int k = 0; k < 3; k++) {
					away[k] = place[j][k] - place[i][k];
					square += away[k] * away[k];
				}
				double pull = 0.0001 * mass[j] / (square * __builtin_sqrt(square));

				for (int k = 0; k < 3; k++)
					speed[i][k] += away[k] * pull;
			}
		for (int i = 0; i < BODIES; i++)
			for (int k = 0; k < 3; k++)
				place[i][k] += speed[i][k];
	}
	for (int i = 0; i < BODIES; i++)
		for (int k = 0; k < 3; k++) {
			union { double value; u64 bits; } each = { .value = place[i][k] };

			sum = sum * 31 + each.bits;
		}
	return sum;
}
