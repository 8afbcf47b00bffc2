/* Prometheus' text format, version 0.0.4: families of samples. */
#ifndef HOOKTURN_API_METRICS_TEXT_H
#define HOOKTURN_API_METRICS_TEXT_H

#include <stdint.h>

#include "base/buf.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* A label; `name` NULL: none. The value is escaped, and cut at METRICS_LABEL_MAX bytes. */
enum { METRICS_LABEL_MAX = 128 };
struct metrics_label {
    const char *name;
    const char *value;
};

/* The two lines above a family's samples, which follow at once. Each family once. `type`: "counter", "gauge",
 * "histogram". `help`: one line without backslashes. */
void metrics_family(struct buf *out, const char *name, const char *type, const char *help);
/* A whole number. */
void metrics_sample(struct buf *out, const char *name, struct metrics_label label, uint64_t value);
/* Seconds, to the millisecond. */
void metrics_seconds(struct buf *out, const char *name, struct metrics_label label, int64_t milliseconds);
/* A family of one number without labels. */
void metrics_single(struct buf *out, const char *name, const char *type, const char *help, uint64_t value);

#endif
