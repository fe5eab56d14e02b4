/*
 * Finds virtio functions in the device tree, gives their BARs addresses and finds their structures.
 * Source: VIRTIO 1.1 §4.1.2 to §4.1.4; LoPAR, ibm,read-pci-config and ibm,write-pci-config; PCI Bus Binding to
 * IEEE 1275 2.1 (reg, ranges). Under PAPR firmware may leave BARs for the kernel to set; this one always sets them:
 * 1 MiB of the bridge's 64-bit window a device, in the order of the tree.
 *
 * Registers are reached by H_LOGICAL_CI_LOAD and H_LOGICAL_CI_STORE, which move values in the CPU's byte order, so no
 * mapping of device memory is needed, whatever the MMU. Left out: I/O space, 32-bit windows, legacy devices.
 */
#include "block/block.h"
#include "firmware/firmware.h"
#include "printk/printk.h"
#include "tree/tree.h"

#define CONFIG_VENDOR 0x00
#define CONFIG_COMMAND 0x04
#define CONFIG_BAR0 0x10
#define CONFIG_CAPABILITIES 0x34
#define BARS 6

#define COMMAND_MEMORY 2
#define COMMAND_MASTER 4

#define BAR_IO 1u
#define BAR_TYPE 7u
#define BAR_64 4u
#define BAR_FLAGS 15u

#define CAPABILITY_VENDOR 9
#define CAP_COMMON 1
#define CAP_NOTIFY 2
#define CAP_DEVICE 4

#define VIRTIO_VENDOR 0x1af4
#define VIRTIO_DEVICE_BASE 0x1040

/* Space code of phys.hi: 64-bit memory. */
#define SPACE_MASK 0x03000000u
#define SPACE_MEMORY64 0x03000000u
#define RANGE_CELLS 7
#define DEVICE_ROOM 0x100000ul

static u64 swapped(u64 value, int size)
{
  switch (size) {
  case 1:
    return (u8)value;
  case 2:
    return __builtin_bswap16((u16)value);
  default:
    return __builtin_bswap32((u32)value);
  }
}

static u64 register_read(u64 raddr, int size)
{
  u64 result[9];

  /* All ones is what a bus answers where nothing is. */
  if (hcall_results(H_LOGICAL_CI_LOAD, result, (u64)size, raddr, 0, 0, 0, 0, 0, 0, 0) != H_SUCCESS)
    return ~0ul;
  return swapped(result[0], size);
}

static void register_write(u64 raddr, int size, u64 value)
{
  hcall(H_LOGICAL_CI_STORE, (u64)size, raddr, swapped(value, size));
}

u8 register_read8(u64 raddr) { return (u8)register_read(raddr, 1); }
u16 register_read16(u64 raddr) { return (u16)register_read(raddr, 2); }
u32 register_read32(u64 raddr) { return (u32)register_read(raddr, 4); }
void register_write8(u64 raddr, u8 value) { register_write(raddr, 1, value); }
void register_write16(u64 raddr, u16 value) { register_write(raddr, 2, value); }
void register_write32(u64 raddr, u32 value) { register_write(raddr, 4, value); }

static u32 config_read(const struct virtio_pci *device, u32 at, u32 size)
{
  u32 value = ~0u;

  if (rtas_call(rtas_token("ibm,read-pci-config"), 4, 2, &value, device->config + at,
          (u32)(device->buid >> 32), (u32)device->buid, size) != 0)
    return ~0u;
  return value;
}

static void config_write(const struct virtio_pci *device, u32 at, u32 size, u32 value)
{
  if (rtas_call(rtas_token("ibm,write-pci-config"), 5, 1, NULL, device->config + at,
          (u32)(device->buid >> 32), (u32)device->buid, size, value) != 0)
    printk("pci: %x+%x cannot be written\n", device->config, at);
}

void virtio_pci_master(const struct virtio_pci *device, bool on)
{
  config_write(device, CONFIG_COMMAND, 2, on ? COMMAND_MEMORY | COMMAND_MASTER : COMMAND_MEMORY);
}

/*
 * Puts every BAR of the function into `room` bytes of the window at bus address `bus`. Decoding is off meanwhile,
 * and so is mastering: nothing that an earlier kernel began continues.
 * real[] gets the real address of each BAR.
 */
