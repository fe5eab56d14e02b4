/*
 * kdumpd-plan DISK NAME: gives the plan NAME of a plan disk (docs/formats/plan.md) to kexec_load.
 *
 * It stands in for kexec-tools in a stock guest: everything was decided and built outside; here bytes are read,
 * checked to be a plan inside the disk, and handed to the kernel, whose answer is printed by its name. A failure is one
 * line on standard output, an errno's name first, and exit status 1.
 *
 * The disk is read past the page cache: its owner may have written it since it was read last.
 * Little-endian ppc64 Linux, without a C library. Sources: Linux 6.1 arch/powerpc/include/uapi/asm (system calls,
 * O_DIRECT, _IO), include/uapi/linux/kexec.h.
 */

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

enum { SYS_exit = 1, SYS_write = 4, SYS_open = 5, SYS_mmap = 90, SYS_pread64 = 179, SYS_kexec_load = 268 };
enum { O_RDONLY = 0, O_DIRECT = 0400000 };
enum { PROT_READ_WRITE = 3, MAP_PRIVATE_ANONYMOUS = 0x22 };
enum { KEXEC_ON_CRASH = 1, KEXEC_ARCH_PPC64 = 21 << 16 };
enum { EIO = 5, EINVAL = 22 };

/* The plan disk's structures, in bytes. */
enum { UNIT = 4096, DISK_HEADER = 16, ENTRY = 32, PLAN_HEADER = 32, SEGMENT = 32 };
enum { NAME = 16, SECTOR = 512, MAX_SEGMENTS = 16 };
#define MAX_BYTES (1ul << 40)
#define CHUNK (1ul << 20)

struct kexec_segment {
	u64 buf, bufsz, mem, memsz;
};

/* An error comes back negative. */
static long call(long number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	register u64 r0 asm("r0") = (u64)number;
	register u64 r3 asm("r3") = a;
	register u64 r4 asm("r4") = b;
	register u64 r5 asm("r5") = c;
	register u64 r6 asm("r6") = d;
	register u64 r7 asm("r7") = e;
	register u64 r8 asm("r8") = f;

	/* Summary overflow in CR0: r3 is an errno. */
	asm volatile("sc\n\tbns+ 1f\n\tneg 3, 3\n1:"
		     : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6), "+r"(r7), "+r"(r8)
		     :
		     : "r9", "r10", "r11", "r12", "cr0", "ctr", "xer", "memory");
	return (long)r3;
}

static void say(const char *text)
{
	u64 length = 0;

	while (text[length])
		length++;
	call(SYS_write, 1, (u64)text, length, 0, 0, 0);
}

static void say_number(u64 value)
{
	char digits[24];
	u32 at = sizeof(digits) - 1;

	digits[at] = 0;
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	say(digits + at);
}

static void say_errno(long error)
{
	switch (-error) {
	case 1: say("EPERM"); break;
	case 2: say("ENOENT"); break;
	case 5: say("EIO"); break;
	case 12: say("ENOMEM"); break;
	case 14: say("EFAULT"); break;
	case 16: say("EBUSY"); break;
	case 22: say("EINVAL"); break;
	case 26: say("ETXTBSY"); break;
	case 99: say("EADDRNOTAVAIL"); break;
	default:
		say("errno ");
		say_number((u64)-error);
	}
}

static void __attribute__((noreturn)) leave(u64 status)
{
	for (;;)
		call(SYS_exit, status, 0, 0, 0, 0, 0);
}

static void __attribute__((noreturn)) fail(long error, const char *what)
{
	say_errno(error);
	say(" ");
	say(what);
	say("\n");
	leave(1);
}

static u64 big(const u8 *bytes, u32 count)
{
	u64 value = 0;

	for (u32 i = 0; i < count; i++)
		value = value << 8 | bytes[i];
	return value;
}

/* Whether a field of `count` bytes holds `text`, zeros behind it where it is shorter. */
static int equal(const u8 *bytes, const char *text, u32 count)
{
	u32 i = 0;

	for (; i < count && text[i]; i++)
		if (bytes[i] != (u8)text[i])
			return 0;
	if (i == count)
		return text[i] == 0;
	for (; i < count; i++)
		if (bytes[i])
			return 0;
	return 1;
}

