/* Types, what the loader patches, and the two C files' functions for each other. */
#ifndef PURGATORY_H
#define PURGATORY_H

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long s64;

#define MAX_REGIONS 16
#define DIGEST_BYTES 32

/* One stretch of memory, by real address and bytes, that the digest covers. */
struct region {
  u64 start;
  u64 length;
};

/*
 * What the loader patches, by symbol name, big-endian. Beside these: `run_at_load` and the rest of the kernel's first
 * 0x100 bytes in head.S.
 */
extern u64 kernel;     /* entered at this real address */
extern u64 dt_offset;  /* flattened tree for it; 0: none */
extern u64 stack;      /* top of a stack; 0: purgatory's own 4 KiB */
extern u32 panic_kernel; /* 1: loaded for a crash */
extern u64 backup_src, backup_dst, backup_len;
extern u32 sha256_count; /* regions in use; 0: no digest was asked for */
extern struct region sha256_regions[MAX_REGIONS];
extern u8 sha256_digest[DIGEST_BYTES]; /* over the regions' bytes, one after another */
extern u64 console_unit; /* unit address of a vty; 0: the first; all ones: say nothing */

extern u32 run_at_load;

/* SHA-256 (FIPS 180-4). */
struct sha256 {
  u32 state[8];
  u64 bytes;
  u8 block[64];
};
void sha256_start(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const u8 *data, u64 length);
void sha256_end(struct sha256 *hash, u8 digest[DIGEST_BYTES]);

s64 put_term_char(u64 unit, u64 length, u64 first, u64 second);
void purgatory_gave_up(void) __attribute__((noreturn));

#endif
