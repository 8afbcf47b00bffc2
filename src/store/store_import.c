/* store_import: lines into records, records into the engine, some hundred at a time. The file is anybody's until its
 * last line has been read; what must hold between lines is held here, what must hold within one by export_record_parse.
 */
#include "store/store_export.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lines.h"
#include "base/mem.h"
#include "model/export_record_json.h"
#include "store/engine.h"

enum { BATCH_RECORDS = STORE_SETTLE_MAX, BATCH_BYTES = 4 * 1024 * 1024, LOOK_UP_EVERY = 256 };

struct importing {
    struct store *store;
    bool is_rehearsal;
    const struct store_progress *progress;
    struct store_imported *out;
    struct failure *failure;
    struct lines lines;
    struct crypto_digest *digest;
    uint64_t line; /* the number of the one that was read last */
    uint64_t expected;
    struct export_head head;
    struct export_record_form form;
    uint64_t counts[EXPORT_RECORD_KINDS];
    /* What the next lines may refer to. */
    struct object_id event_id;
    struct uuid organization_id; /* of the event */
    struct object_id *listed;    /* the event's subscriptions */
    size_t listed_count;
    size_t listed_next;               /* behind the one that was found last */
    struct object_id subscription_id; /* of the delivery */
    uint32_t attempt_count;           /* likewise */
    /* What is put next. */
    struct export_record items[BATCH_RECORDS];
    uint64_t item_lines[BATCH_RECORDS];
    size_t count;
    size_t bytes;
};

static enum status refuse(const struct importing *importing, const char *why)
{
    failure_set(importing->failure, "line %" PRIu64 ": %s", importing->line, why);
    return STATUS_INVALID;
}

/* ---- lines ---- */

/* The next line without its end. STATUS_NOT_FOUND: there are no more. */
static enum status read_line(struct importing *importing, struct slice *out)
{
    enum status status = lines_next(&importing->lines, out);
    if (status == STATUS_OK || status == STATUS_LIMIT || status == STATUS_CORRUPT)
        importing->line++;
    if (status == STATUS_OK)
        out->length--;
    if (status == STATUS_LIMIT)
        return refuse(importing, "is longer than any line of an export");
    if (status == STATUS_CORRUPT)
        return refuse(importing, "has no end: the file is cut off");
    return status;
}

static void add_to_digest(struct importing *importing, struct slice line)
{
    crypto_digest_add(importing->digest, line.data, line.length + 1); /* with its end */
}

/* ---- the head ---- */

static enum status judge_head(struct importing *importing)
{
    const struct export_head *head = &importing->head;
    memcpy(importing->form.key_name, head->fingerprint, KEYRING_NAME - 1);
    if (head->is_plain || keyring_has(importing->store->keyring, importing->form.key_name))
        return STATUS_OK;
    char ours[KEYRING_FINGERPRINT];
    keyring_fingerprint(importing->store->keyring, ours);
    failure_set(importing->failure,
                "its secrets are encrypted under the master key with the fingerprint %s, and this installation has %s: "
                "add that key's line to the master key file here, or export with --plain-secrets",
                head->fingerprint, ours);
    return STATUS_DENIED;
}

static enum status read_head(struct importing *importing)
{
    struct slice line;
    enum status status = read_line(importing, &line);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    status = status == STATUS_OK ? export_head_parse(line, &importing->head) : STATUS_INVALID;
    if (status == STATUS_VERSION)
        failure_set(importing->failure, "it was exported by a newer hookturn: use that version");
    else if (status != STATUS_OK)
        failure_set(importing->failure, "it does not begin as an export of hookturn does");
    if (status != STATUS_OK)
        return status;
    add_to_digest(importing, line);
    importing->form.is_plain = importing->head.is_plain;
    for (unsigned kind = 0; kind < EXPORT_RECORD_KINDS; kind++)
        importing->expected += importing->head.counts[kind];
    return judge_head(importing);
}

/* ---- between lines ---- */

static void note_event(struct importing *importing, const struct event *event)
{
    importing->event_id = event->id;
    importing->organization_id = event->organization_id;
    free(importing->listed);
    importing->listed_count = event->subscription_count;
    importing->listed_next = 0;
    importing->listed = mem_calloc(event->subscription_count, sizeof *importing->listed);
    for (size_t i = 0; i < event->subscription_count; i++)
        importing->listed[i] = event->subscriptions[i];
    importing->attempt_count = 0;
}

/* Deliveries mostly stand in the order of the list. */
static bool is_listed(struct importing *importing, const struct object_id *subscription_id)
{
    for (size_t i = 0; i < importing->listed_count; i++) {
        size_t at = (importing->listed_next + i) % importing->listed_count;
        if (object_id_compare(&importing->listed[at], subscription_id) != 0)
            continue;
        importing->listed_next = at + 1;
        return true;
    }
    return false;
}

static bool note_delivery(struct importing *importing, const struct delivery *delivery)
{
    importing->subscription_id = delivery->subscription_id;
    importing->attempt_count = delivery->attempt_count;
    return object_id_compare(&delivery->event_id, &importing->event_id) == 0 &&
           memcmp(&delivery->organization_id, &importing->organization_id, sizeof importing->organization_id) == 0 &&
           is_listed(importing, &delivery->subscription_id);
}

