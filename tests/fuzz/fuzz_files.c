/* Files that somebody may have carried about or damaged: a backup's head, the worker's figures. */
#include "fuzz.h"

#include <string.h>

#include "base/encoding.h"
#include "store/backup_head.h"
#include "store/worker_state.h"

static void check_head(struct slice text)
{
    struct backup_head head, again;
    if (backup_head_parse(text, &head) == STATUS_OK) {
        struct buf out = {0};
        backup_head_format(&head, &out);
        MUST(backup_head_parse(buf_slice(&out), &again) == STATUS_OK);
        MUST(again.file_count == head.file_count && again.keys.count == head.keys.count);
        for (size_t i = 0; i < head.file_count; i++)
            MUST(head.files[i].name[0] != '/' && !strstr(head.files[i].name, "/."));
        backup_head_clear(&again);
        buf_clear(&out);
    }
    backup_head_clear(&head);
}

/* With the last line that fits, which nobody would find by chance. */
static void check_completed_head(struct slice lines)
{
    unsigned char sum[SHA256_BYTES];
    char digest[2 * SHA256_BYTES + 1];
    struct buf text = {0};
    crypto_sha256(lines.data, lines.length, sum);
    hex_encode(sum, sizeof sum, digest);
    buf_append_slice(&text, lines);
    buf_printf(&text, "end %s\n", digest);
    check_head(buf_slice(&text));
    buf_clear(&text);
}

static void check_state(struct slice text)
{
    struct worker_state state = {.last_run_at_ms = 0}, again = {.last_run_at_ms = 0};
    if (!worker_state_decode(text, &state))
        return;
    struct buf out = {0};
    worker_state_encode(&state, &out);
    MUST(worker_state_decode(buf_slice(&out), &again));
    MUST(again.last_run_at_ms == state.last_run_at_ms);
    buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice text = {(const char *)data, size};
    check_head(text);
    check_completed_head(text);
    check_state(text);
    return 0;
}
