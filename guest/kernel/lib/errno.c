/* Names of error numbers. */
#include "lib/lib.h"

const char *errno_name(long number) {
  static const struct {
    long number;
    const char name[16];
  } names[] = {
    {EPERM, "EPERM"},   {ENOENT, "ENOENT"},   {EIO, "EIO"},         {ENXIO, "ENXIO"},   {EAGAIN, "EAGAIN"},
    {ENOMEM, "ENOMEM"}, {EFAULT, "EFAULT"},   {EBUSY, "EBUSY"},     {ENODEV, "ENODEV"}, {EINVAL, "EINVAL"},
    {ENOEXEC, "ENOEXEC"}, {ENOSPC, "ENOSPC"}, {ETXTBSY, "ETXTBSY"}, {ENOSYS, "ENOSYS"},   {EADDRNOTAVAIL, "EADDRNOTAVAIL"},
    {ETIMEDOUT, "ETIMEDOUT"},
  };
  for (size_t i = 0; i < ARRAY_SIZE(names); i++)
    if (names[i].number == number) return names[i].name;
  return "E?";
}
