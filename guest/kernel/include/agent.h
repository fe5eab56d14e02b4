/* The second vty: commands of the host, one a line, and answers (docs/images.md). Commands run on CPU 0, which polls. */
#ifndef AGENT_H
#define AGENT_H

#include "types.h"

/* `run` gets what follows the word (blanks skipped) and answers by agent_say. At most 16 commands. */
void agent_command(const char *word, void (*run)(const char *arguments));
/* One line to the host; the newline is added. */
void agent_say(const char *format, ...) __printf(1, 2);

#endif
