/* Primes below 2^18 by Eratosthenes' sieve: byte stores with growing strides. */
#include "kernel.h"

#define LIMIT (1 << 18)
static u8 composite[LIMIT];

u64 run(u64 rounds)
{
	u64 primes = 0;

	while (rounds--) {
		for (u32 i = 0; i < LIMIT; i++)
			composite[i] = 0;
		for (u32 i = 2; i < LIMIT; i++) {
			if (composite[i])
				continue;
			primes++;
			for (u32 j = i + i; j < LIMIT; j += i)
				composite[j] = 1;
		}
	}
	return primes;
}
