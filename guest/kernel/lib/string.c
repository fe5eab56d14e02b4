/* Memory and text. Copies go by doublewords where both ends allow it. */
#include "lib/lib.h"

void *memcpy(void *to, const void *from, size_t length) {
  u8 *d = to;
  const u8 *s = from;
  if ((((u64)d | (u64)s) & 7) == 0) {
    for (; length >= 8; length -= 8, d += 8, s += 8) *(u64 *)d = *(const u64 *)s;
  }
  while (length-- > 0) *d++ = *s++;
  return to;
}

void *memmove(void *to, const void *from, size_t length) {
  if ((u64)to <= (u64)from || (u64)to >= (u64)from + length) return memcpy(to, from, length);
  u8 *d = (u8 *)to + length;
  const u8 *s = (const u8 *)from + length;
  while (length-- > 0) *--d = *--s;
  return to;
}

void *memset(void *to, int byte, size_t length) {
  u8 *d = to;
  if (((u64)d & 7) == 0) {
    u64 word = (u8)byte * 0x0101010101010101ul;
    for (; length >= 8; length -= 8, d += 8) *(u64 *)d = word;
  }
  while (length-- > 0) *d++ = (u8)byte;
  return to;
}

int memcmp(const void *a, const void *b, size_t length) {
  const u8 *x = a, *y = b;
  for (; length > 0; length--, x++, y++)
    if (*x != *y) return *x < *y ? -1 : 1;
  return 0;
}

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length] != 0) length++;
  return length;
}

int strncmp(const char *a, const char *b, size_t length) {
  for (; length > 0; length--, a++, b++) {
    if (*a != *b) return (u8)*a < (u8)*b ? -1 : 1;
    if (*a == 0) return 0;
  }
  return 0;
}

int strcmp(const char *a, const char *b) { return strncmp(a, b, ~0ul); }

u64 parse_number(const char *text, const char **end) {
  u64 value = 0;
  unsigned base = 10;
  if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    base = 16;
    text += 2;
  }
  for (;; text++) {
    unsigned digit;
    if (*text >= '0' && *text <= '9') digit = *text - '0';
    else if (base == 16 && (*text | 0x20) >= 'a' && (*text | 0x20) <= 'f') digit = (*text | 0x20) - 'a' + 10;
    else break;
    value = value * base + digit;
  }
  switch (*text) {
    case 'G':
    case 'g':
      value <<= 10; /* fall through */
    case 'M':
    case 'm':
      value <<= 10; /* fall through */
    case 'K':
    case 'k':
      value <<= 10;
      text++;
  }
  if (end != NULL) *end = text;
  return value;
}
