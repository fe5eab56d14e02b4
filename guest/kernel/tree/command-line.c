/* Words of the command line. */
#include "tree/tree.h"

static char command_line[2048];

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