/* Whether it stands behind what it belongs to. */
static enum status follow(struct importing *importing, const struct export_record *item)
{
    switch (item->kind) {
    case EXPORT_RECORD_EVENT:
        note_event(importing, &item->event);
        return STATUS_OK;
    case EXPORT_RECORD_DELIVERY:
        return note_delivery(importing, &item->delivery) ? STATUS_OK
                                                         : refuse(importing, "is no delivery of the event before it");
    case EXPORT_RECORD_ATTEMPT:
        if (object_id_compare(&item->event_id, &importing->event_id) == 0 &&
            object_id_compare(&item->subscription_id, &importing->subscription_id) == 0 &&
            item->attempt.number <= importing->attempt_count)
            return STATUS_OK;
        return refuse(importing, "is no attempt of the delivery before it");
    default:
        return STATUS_OK;
    }
}

/* ---- batches ---- */

static void clear_batch(struct importing *importing)
{
    for (size_t i = 0; i < importing->count; i++)
        export_record_clear(&importing->items[i]);
    importing->count = importing->bytes = 0;
}

static void explain_taken(const struct importing *importing, size_t index)
{
    const struct export_record *item = &importing->items[index];
    if (item->kind == EXPORT_RECORD_SUBSCRIPTION)
        failure_set(importing->failure,
                    "line %" PRIu64 ": another subscription of its organization has the name \"%s\" already: rename "
                    "that one, and import again",
                    importing->item_lines[index], item->subscription.name);
    else
        failure_set(importing->failure, "line %" PRIu64 ": another API key has its id", importing->item_lines[index]);
}

static enum status put_batch(struct importing *importing)
{
    struct store *store = importing->store;
    size_t taken = 0;
    enum status status = STATUS_OK;
    if (importing->count > 0 && !importing->is_rehearsal)
        status = store->engine->put_all(store, clock_now_ms(), importing->items, importing->count,
                                        importing->out->outcomes, &taken);
    if (status == STATUS_EXISTS)
        explain_taken(importing, taken);
    clear_batch(importing);
    return status;
}

static enum status may_go_on(const struct importing *importing)
{
    const struct store_progress *progress = importing->progress;
    uint64_t done = importing->out->records;
    uint64_t total = done > importing->expected ? done : importing->expected;
    if (progress->report(progress->context, importing->is_rehearsal ? "verifying" : "importing", done, total))
        return STATUS_OK;
    failure_set(importing->failure, "stopped before it was done; run it again, and it goes on");
    return STATUS_CONFLICT;
}

static enum status take_record(struct importing *importing, struct slice line)
{
    struct failure why;
    struct export_record *item = &importing->items[importing->count];
    enum status status = export_record_parse(line, &importing->form, item, &why);
    if (status != STATUS_OK)
        return refuse(importing, why.text);
    importing->item_lines[importing->count++] = importing->line;
    importing->bytes += line.length;
    importing->counts[item->kind]++;
    importing->out->records++;
    status = follow(importing, item);
    if (status == STATUS_OK && (importing->count == BATCH_RECORDS || importing->bytes >= BATCH_BYTES))
        status = put_batch(importing);
    return status == STATUS_OK && importing->out->records % LOOK_UP_EVERY == 0 ? may_go_on(importing) : status;
}

/* ---- the tail ---- */

static enum status judge_tail(struct importing *importing, struct slice line)
{
    struct export_tail tail;
    unsigned char digest[SHA256_BYTES];
    crypto_digest_end(importing->digest, digest);
    importing->digest = NULL;
    if (export_tail_parse(line, &tail) != STATUS_OK)
        return refuse(importing, "is not the last line of an export");
    if (tail.lines != importing->line - 1 || memcmp(tail.counts, importing->counts, sizeof tail.counts) != 0)
        return refuse(importing, "names other numbers of records than there are before it");
    if (!crypto_equal(digest, tail.digest, sizeof digest))
        return refuse(importing, "names another SHA-256 than the bytes before it have: the file was changed");
    enum status status = read_line(importing, &line);
    if (status == STATUS_OK)
        return refuse(importing, "stands behind the end of the export");
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static bool is_tail(struct slice line)
{
    const size_t mark = sizeof EXPORT_MARK - 1;
    return line.length >= mark && memcmp(line.data, EXPORT_MARK, mark) == 0;
}

static enum status read_all(struct importing *importing)
{
    struct slice line;
    enum status status = read_head(importing);
    while (status == STATUS_OK) {
        status = read_line(importing, &line);
        if (status == STATUS_OK && is_tail(line)) {
            status = judge_tail(importing, line);
            return status == STATUS_OK ? put_batch(importing) : status;
        }
        if (status == STATUS_OK) {
            add_to_digest(importing, line);
            status = take_record(importing, line);
        }
    }
    if (status != STATUS_NOT_FOUND)
        return status;
    failure_set(importing->failure, "it ends behind line %" PRIu64 " without its last line: it is cut off",
                importing->line);
    return STATUS_INVALID;
}

enum status store_import(struct store *store, bool is_rehearsal,
                         enum status (*read)(void *context, char *out, size_t size, size_t *length), void *context,
                         const struct store_progress *progress, struct store_imported *out, struct failure *failure)
{
    struct importing *importing = mem_calloc(1, sizeof *importing);
    unsigned char unused[SHA256_BYTES];
    importing->store = store;
    importing->is_rehearsal = is_rehearsal;
    importing->progress = progress;
    importing->out = out;
    importing->failure = failure;
    importing->lines = (struct lines){.read = read, .context = context, .max_length = EXPORT_LINE_MAX};
    importing->form.keyring = store->keyring;
    importing->digest = crypto_digest_new();
    *out = (struct store_imported){.records = 0};
    failure->text[0] = '\0';
    enum status status = read_all(importing);
    clear_batch(importing);
    if (importing->digest != NULL)
        crypto_digest_end(importing->digest, unused);
    lines_clear(&importing->lines);
    free(importing->listed);
    free(importing);
    return status;
}
