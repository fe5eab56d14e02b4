/* Fibonacci numbers by naive recursion: calls, returns and stack frames. */
#include "kernel.h"

static __attribute__((noinline, optimize("no-optimize-sibling-calls"))) u64 fib(u64 n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

u64 run(u64 rounds)
{
	u64 sum = 0;

	while (rounds--)
		sum += fib(24 + (rounds & 1));
	return sum;
}
