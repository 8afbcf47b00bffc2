/* The commented configuration that `hookturn init` writes: the key table as an operator reads it. */
#include "base/conf_keys.h"

#include <string.h>

static const char head[] = "# The configuration of hookturn. Lines are `key = value`; `#` begins a comment.\n"
                           "# What is commented out shows the default. In the environment HOOKTURN_<KEY>,\n"
                           "# such as HOOKTURN_LOG_LEVEL, overrides what stands here.\n"
                           "#\n"
                           "# Durations: 500ms 15s 10m 72h 5d. Sizes: 64k 16m. Lists are separated by spaces.\n";

static void write_comment(const char *comment, struct buf *out)
{
    while (*comment != '\0') {
        size_t length = strcspn(comment, "\n") + 1;
        buf_append_text(out, "# ");
        buf_append(out, comment, length);
        comment += length;
    }
}

void conf_write_sample(const char *data_dir, struct buf *out)
{
    buf_append_text(out, head);
    for (const struct conf_key *key = conf_keys; key->name != NULL; key++) {
        bool is_set = data_dir != NULL && strcmp(key->name, "data_dir") == 0;
        const char *value = is_set ? data_dir : key->fallback;
        buf_append_text(out, "\n");
        write_comment(key->comment, out);
        buf_printf(out, "%s%s =%s%s\n", is_set ? "" : "#", key->name, *value == '\0' ? "" : " ", value);
    }
}
