/* What the shell's completion asks: `hookturn help --words WORD ...`. */
#ifndef HOOKTURN_CMD_COMPLETION_H
#define HOOKTURN_CMD_COMPLETION_H

#include "base/buf.h"

/* What may come next on a command line, one a line, when `words` (behind "hookturn", ended by NULL) stand already:
 * words of commands, options, and in capitals, as in the usage, what value or operand may stand there ("FILE"). Nothing
 * where the words make no sense. */
void completion_append(char *const *words, struct buf *out);

#endif
