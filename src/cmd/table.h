/* A table for people: columns as wide as their widest cell, two spaces between them. */
#ifndef HOOKTURN_CMD_TABLE_H
#define HOOKTURN_CMD_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { TABLE_COLUMNS_MAX = 8 };

/* Cells row by row, the headings first. `{.columns = n}` is empty; clear with table_clear. */
struct table {
    size_t columns;
    struct buf *cells; /* heap */
    size_t count;
    size_t widths[TABLE_COLUMNS_MAX];
};

/* The next cell. What a terminal would act on is shown as "?". */
void table_add(struct table *table, const char *text);
/* Likewise; RFC 3339, or "-" for 0. */
void table_add_time(struct table *table, int64_t time_ms);
void table_print(const struct table *table, struct buf *out);
void table_clear(struct table *table);

#endif
