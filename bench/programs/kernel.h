/*
 * What every benchmark program has: run() does its work `rounds` times and returns a checksum. Programs are freestanding:
 * nothing is called outside of their own file.
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

u64 run(u64 rounds);

static inline u32 next_random(u32 *state)
{
	u32 x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}
