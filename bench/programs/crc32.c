/* CRC-32 (IEEE 802.3, reflected) of 64 KiB by a table of bytes: dependent loads and shifts. */
#include "kernel.h"

static u32 table[256];
static u8 data[65536];

u64 run(u64 rounds)
{
	u32 seed = 1, crc = 0;

	for (u32 i = 0; i < 256; i++) {
		u32 c = i;

		for (int k = 0; k < 8; k++)
			c = c & 1 ? 0xedb88320 ^ (c >> 1) : c >> 1;
		table[i] = c;
	}
	for (u32 i = 0; i < sizeof(data); i++)
		data[i] = next_random(&seed);
	while (rounds--) {
		u32 c = ~crc;

		for (u32 i = 0; i < sizeof(data); i++)
			c = table[(c ^ data[i]) & 255] ^ (c >> 8);
		crc = ~c;
	}
	return crc;
}
