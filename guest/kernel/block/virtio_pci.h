/* The virtio PCI transport: where a device's registers are. Registers are little-endian and reached by hypercall. */
#ifndef VIRTIO_PCI_H
#define VIRTIO_PCI_H

#include "types.h"

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
