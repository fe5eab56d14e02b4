/* printf's conversions, as many as lib.h names. */
#include "lib/lib.h"

struct output {
  char *at;
  char *end;
  int length;
};

static void put(struct output *output, char c) {
  if (output->at < output->end) *output->at++ = c;
  output->length++;
}

static void put_padded(struct output *output, const char *text, int length, int width, bool left, char pad) {
  for (int i = length; !left && i < width; i++) put(output, pad);
  for (int i = 0; i < length; i++) put(output, text[i]);
  for (int i = length; left && i < width; i++) put(output, ' ');
}

static int digits(char *end, u64 value, unsigned base) {
  char *at = end;
  do {
    *--at = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  return (int)(end - at);
}

int vsnprint(char *buffer, size_t size, const char *format, va_list arguments) {
  struct output output = {buffer, buffer + (size > 0 ? size - 1 : 0), 0};
  for (const char *f = format; *f != 0; f++) {
    if (*f != '%') {
      put(&output, *f);
      continue;
    }
    bool left = false, is_long = false;
    char pad = ' ';
    int width = 0;
    for (f++; *f == '-' || *f == '0'; f++) {
      if (*f == '-') left = true;
      else pad = '0';
    }
    for (; *f >= '0' && *f <= '9'; f++) width = width * 10 + (*f - '0');
    for (; *f == 'l'; f++) is_long = true;
    char room[24], *end = room + sizeof room;
    int length;
    switch (*f) {
      case 'd': {
        s64 value = is_long ? va_arg(arguments, s64) : va_arg(arguments, s32);
        length = digits(end, value < 0 ? -(u64)value : (u64)value, 10);
        if (value < 0) *(end - ++length) = '-';
        break;
      }
      case 'u':
      case 'x': {
        u64 value = is_long ? va_arg(arguments, u64) : va_arg(arguments, u32);
        length = digits(end, value, *f == 'x' ? 16 : 10);
        break;
      }
      case 'p':
        length = digits(end, va_arg(arguments, u64), 16);
        pad = '0';
        width = 16;
        break;
      case 'c':
        *(end - 1) = (char)va_arg(arguments, int);
        length = 1;
        break;
      case 's': {
        const char *text = va_arg(arguments, const char *);
        if (text == NULL) text = "(null)";
        put_padded(&output, text, (int)strlen(text), width, left, ' ');
        continue;
      }
      default:
        put(&output, *f);
        continue;
    }
    put_padded(&output, end - length, length, width, left, pad);
  }
  if (size > 0) *output.at = 0;
  return output.length;
}

int snprint(char *buffer, size_t size, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprint(buffer, size, format, arguments);
  va_end(arguments);
  return length;
}
