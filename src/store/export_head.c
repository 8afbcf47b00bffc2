/* The first and the last line of an export: what it is, under which key, and whether it is whole. */
#include "config.h"

#include "store/export_head.h"

#include <string.h>

#include "base/encoding.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/json_scan.h"
#include "base/json_take.h"

enum { WORD_MAX = 32, DEPTH = 8, LINE_MAX_BYTES = 64 * 1024 };

/* ---- written ---- */

static void put_counts(json_object *object, const uint64_t *counts)
{
    json_object *member = json_out_object(object, "counts");
    for (unsigned kind = 0; kind < EXPORT_RECORD_KINDS; kind++)
        json_out_integer(member, export_record_kind_name((enum export_record_kind)kind), (int64_t)counts[kind]);
}

void export_head_format(const struct export_head *head, struct buf *out)
{
    json_object *object = json_out_new();
    json_out_text(object, "hookturn", "export");
    json_out_integer(object, "format", EXPORT_FORMAT);
    json_out_text(object, "version", PACKAGE_VERSION);
    json_out_time(object, "made_at", head->made_at_ms);
    json_out_text(object, "secrets", head->is_plain ? "plain" : "encrypted");
    if (!head->is_plain)
        json_out_text(object, "key_fingerprint", head->fingerprint);
    put_counts(object, head->counts);
    json_out_end(object, out);
}

void export_tail_format(const struct export_tail *tail, struct buf *out)
{
    char digest[2 * SHA256_BYTES + 1];
    json_object *object = json_out_new();
    hex_encode(tail->digest, sizeof tail->digest, digest);
    json_out_text(object, "hookturn", "end");
    json_out_integer(object, "lines", (int64_t)tail->lines);
    put_counts(object, tail->counts);
    json_out_integer(object, "unreadable", (int64_t)tail->unreadable);
    json_out_text(object, "sha256", digest);
    json_out_end(object, out);
}

/* ---- read ---- */

static uint64_t take_number(struct json_take *take, const char *member)
{
    return (uint64_t)json_take_integer(take, member, JSON_REQUIRED, 0, INT64_MAX);
}

static void take_word(struct json_take *take, const char *member, const char *wanted)
{
    const char *text = json_take_text(take, member, JSON_REQUIRED, WORD_MAX);
    if (text != NULL && strcmp(text, wanted) != 0)
        json_take_fail(take, member, "is another one");
}

static void take_counts(struct json_take *take, uint64_t *counts)
{
    json_object *object = json_take_container(take, "counts", JSON_REQUIRED, json_type_object);
    struct json_take member = json_take_from(object);
    for (unsigned kind = 0; object != NULL && kind < EXPORT_RECORD_KINDS; kind++)
        counts[kind] = take_number(&member, export_record_kind_name((enum export_record_kind)kind));
    if (!json_take_is_ok(&member))
        json_take_fail(take, "counts", member.wrong);
}

/* NULL: it is no object, or does not begin as it must. json_out_wipe ends it. */
static json_object *read_line(struct slice line)
{
    struct json_scan scan;
    const char *message;
    const size_t mark = sizeof EXPORT_MARK - 1;
    if (line.length < mark || line.length > LINE_MAX_BYTES || memcmp(line.data, EXPORT_MARK, mark) != 0 ||
        json_scan(line, DEPTH, &scan, &message) != STATUS_OK)
        return NULL;
    json_scan_clear(&scan);
    return json_in_value(line);
}

static void take_head(struct json_take *take, struct export_head *out)
{
    unsigned char bytes[(KEYRING_FINGERPRINT - 1) / 2];
    const char *secrets = json_take_text(take, "secrets", JSON_REQUIRED, WORD_MAX);
    out->made_at_ms = json_take_time(take, "made_at", JSON_REQUIRED);
    out->is_plain = secrets != NULL && strcmp(secrets, "plain") == 0;
    if (!out->is_plain) {
        take_word(take, "secrets", "encrypted");
        json_take_hex(take, "key_fingerprint", bytes, sizeof bytes);
    }
    if (!out->is_plain && json_take_is_ok(take))
        hex_encode(bytes, sizeof bytes, out->fingerprint);
    take_counts(take, out->counts);
}

enum status export_head_parse(struct slice line, struct export_head *out)
{
    struct export_head head = {.made_at_ms = 0};
    struct json_take take = json_take_from(read_line(line));
    if (take.object == NULL)
        return STATUS_INVALID;
    take_word(&take, "hookturn", "export");
    int64_t format = json_take_integer(&take, "format", JSON_REQUIRED, 1, INT64_MAX);
    enum status status = json_take_is_ok(&take) ? STATUS_OK : STATUS_INVALID;
    if (status == STATUS_OK && format > EXPORT_FORMAT)
        status = STATUS_VERSION;
    if (status == STATUS_OK)
        take_head(&take, &head);
    if (status == STATUS_OK && !json_take_is_ok(&take))
        status = STATUS_INVALID;
    json_out_wipe(take.object);
    if (status == STATUS_OK)
        *out = head;
    return status;
}

enum status export_tail_parse(struct slice line, struct export_tail *out)
{
    struct export_tail tail = {.lines = 0};
    struct json_take take = json_take_from(read_line(line));
    if (take.object == NULL)
        return STATUS_INVALID;
    take_word(&take, "hookturn", "end");
    tail.lines = take_number(&take, "lines");
    take_counts(&take, tail.counts);
    tail.unreadable = take_number(&take, "unreadable");
    json_take_hex(&take, "sha256", tail.digest, sizeof tail.digest);
    enum status status = json_take_is_ok(&take) ? STATUS_OK : STATUS_INVALID;
    json_out_wipe(take.object);
    if (status == STATUS_OK)
        *out = tail;
    return status;
}
