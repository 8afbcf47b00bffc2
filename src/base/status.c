/* The names of the outcomes, and failure texts. Everything stands on this. */
#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static const char *const names[] = {
    [STATUS_OK] = "ok",
    [STATUS_NOT_FOUND] = "not_found",
    [STATUS_EXISTS] = "exists",
    [STATUS_CONFLICT] = "conflict",
    [STATUS_PRECONDITION] = "precondition",
    [STATUS_LIMIT] = "limit",
    [STATUS_INVALID] = "invalid",
    [STATUS_REPLAY] = "replay",
    [STATUS_MISMATCH] = "mismatch",
    [STATUS_AGAIN] = "again",
    [STATUS_FULL] = "full",
    [STATUS_UNAVAILABLE] = "unavailable",
    [STATUS_UNKNOWN] = "unknown",
    [STATUS_DENIED] = "denied",
    [STATUS_CORRUPT] = "corrupt",
    [STATUS_VERSION] = "version",
    [STATUS_IO] = "io",
};

const char *status_name(enum status status)
{
    size_t index = (size_t)status;
    return index < sizeof names / sizeof names[0] ? names[index] : "undefined";
}

enum status status_of_errno(void)
{
    return errno == ENOSPC || errno == EDQUOT ? STATUS_FULL : STATUS_IO;
}

void failure_set(struct failure *failure, const char *format, ...)
{
    if (!failure)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
}
