/* An export as anybody may have written it: its lines one by one, and as a whole, put into a store that looks at what
 * it is given. */
#include "fuzz.h"

#include <string.h>
#include <unistd.h>

#include "model/export_record_json.h"
#include "store/engine.h"

static const struct keyring *a_keyring(void)
{
    static struct keyring *keyring;
    char directory[] = "/tmp/hookturn-fuzz-XXXXXX", path[64];
    struct failure failure;
    if (keyring)
        return keyring;
    MUST(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/master.key", directory);
    MUST(keyring_create(path, &failure) == STATUS_OK && keyring_open(path, &keyring, &failure) == STATUS_OK);
    unlink(path);
    rmdir(directory);
    return keyring;
}

/* ---- one line ---- */

static void check_line(struct slice line)
{
    struct export_record_form form = {.keyring = a_keyring(), .is_plain = true};
    struct export_record item, again;
    struct failure failure = {""};
    struct buf text = {0};
    if (export_record_parse(line, &form, &item, &failure) != STATUS_OK) {
        MUST(failure.text[0] != '\0' && !strchr(failure.text, '\n'));
        return;
    }
    MUST(export_record_format(&item, &form, &text) == STATUS_OK);
    MUST(!memchr(text.data, '\n', text.length));
    MUST(export_record_parse(buf_slice(&text), &form, &again, &failure) == STATUS_OK);
    MUST(again.kind == item.kind);
    export_record_clear(&again);
    export_record_clear(&item);
    buf_clear(&text);
}

/* ---- the whole ---- */

struct source {
    struct slice rest;
};

static enum status read_some(void *context, char *out, size_t size, size_t *length)
{
    struct source *source = context;
    size_t most = size < 100 ? size : 100;
    *length = source->rest.length < most ? source->rest.length : most;
    memcpy(out, source->rest.data, *length);
    source->rest.data += *length;
    source->rest.length -= *length;
    return STATUS_OK;
}

static enum status take_all(struct store *store, int64_t now_ms, struct export_record *items, size_t count,
                            uint64_t outcomes[IMPORT_OUTCOMES], size_t *taken)
{
    MUST(store && now_ms > 0 && count > 0 && count <= STORE_SETTLE_MAX);
    *taken = 0;
    for (size_t i = 0; i < count; i++)
        MUST(items[i].kind < EXPORT_RECORD_KINDS);
    outcomes[IMPORT_ADDED] += count;
    return STATUS_OK;
}

static bool go_on(void *context, const char *step, uint64_t done, uint64_t total)
{
    (void)context;
    MUST(step && done <= total);
    return true;
}

static void check_whole(struct slice text)
{
    static const struct store_engine engine = {.name = "fuzz", .put_all = take_all};
    static const struct store_progress progress = {go_on, NULL};
    struct store store = {&engine, (struct keyring *)(uintptr_t)a_keyring()};
    struct source source = {text};
    struct store_imported done;
    struct failure failure = {""};
    enum status status = store_import(&store, false, read_some, &source, &progress, &done, &failure);
    MUST(status == STATUS_OK || failure.text[0] != '\0');
    MUST(status != STATUS_OK || done.outcomes[IMPORT_ADDED] == done.records);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice text = {(const char *)data, size};
    struct export_head head;
    struct export_tail tail;
    check_line(text);
    check_whole(text);
    MUST(export_head_parse(text, &head) != STATUS_OK || head.is_plain == (head.fingerprint[0] == '\0'));
    MUST(export_tail_parse(text, &tail) != STATUS_OK || tail.lines <= INT64_MAX);
    return 0;
}
