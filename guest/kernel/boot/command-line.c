/* Words of the command line. */
#include "command-line.h"

#include "boot.h"
#include "string.h"
#include "tree.h"

char command_line[2048];

void command_line_read(void) {
  u32 length;
  tree_node chosen = tree_find("/chosen");
  const char *text = chosen == 0 ? NULL : tree_property(chosen, "bootargs", &length);
  if (text == NULL) return;
  length = MIN(length, (u32)sizeof command_line - 1);
  memcpy(command_line, text, length);
  command_line[length] = 0;
}

const char *option(const char *name) {
  const char *found = NULL;
  size_t length = strlen(name);
  for (const char *at = command_line; *at != 0;) {
    while (*at == ' ' || *at == '\n' || *at == '\t') at++;
    if (strncmp(at, name, length) == 0) {
      char next = at[length];
      if (next == '=') found = at + length + 1;
      else if (next == 0 || next == ' ' || next == '\n') found = at + length;
    }
    while (*at != 0 && *at != ' ' && *at != '\n' && *at != '\t') at++;
  }
  return found;
}

u64 option_number(const char *name, u64 otherwise) {
  const char *value = option(name);
  return value == NULL ? otherwise : parse_number(value, NULL);
}

bool option_is(const char *name, const char *value) {
  const char *text = option(name);
  size_t length = strlen(value);
  return text != NULL && strncmp(text, value, length) == 0 && (text[length] == 0 || text[length] == ' ');
}

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
