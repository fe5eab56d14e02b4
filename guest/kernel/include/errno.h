/* Error numbers as Linux has them (include/uapi/asm-generic/errno*.h): the system call answers by these. */
#ifndef ERRNO_H
#define ERRNO_H

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
