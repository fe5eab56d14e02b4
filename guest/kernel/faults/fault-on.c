/* The names in kdumpd.fault=NAME[:NUMBER][,…]. */
#include "faults/faults.h"
#include "tree/tree.h"

bool fault_on(const char *name, u64 *value) {
  size_t length = strlen(name);
  const char *at = option("kdumpd.fault");
  if (value != NULL) *value = 0;
  while (at != NULL && *at != 0 && *at != ' ') {
    char next = strncmp(at, name, length) == 0 ? at[length] : 'x';
    if (next == 0 || next == ' ' || next == ',' || next == ':') {
      if (next == ':' && value != NULL) *value = parse_number(at + length + 1, NULL);
      return true;
    }
    while (*at != 0 && *at != ' ' && *at != ',') at++;
    if (*at == ',') at++;
  }
  return false;
}
