/* RFC 3339 times in UTC with milliseconds, and the durations and sizes of the configuration. */
#ifndef HOOKTURN_BASE_TIMESTAMP_H
#define HOOKTURN_BASE_TIMESTAMP_H

#include <stdint.h>

#include "base/status.h"

enum { TIMESTAMP_SIZE = 32 }; /* enough for the text of any int64_t that is a date, with its NUL */

/* "2026-06-12T10:15:00.000Z". `out` has TIMESTAMP_SIZE bytes. Times outside years 0 to 9999 are clamped. */
void timestamp_format(int64_t time_ms, char *out);
/* RFC 3339 section 5.6, any offset, fraction cut to milliseconds. STATUS_INVALID otherwise. */
enum status timestamp_parse(const char *text, int64_t *out_ms) MUST_USE;

/* "500ms 15s 10m 72h 5d": a whole number and a unit, no space. STATUS_INVALID for anything else or overflow. */
enum status duration_parse(const char *text, int64_t *out_ms) MUST_USE;
/* "64k 16m": a whole number of bytes, of KiB or of MiB ("k", "m" in either case). */
enum status size_parse(const char *text, int64_t *out_bytes) MUST_USE;

#endif
