/*
 * Disks: found once, read and written in whole sectors, one request at a time,
 * waited for by polling. The kernel knows nothing of files: a disk is bytes.
 */
#ifndef BLOCK_H
#define BLOCK_H

#include "lib/lib.h"

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

/*
 * ---- virtio_pci.c, for virtio_blk.c ----
 * The virtio PCI transport: where a device's registers are. Registers are little-endian and reached by hypercall.
 */

/* A virtio function with its structures found. Addresses are real ones. */
struct virtio_pci {
  u64 buid;
  u32 config; /* address of configuration space, as RTAS takes it */
  u64 common;
  u64 notify;
  u32 notify_multiplier;
  u64 device;
};

typedef int (*virtio_found)(struct virtio_pci *device);

/* Calls `found` for each virtio function of the given type (VIRTIO 1.1 §5) below a PCI host bridge of the tree. */
void virtio_pci_probe(u16 type, virtio_found found);

/* Lets the device reach memory, or keeps it from it. */
void virtio_pci_master(const struct virtio_pci *device, bool on);

u8 register_read8(u64 raddr);
u16 register_read16(u64 raddr);
u32 register_read32(u64 raddr);
void register_write8(u64 raddr, u8 value);
void register_write16(u64 raddr, u16 value);
void register_write32(u64 raddr, u32 value);

#endif
