/*
 * Purgatory's work between the two kernels: check the image, then do for it what only now can be done. Its duties are
 * those of kexec-tools' purgatory (Milton Miller, linuxppc-dev, 9 June 2007; Mohan Kumar on __run_at_load, linuxppc-dev, 2008;
 * kexec-tools 2.0.25, purgatory/arch/ppc64): the digest first, and nothing of the new kernel changed or run until it is
 * right.
 *
 * Left out: other digests than SHA-256, OPAL's console, keeping secondaries here (they wait at address 0x60 in the
 * next kernel's own code).
 */
#include "purgatory.h"

u64 kernel;
u64 dt_offset;
u64 stack;
u32 panic_kernel;
u64 backup_src, backup_dst, backup_len;
u32 sha256_count;
struct region sha256_regions[MAX_REGIONS] = { { 0, 0 } };
u8 sha256_digest[DIGEST_BYTES];
u64 console_unit;

#define RUN_AT_LOAD_OFFSET 0x5c

/* Header of a flattened tree (Devicetree Specification 0.4 §5.2). */
#define TREE_MAGIC 0xd00dfeed
#define TREE_VERSION 20
#define TREE_BOOT_CPUID 28
/* The first version whose header has boot_cpuid_phys. */
#define TREE_VERSION_WITH_BOOT_CPUID 2

static inline u32 *word_at(u64 raddr)
{
  return (u32 *)raddr;
}

/* The call takes sixteen bytes in two registers, the first byte leftmost. */
static void say(const char *text)
{
  if (console_unit == ~0ul)
    return;
  while (*text) {
    u64 pair[2] = { 0, 0 };
    u64 length = 0;

    for (; length < 16 && text[length]; length++)
      pair[length / 8] |= (u64)(u8)text[length] << (56 - 8 * (length % 8));
    put_term_char(console_unit, length, pair[0], pair[1]);
    text += length;
  }
}

static void say_digest(const char *label, const u8 *digest)
{
  char text[2 * DIGEST_BYTES + 3];
  u32 at = 0;

  for (u32 i = 0; i < DIGEST_BYTES; i++) {
    text[at++] = "0123456789abcdef"[digest[i] >> 4];
    text[at++] = "0123456789abcdef"[digest[i] & 15];
  }
  text[at++] = '\r';
  text[at++] = '\n';
  text[at] = 0;
  say(label);
  say(text);
}

/* Never comes back with a digest that is wrong. */
static void __attribute__((noinline)) verify_digest(void)
{
  struct sha256 hash;
  u8 digest[DIGEST_BYTES];
  u32 wrong = 0;

  if (sha256_count == 0)
    return;
  sha256_start(&hash);
  for (u32 i = 0; i < sha256_count && i < MAX_REGIONS; i++)
    sha256_add(&hash, (const u8 *)sha256_regions[i].start, sha256_regions[i].length);
  sha256_end(&hash, digest);
  for (u32 i = 0; i < DIGEST_BYTES; i++)
    wrong |= digest[i] ^ sha256_digest[i];
  if (wrong == 0 && sha256_count <= MAX_REGIONS)
    return;

  say("purgatory: digest mismatch: the kernel is not entered\r\n");
  say_digest("purgatory: loaded ", sha256_digest);
  say_digest("purgatory: found  ", digest);
  purgatory_gave_up();
}

static void __attribute__((noinline)) store_run_at_load(void)
{
  u32 *flag = word_at(kernel + RUN_AT_LOAD_OFFSET);

  *flag = run_at_load;
  asm volatile("dcbst 0, %0; sync; icbi 0, %0; isync" : : "r"(flag) : "memory");
}

static void __attribute__((noinline)) back_up_low_memory(void)
{
  const u64 *from = (const u64 *)backup_src;
  u64 *to = (u64 *)backup_dst;

  for (u64 left = backup_len / 8; left != 0; left--)
    *to++ = *from++;
}

static void __attribute__((noinline)) record_boot_cpu(u32 hardware_id)
{
  if (dt_offset == 0 || *word_at(dt_offset) != TREE_MAGIC)
    return;
  if (*word_at(dt_offset + TREE_VERSION) >= TREE_VERSION_WITH_BOOT_CPUID)
    *word_at(dt_offset + TREE_BOOT_CPUID) = hardware_id;
}

void purgatory(u32 hardware_id)
{
  verify_digest();
  if (panic_kernel) {
    back_up_low_memory();
    store_run_at_load();
  }
  record_boot_cpu(hardware_id);
}
