/* Mixed work on records: linked lists, small structures, calls through pointers, a switch, divisions. */
#include "kernel.h"

#define N 1024
struct record {
	struct record *next;
	u32 kind, count;
	u64 value;
	char name[16];
};
static struct record pool[N];

static __attribute__((noinline)) u64 add(struct record *r, u64 x)
{
	return r->value += x;
}
static __attribute__((noinline)) u64 divide(struct record *r, u64 x)
{
	return r->value / (r->count + 3) + x % (r->count + 1);
}
static __attribute__((noinline)) u64 rename_(struct record *r, u64 x)
{
	for (int i = 0; i < 15; i++)
		r->name[i] = 'A' + (r->name[i] + x) % 26;
	return r->name[x & 7];
}
static u64 (*volatile actions[3])(struct record *, u64) = { add, divide, rename_ };

u64 run(u64 rounds)
{
	u32 seed = 11;
	u64 sum = 0;

	for (u32 i = 0; i < N; i++) {
		pool[i].next = &pool[(i * 389 + 1) % N];
		pool[i].kind = next_random(&seed) % 5;
		pool[i].count = next_random(&seed) % 50;
	}
	while (rounds--) {
		struct record *r = pool;

		for (u32 i = 0; i < N; i++, r = r->next) {
			switch (r->kind) {
			case 0:
			case 1:
			case 2:
				sum += actions[r->kind](r, sum);
				break;
			case 3:
				r->count = (r->count + 1) % 64;
				break;
			default:
				sum ^= r->value << (r->count & 31);
			}
			if ((sum & 15) == 3)
				r->kind = (r->kind + 1) % 5;
		}
	}
	return sum;
}
