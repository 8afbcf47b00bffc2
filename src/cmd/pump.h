/* Bytes to and from a descriptor that may be a pipe, for commands that shall end when a signal says so (family_stop),
 * however long the other side takes. */
#ifndef HOOKTURN_CMD_PUMP_H
#define HOOKTURN_CMD_PUMP_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

/* Writes all of it. STATUS_CONFLICT: stopped. STATUS_FULL, STATUS_IO: errno says why. */
enum status pump_write(int fd, struct slice bytes) MUST_USE;
/* Up to `size` bytes; *length is 0 at the end alone. Likewise. */
enum status pump_read(int fd, char *out, size_t size, size_t *length) MUST_USE;

#endif
