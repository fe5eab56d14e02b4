/*
 * virtio-blk: one split queue, one request in flight, completion seen by looking at the used ring.
 * Source: VIRTIO 1.1 §2.6 (queues), §3.1.1 (initialisation), §4.1.4.3 (common configuration), §5.2 (block device).
 * Left out: interrupts (a crash kernel is better off without), several requests at once, indirect descriptors.
 *
 * Rings are static memory: an ordinary kexec copies pages over everything else, and the disk is stopped before that;
 * after a crash they lie in the dead kernel, and the next kernel resets the device before it dumps.
 */
#include "block/block.h"

#include "arch/arch.h"
#include "cpu/cpu.h"

#define VIRTIO_TYPE_BLOCK 2

/* Common configuration, §4.1.4.3 */
#define COMMON_DRIVER_SELECT 0x08
#define COMMON_DEVICE_SELECT 0x00
#define COMMON_DEVICE_FEATURE 0x04
#define COMMON_DRIVER_FEATURE 0x0c
#define COMMON_STATUS 0x14
#define COMMON_QUEUE_SELECT 0x16
#define COMMON_QUEUE_SIZE 0x18
#define COMMON_QUEUE_ENABLE 0x1c
#define COMMON_QUEUE_NOTIFY_OFF 0x1e
#define COMMON_QUEUE_DESC 0x20
#define COMMON_QUEUE_DRIVER 0x28
#define COMMON_QUEUE_DEVICE 0x30

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER 2
#define STATUS_DRIVER_OK 4
#define STATUS_FEATURES_OK 8
#define STATUS_FAILED 128

/* Feature bits: of the block device in word 0, VERSION_1 in word 1. */
#define FEATURE_RO (1u << 5)
#define FEATURE_FLUSH (1u << 9)
#define FEATURE_VERSION_1 (1u << 0)

#define REQUEST_IN 0
#define REQUEST_OUT 1
#define REQUEST_FLUSH 4

#define DESC_NEXT 1
#define DESC_WRITE 2
#define AVAIL_NO_INTERRUPT 1

#define QUEUE_SIZE 32
#define TIMEOUT_SECONDS 10

struct descriptor {
  u64 raddr;
  u32 length;
  u16 flags;
  u16 next;
};

struct available {
  u16 flags;
  u16 index;
  u16 ring[QUEUE_SIZE];
};

struct used {
  u16 flags;
  u16 index;
  struct {
    u32 id;
    u32 length;
  } ring[QUEUE_SIZE];
};

struct request {
  u32 type;
  u32 reserved;
  u64 sector;
};

/* All numbers that the device reads are little-endian. */
struct rings {
  struct descriptor descriptors[QUEUE_SIZE];
  struct available available;
  struct used used __attribute__((aligned(64)));
  struct request request;
  volatile u8 status;
} __attribute__((aligned(4096)));

struct disk {
  struct virtio_pci pci;
  u64 sectors;
  u64 notify;
  u16 next; /* available index */
  bool read_only;
  bool can_flush;
  bool dead;
  struct rings *rings;
};

static struct rings all_rings[MAX_DISKS];
static struct disk disks[MAX_DISKS];
static int disk_count;

static void write_address(u64 field, u64 raddr)
{
  register_write32(field, (u32)raddr);
  register_write32(field + 4, (u32)(raddr >> 32));
}

static u8 status_of(const struct disk *disk) { return register_read8(disk->pci.common + COMMON_STATUS); }

/* Queues, features and requests in flight are gone when this comes back (§2.1.1, §4.1.4.3.2). */
static void reset(struct disk *disk)
{
  register_write8(disk->pci.common + COMMON_STATUS, 0);
  while (status_of(disk) != 0)
    ;
  virtio_pci_master(&disk->pci, false);
}

static bool set_up_queue(struct disk *disk)
{
  u64 common = disk->pci.common;
  struct rings *rings = disk->rings;

  register_write16(common + COMMON_QUEUE_SELECT, 0);
  if (register_read16(common + COMMON_QUEUE_SIZE) < QUEUE_SIZE)
    return false;
  memset(rings, 0, sizeof(*rings));
  rings->available.flags = __builtin_bswap16(AVAIL_NO_INTERRUPT);
  register_write16(common + COMMON_QUEUE_SIZE, QUEUE_SIZE);
  write_address(common + COMMON_QUEUE_DESC, __pa(rings->descriptors));
  write_address(common + COMMON_QUEUE_DRIVER, __pa(&rings->available));
  write_address(common + COMMON_QUEUE_DEVICE, __pa(&rings->used));
  disk->notify = disk->pci.notify + (u64)register_read16(common + COMMON_QUEUE_NOTIFY_OFF) * disk->pci.notify_multiplier;
  register_write16(common + COMMON_QUEUE_ENABLE, 1);
  return true;
}

