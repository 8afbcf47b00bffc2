/* What `key list` and `status` show. Names in it were chosen by others, so nothing in a cell reaches the terminal as a
 * command to it. */
#include "cmd/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/timestamp.h"

void table_add(struct table *table, const char *text)
{
    struct buf cell = {0};
    text_append_printable(text, &cell);
    size_t column = table->count % table->columns;
    size_t width = utf8_length(buf_text(&cell), cell.length);
    if (width > table->widths[column])
        table->widths[column] = width;
    table->cells = mem_realloc(table->cells, table->count + 1, sizeof *table->cells);
    table->cells[table->count++] = cell;
}

void table_add_time(struct table *table, int64_t time_ms)
{
    char text[TIMESTAMP_SIZE] = "-";
    if (time_ms != 0)
        timestamp_format(time_ms, text);
    table_add(table, text);
}

void table_print(const struct table *table, struct buf *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct buf *cell = &table->cells[i];
        size_t column = i % table->columns;
        buf_append_slice(out, buf_slice(cell));
        if (column == table->columns - 1)
            buf_append_text(out, "\n");
        else
            buf_printf(out, "%*s", (int)(table->widths[column] - utf8_length(buf_text(cell), cell->length) + 2), "");
    }
}

void table_clear(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        buf_clear(&table->cells[i]);
    free(table->cells);
    *table = (struct table){.columns = table->columns};
}
