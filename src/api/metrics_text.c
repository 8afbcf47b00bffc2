/* Numbers as text that a monitoring system reads. */
#include "api/metrics_text.h"

#include <inttypes.h>
#include <stddef.h>

void metrics_family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_escaped(struct buf *out, const char *value)
{
    for (size_t i = 0; i < METRICS_LABEL_MAX && value[i] != '\0'; i++) {
        switch (value[i]) {
        case '\\':
            buf_append_text(out, "\\\\");
            break;
        case '"':
            buf_append_text(out, "\\\"");
            break;
        case '\n':
            buf_append_text(out, "\\n");
            break;
        default:
            buf_append(out, &value[i], 1);
        }
    }
}

static void add_name(struct buf *out, const char *name, struct metrics_label label)
{
    buf_append_text(out, name);
    if (label.name != NULL) {
        buf_printf(out, "{%s=\"", label.name);
        add_escaped(out, label.value);
        buf_append_text(out, "\"}");
    }
}

void metrics_sample(struct buf *out, const char *name, struct metrics_label label, uint64_t value)
{
    add_name(out, name, label);
    buf_printf(out, " %" PRIu64 "\n", value);
}

void metrics_seconds(struct buf *out, const char *name, struct metrics_label label, int64_t milliseconds)
{
    int64_t positive_ms = milliseconds > 0 ? milliseconds : 0;
    add_name(out, name, label);
    buf_printf(out, " %" PRId64 ".%03d\n", positive_ms / 1000, (int)(positive_ms % 1000));
}

void metrics_single(struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
    metrics_family(out, name, type, help);
    metrics_sample(out, name, (struct metrics_label){NULL, NULL}, value);
}