static int found(struct virtio_pci *pci)
{
  struct disk *disk = &disks[disk_count];
  u64 common = pci->common;
  u32 features;

  if (disk_count == MAX_DISKS)
    return -ENOMEM;
  disk->pci = *pci;
  disk->rings = &all_rings[disk_count];
  disk->next = 0;
  disk->dead = false;
  reset(disk);
  virtio_pci_master(&disk->pci, true);

  register_write8(common + COMMON_STATUS, STATUS_ACKNOWLEDGE);
  register_write8(common + COMMON_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
  register_write32(common + COMMON_DEVICE_SELECT, 0);
  features = register_read32(common + COMMON_DEVICE_FEATURE);
  disk->read_only = (features & FEATURE_RO) != 0;
  disk->can_flush = (features & FEATURE_FLUSH) != 0;
  register_write32(common + COMMON_DRIVER_SELECT, 0);
  register_write32(common + COMMON_DRIVER_FEATURE, features & (FEATURE_RO | FEATURE_FLUSH));
  register_write32(common + COMMON_DRIVER_SELECT, 1);
  register_write32(common + COMMON_DRIVER_FEATURE, FEATURE_VERSION_1);
  register_write8(common + COMMON_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
  if (!(status_of(disk) & STATUS_FEATURES_OK) || !set_up_queue(disk)) {
    register_write8(common + COMMON_STATUS, STATUS_FAILED);
    return -EIO;
  }
  register_write8(common + COMMON_STATUS,
      STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
  disk->sectors = register_read32(pci->device) | (u64)register_read32(pci->device + 4) << 32;
  disk_count++;
  return 0;
}

int block_init(void)
{
  disk_count = 0;
  virtio_pci_probe(VIRTIO_TYPE_BLOCK, found);
  return disk_count;
}

struct disk *block_find(bool read_only)
{
  for (int i = 0; i < disk_count; i++)
    if (disks[i].read_only == read_only)
      return &disks[i];
  return NULL;
}

u64 block_bytes(const struct disk *disk) { return disk->sectors * SECTOR; }

static void describe(struct rings *rings, int at, u64 raddr, u32 length, u16 flags)
{
  struct descriptor *descriptor = &rings->descriptors[at];

  descriptor->raddr = __builtin_bswap64(raddr);
  descriptor->length = __builtin_bswap32(length);
  descriptor->flags = __builtin_bswap16(flags);
  descriptor->next = __builtin_bswap16((u16)(at + 1));
}

/* Offers the chain that starts at descriptor 0. */
static void offer(struct disk *disk)
{
  struct rings *rings = disk->rings;

  rings->status = 0xff;
  rings->available.ring[disk->next % QUEUE_SIZE] = 0;
  mb();
  disk->next++;
  *(volatile u16 *)&rings->available.index = __builtin_bswap16(disk->next);
  mb();
  register_write16(disk->notify, 0);
}

/* Waits for what was offered last. */
static int completion(struct disk *disk)
{
  struct rings *rings = disk->rings;
  volatile u16 *used = &rings->used.index;
  u64 end = timebase() + TIMEOUT_SECONDS * timebase_hz;

  while (__builtin_bswap16(*used) != disk->next) {
    if (timebase() > end) {
      /* The device may still write to what it was given: it gets no further request. */
      disk->dead = true;
      return -EIO;
    }
  }
  mb();
  return rings->status == 0 ? 0 : -EIO;
}

static int begin(struct disk *disk, u32 type, u64 offset, const struct piece *pieces, int count)
{
  struct rings *rings = disk->rings;
  u64 length = 0;
  int at = 0;

  for (int i = 0; i < count; i++)
    length += pieces[i].length;
  if (disk->dead)
    return -EIO;
  if (count > MAX_PIECES || offset % SECTOR || length % SECTOR || offset > block_bytes(disk) ||
      length > block_bytes(disk) - offset)
    return -EINVAL;
  rings->request.type = __builtin_bswap32(type);
  rings->request.reserved = 0;
  rings->request.sector = __builtin_bswap64(offset / SECTOR);
  describe(rings, at++, __pa(&rings->request), sizeof(rings->request), DESC_NEXT);
  for (int i = 0; i < count; i++)
    describe(rings, at++, pieces[i].raddr, pieces[i].length, type == REQUEST_IN ? DESC_NEXT | DESC_WRITE : DESC_NEXT);
  describe(rings, at, __pa(&rings->status), 1, DESC_WRITE);
  offer(disk);
  return 0;
}

static int transfer(struct disk *disk, u32 type, u64 offset, const struct piece *pieces, int count)
{
  int error = begin(disk, type, offset, pieces, count);

  return error != 0 ? error : completion(disk);
}

int block_read_begin(struct disk *disk, u64 offset, const struct piece *pieces, int count)
{
  return begin(disk, REQUEST_IN, offset, pieces, count);
}

int block_read(struct disk *disk, u64 offset, const struct piece *pieces, int count)
{
  return transfer(disk, REQUEST_IN, offset, pieces, count);
}

int block_write(struct disk *disk, u64 offset, const struct piece *pieces, int count)
{
  return disk->read_only ? -EPERM : transfer(disk, REQUEST_OUT, offset, pieces, count);
}

int block_flush(struct disk *disk)
{
  return disk->can_flush ? transfer(disk, REQUEST_FLUSH, 0, NULL, 0) : 0;
}

void block_shutdown(void)
{
  for (int i = 0; i < disk_count; i++)
    reset(&disks[i]);
  disk_count = 0;
}
