/*
 * What every file may use and what uses nothing itself: integers by width, the compiler's attributes by short names,
 * memory and text, formatted text, error numbers. Everything here is big-endian, 64-bit.
 */
#ifndef LIB_H
#define LIB_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long s64;
typedef unsigned long size_t;
typedef _Bool bool;
typedef __builtin_va_list va_list;

#define true 1
#define false 0
#define NULL ((void *)0)

#define va_start __builtin_va_start
#define va_arg __builtin_va_arg
#define va_end __builtin_va_end

/* A function that debuggers and probes find by its name, whatever the optimiser would make of it. */
#define __noinline __attribute__((noinline, noclone, noipa))
#define __noreturn __attribute__((noreturn))
#define __used __attribute__((used))
#define __section(name) __attribute__((section(name)))
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __printf(f, a) __attribute__((format(printf, f, a)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a) (((x) + ((u64)(a) - 1)) & ~((u64)(a) - 1))
#define ALIGN_DOWN(x, a) ((x) & ~((u64)(a) - 1))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* What the compiler must not move memory accesses across; what the processor must not. */
#define barrier() __asm__ volatile("" ::: "memory")
#define mb() __asm__ volatile("sync" ::: "memory")
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

/* ---- string.c: memory and text ---- */
void *memcpy(void *to, const void *from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int byte, size_t length);
int memcmp(const void *a, const void *b, size_t length);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t length);

/* A number as people write it: decimal or 0x…, with K, M or G. `end` gets what follows it. */
u64 parse_number(const char *text, const char **end);

/* ---- format.c: formatted text. Understands %s %c %d %u %x %lx %lu %ld %p %%, a width and a leading 0 or -. ---- */
/* Into a buffer, always ended by a zero; returns the length written without it. */
int snprint(char *buffer, size_t size, const char *format, ...) __printf(3, 4);
int vsnprint(char *buffer, size_t size, const char *format, va_list arguments);

/* ---- errno.c: error numbers as Linux has them (include/uapi/asm-generic/errno*.h): the system call returns these ---- */
#define EPERM 1
#define ENOENT 2
#define EIO 5
#define ENXIO 6
#define ENOEXEC 8
#define EAGAIN 11
#define ENOMEM 12
#define EFAULT 14
#define EBUSY 16
#define ENODEV 19
#define EINVAL 22
#define ETXTBSY 26
#define ENOSPC 28
#define ENOSYS 38
#define EADDRNOTAVAIL 99
#define ETIMEDOUT 110

/* The name of a positive error number, "E?" for one that is not listed. */
const char *errno_name(long number);

#endif