static void place_bars(const struct virtio_pci *device, u64 bus, u64 to_real, u64 real[BARS])
{
  config_write(device, CONFIG_COMMAND, 2, 0);
  for (u32 bar = 0; bar < BARS; bar++) {
    u32 at = CONFIG_BAR0 + 4 * bar;
    u32 low, size;

    real[bar] = 0;
    if (bar == BARS - 1)
      break; /* no room for the upper half */
    config_write(device, at, 4, ~0u);
    low = config_read(device, at, 4);
    if (low == 0 || low == ~0u || (low & BAR_IO) || (low & ~BAR_FLAGS) == 0)
      continue;
    size = -(low & ~BAR_FLAGS);
    bus = ALIGN_UP(bus, size);
    if ((low & BAR_TYPE) != BAR_64) {
      /* It cannot reach the window. Nothing that we use is in it, and at 0 no CPU looks. */
      config_write(device, at, 4, 0);
      continue;
    }
    config_write(device, at, 4, (u32)bus);
    config_write(device, at + 4, 4, (u32)(bus >> 32));
    real[bar++] = bus + to_real;
    real[bar] = 0;
    bus += size;
  }
  config_write(device, CONFIG_COMMAND, 2, COMMAND_MEMORY);
}

/* §4.1.4: vendor capabilities say in which BAR and where each structure is. */
static bool find_structures(struct virtio_pci *device, const u64 real[BARS])
{
  u32 at = config_read(device, CONFIG_CAPABILITIES, 1);

  device->common = device->notify = device->device = 0;
  for (int limit = 48; at >= 0x40 && at < 0x100 && limit != 0; limit--) {
    u32 id = config_read(device, at, 1);
    u32 next = config_read(device, at + 1, 1);

    if (id == CAPABILITY_VENDOR) {
      u32 type = config_read(device, at + 3, 1);
      u32 bar = config_read(device, at + 4, 1);
      u32 offset = config_read(device, at + 8, 4);
      u64 base = bar < BARS ? real[bar] : 0;

      if (base != 0 && type == CAP_COMMON && device->common == 0)
        device->common = base + offset;
      if (base != 0 && type == CAP_DEVICE && device->device == 0)
        device->device = base + offset;
      if (base != 0 && type == CAP_NOTIFY && device->notify == 0) {
        device->notify = base + offset;
        device->notify_multiplier = config_read(device, at + 16, 4);
      }
    }
    at = next;
  }
  return device->common != 0 && device->notify != 0 && device->device != 0;
}

/* The bridge's window of 64-bit memory: bus address, and what is added to get the real one. */
static bool find_window(tree_node bridge, u64 *bus, u64 *to_real)
{
  u32 length;
  const u8 *ranges = tree_property(bridge, "ranges", &length);

  for (; ranges != NULL && length >= 4 * RANGE_CELLS; ranges += 4 * RANGE_CELLS, length -= 4 * RANGE_CELLS) {
    if ((tree_u32(ranges) & SPACE_MASK) != SPACE_MEMORY64)
      continue;
    *bus = tree_u64(ranges + 4);
    *to_real = tree_u64(ranges + 12) - *bus;
    return true;
  }
  return false;
}

static void probe_bridge(tree_node bridge, u16 type, virtio_found found)
{
  const void *reg = tree_property(bridge, "reg", NULL);
  u64 bus, to_real;

  if (reg == NULL || !find_window(bridge, &bus, &to_real))
    return;
  for (tree_node node = tree_child(bridge); node != 0; node = tree_sibling(node), bus += DEVICE_ROOM) {
    struct virtio_pci device = { .buid = tree_u64(reg) };
    const void *address = tree_property(node, "reg", NULL);
    u64 real[BARS];
    int error;

    if (address == NULL)
      continue;
    device.config = tree_u32(address);
    if (config_read(&device, CONFIG_VENDOR, 4) != ((u32)(VIRTIO_DEVICE_BASE + type) << 16 | VIRTIO_VENDOR))
      continue;
    place_bars(&device, bus, to_real, real);
    if (!find_structures(&device, real)) {
      printk("virtio: %s has no modern interface\n", tree_name(node));
      continue;
    }
    error = found(&device);
    if (error != 0)
      printk("virtio: %s is not used: error %d\n", tree_name(node), -error);
  }
}

void virtio_pci_probe(u16 type, virtio_found found)
{
  for (tree_node node = tree_child(tree_root()); node != 0; node = tree_sibling(node)) {
    const char *kind = tree_property(node, "device_type", NULL);

    if (kind != NULL && strcmp(kind, "pci") == 0)
      probe_bridge(node, type, found);
  }
}
