/*
 * Disks, as the rest of the kernel sees them: found once, read and written in whole sectors, one request at a time,
 * waited for by polling. The kernel knows nothing of files: a disk is bytes.
 */
#ifndef BLOCK_H
#define BLOCK_H

#include "types.h"

#define SECTOR 512
#define MAX_DISKS 4

struct disk;

/* A piece of memory by real address: what a device reads or writes. */
struct piece {
  u64 raddr;
  u32 length;
};

/* At most this many pieces in a request. */
#define MAX_PIECES 16

/*
 * Finds the disks and resets them: what an earlier kernel had them do ends here. To be called once a kernel.
 * Returns how many there are.
 */
int block_init(void);

/* The first disk that is read-only, or that is not; NULL where there is none. */
struct disk *block_find(bool read_only);

u64 block_bytes(const struct disk *disk);

/*
 * Moves whole sectors between `offset` (bytes, a multiple of a sector) and memory. 0, or a negative errno: -EIO where
 * the device refuses or does not answer within ten seconds.
 */
int block_read(struct disk *disk, u64 offset, const struct piece *pieces, int count);
int block_write(struct disk *disk, u64 offset, const struct piece *pieces, int count);
/* As block_read, but does not wait: the disk writes to memory when it comes to it. Works in real mode. For faults. */
int block_read_begin(struct disk *disk, u64 offset, const struct piece *pieces, int count);
/* What was written is on the medium. */
int block_flush(struct disk *disk);

/* Stops every disk: no request is left in flight. Part of device shutdown; never called on the way of a panic. */
void block_shutdown(void);

#endif
