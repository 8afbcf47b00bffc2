/* store_export: the engine's walk as lines, with a head before and a tail behind them. What is written is summed up on
 * the way, and nothing is kept but the piece that goes out next. */
#include "store/store_export.h"

#include <string.h>

#include "base/clock.h"
#include "model/export_record_json.h"
#include "store/engine.h"

enum { PIECE_BYTES = 64 * 1024, LOOK_UP_EVERY = 256 };

struct exporting {
    const struct export_target *target;
    const struct store_progress *progress;
    struct failure *failure;
    struct export_record_form form;
    struct crypto_digest *digest;
    struct buf piece;
    struct export_tail tail; /* so far */
    uint64_t records;
    uint64_t expected;
};

static enum status flush(struct exporting *exporting)
{
    enum status status = exporting->target->write(exporting->target->context, buf_slice(&exporting->piece));
    buf_reset(&exporting->piece);
    return status;
}

/* The piece ends with a line that has no end yet, from `start` on. */
static enum status end_line(struct exporting *exporting, size_t start)
{
    buf_append(&exporting->piece, "\n", 1);
    crypto_digest_add(exporting->digest, exporting->piece.data + start, exporting->piece.length - start);
    exporting->tail.lines++;
    return exporting->piece.length >= PIECE_BYTES ? flush(exporting) : STATUS_OK;
}

static enum status may_go_on(const struct exporting *exporting)
{
    const struct store_progress *progress = exporting->progress;
    uint64_t total = exporting->records > exporting->expected ? exporting->records : exporting->expected;
    if (progress->report(progress->context, "exporting", exporting->records, total))
        return STATUS_OK;
    failure_set(exporting->failure, "stopped before it was done; run it again");
    return STATUS_CONFLICT;
}

static enum status visit(void *context, struct export_record *item)
{
    struct exporting *exporting = context;
    size_t start = exporting->piece.length;
    enum status status = export_record_format(item, &exporting->form, &exporting->piece);
    if (status == STATUS_CORRUPT) {
        exporting->tail.unreadable++;
        return STATUS_OK;
    }
    if (status == STATUS_CONFLICT)
        failure_set(exporting->failure, "the master key was changed meanwhile: run it again");
    if (status != STATUS_OK)
        return status;
    exporting->tail.counts[item->kind]++;
    exporting->records++;
    status = end_line(exporting, start);
    return status == STATUS_OK && exporting->records % LOOK_UP_EVERY == 0 ? may_go_on(exporting) : status;
}

static enum status write_head(struct exporting *exporting, struct store *store, struct store_exported *out)
{
    struct export_head head = {.made_at_ms = clock_now_ms(), .is_plain = exporting->form.is_plain};
    enum status status = store->engine->count_all(store, head.counts);
    if (status != STATUS_OK)
        return status;
    for (unsigned kind = 0; kind < EXPORT_RECORD_KINDS; kind++)
        exporting->expected += head.counts[kind];
    keyring_fingerprint(store->keyring, head.fingerprint);
    memcpy(out->fingerprint, head.fingerprint, sizeof out->fingerprint);
    memcpy(exporting->form.key_name, head.fingerprint, KEYRING_NAME - 1);
    export_head_format(&head, &exporting->piece);
    return end_line(exporting, 0);
}

static enum status write_tail(struct exporting *exporting)
{
    crypto_digest_end(exporting->digest, exporting->tail.digest);
    exporting->digest = NULL;
    export_tail_format(&exporting->tail, &exporting->piece);
    buf_append(&exporting->piece, "\n", 1);
    return flush(exporting);
}

static enum status write_all(struct exporting *exporting, struct store *store, struct store_exported *out)
{
    enum status status = write_head(exporting, store, out);
    if (status == STATUS_OK)
        status = may_go_on(exporting);
    if (status == STATUS_OK)
        status = store->engine->walk_all(store, clock_now_ms(), visit, exporting, &exporting->tail.unreadable);
    if (status == STATUS_OK)
        status = may_go_on(exporting);
    return status == STATUS_OK ? write_tail(exporting) : status;
}

enum status store_export(struct store *store, bool is_plain, const struct export_target *target,
                         const struct store_progress *progress, struct store_exported *out, struct failure *failure)
{
    struct exporting exporting = {.target = target, .progress = progress, .failure = failure};
    unsigned char unused[SHA256_BYTES];
    exporting.form = (struct export_record_form){.keyring = store->keyring, .is_plain = is_plain};
    exporting.digest = crypto_digest_new();
    *out = (struct store_exported){.records = 0};
    failure->text[0] = '\0';
    enum status status = write_all(&exporting, store, out);
    out->records = exporting.records;
    out->unreadable = exporting.tail.unreadable;
    if (exporting.digest != NULL)
        crypto_digest_end(exporting.digest, unused);
    buf_clear(&exporting.piece);
    return status;
}