static u8 *allocate(u64 bytes)
{
	long at = call(SYS_mmap, 0, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, ~0ul, 0);

	if (at < 0 && at > -4096)
		fail(at, "there is no memory for the plan");
	return (u8 *)at;
}

/* Whole sectors from the disk; `what` is the complaint. */
static u8 *read_disk(long disk, u64 offset, u64 bytes, const char *what)
{
	u64 whole = (bytes + SECTOR - 1) & ~(u64)(SECTOR - 1);
	u8 *to;

	if (offset % UNIT || offset > MAX_BYTES || bytes > MAX_BYTES)
		fail(-EINVAL, what);
	to = allocate(whole + UNIT);
	for (u64 at = 0; at < whole;) {
		u64 part = whole - at < CHUNK ? whole - at : CHUNK;
		long got = call(SYS_pread64, (u64)disk, (u64)(to + at), part, offset + at, 0, 0);

		if (got < 0)
			fail(got, what);
		if (got == 0)
			fail(-EINVAL, what); /* past the end of the disk */
		at += (u64)got;
	}
	return to;
}

static const u8 *find_plan(const u8 *list, const char *name)
{
	u64 count = big(list + 8, 4);

	if (!equal(list, "KDPLANS1", 8))
		fail(-EINVAL, "the disk holds no plans");
	if (count > (SECTOR - DISK_HEADER) / ENTRY)
		fail(-EINVAL, "the disk names too many plans");
	for (u64 i = 0; i < count; i++)
		if (equal(list + DISK_HEADER + i * ENTRY, name, NAME))
			return list + DISK_HEADER + i * ENTRY;
	fail(-EINVAL, "the disk holds no such plan");
}

static struct kexec_segment segments[MAX_SEGMENTS];

int main_of(u64 *stack)
{
	u64 argc = stack[0];
	const char **argv = (const char **)(stack + 1);
	const u8 *entry, *plan;
	u64 count, flags;
	long disk, status;

	if (argc != 3)
		fail(-EINVAL, "usage: kdumpd-plan DISK NAME");
	disk = call(SYS_open, (u64)argv[1], O_RDONLY | O_DIRECT, 0, 0, 0, 0);
	if (disk < 0)
		fail(disk, "the plan disk cannot be opened");
	entry = find_plan(read_disk(disk, 0, SECTOR, "the plan disk cannot be read"), argv[2]);
	if (big(entry + 24, 8) > PLAN_HEADER + MAX_SEGMENTS * SEGMENT || big(entry + 24, 8) < PLAN_HEADER)
		fail(-EINVAL, "the plan has an absurd length");
	plan = read_disk(disk, big(entry + 16, 8), big(entry + 24, 8), "the plan is not inside the disk");
	count = big(plan + 12, 4);
	if (!equal(plan, "KDPLAN01", 8) || count > MAX_SEGMENTS ||
	    big(entry + 24, 8) != PLAN_HEADER + count * SEGMENT)
		fail(-EINVAL, "the plan is damaged");
	for (u64 i = 0; i < count; i++) {
		const u8 *row = plan + PLAN_HEADER + i * SEGMENT;
		struct kexec_segment *segment = segments + i;

		segment->bufsz = big(row + 8, 8);
		segment->mem = big(row + 16, 8);
		segment->memsz = big(row + 24, 8);
		if (segment->bufsz > segment->memsz)
			fail(-EINVAL, "a segment has more bytes than memory");
		segment->buf = (u64)read_disk(disk, big(row, 8), segment->bufsz, "a segment is not inside the disk");
	}
	flags = big(plan + 8, 4) & KEXEC_ON_CRASH;
	status = call(SYS_kexec_load, big(plan + 16, 8), count, (u64)segments, flags | KEXEC_ARCH_PPC64, 0, 0);
	if (status < 0)
		fail(status, "the kernel refused the plan");
	return 0;
}

/* Process entry: r1 points at argc (64-bit ELF V2 ABI, §4.1). Linked below 2 GiB, so that two words make the TOC. */
asm(".globl _start\n"
    "_start:\n"
    "\tlis 2, .TOC.@ha\n"
    "\taddi 2, 2, .TOC.@l\n"
    "\tmr 3, 1\n"
    "\tclrrdi 1, 1, 4\n"
    "\tli 0, 0\n"
    "\tstdu 0, -64(1)\n"
    "\tbl main_of\n"
    "\tnop\n"
    "\tli 0, 1\n"
    "\tsc\n");
