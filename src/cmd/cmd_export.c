/* `hookturn export`: everything as lines of JSON, to a file or to whoever reads. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cmd/command.h"
#include "cmd/export_file.h"
#include "cmd/family.h"
#include "cmd/progress.h"
#include "cmd/pump.h"
#include "cmd/shared.h"

struct export
{
    const struct conf *conf;
    const char *file; /* NULL: the standard output */
    bool is_plain;
    bool *has_begun; /* shared: what is out on the standard output cannot be taken back */
    int cause;       /* errno of a write to it that failed */
};

static int report(const struct export *export, const struct store_exported *done)
{
    const char *where = export->file != NULL ? export->file : "the standard output";
    const char *records = text_plural(done->records, "record", "records");
    if (export->is_plain)
        fprintf(stderr,
                "Exported %" PRIu64 " %s to %s, every secret in clear: whoever reads it can sign for you. Keep it "
                "safe, and remove it after use.\n",
                done->records, records, where);
    else
        fprintf(stderr,
                "Exported %" PRIu64 " %s to %s; secrets are encrypted under the master key %s, which an import "
                "needs.\n",
                done->records, records, where, done->fingerprint);
    if (done->unreadable > 0)
        (void)command_fail("%" PRIu64 " damaged %s not in the export. `hookturn status` counts them", done->unreadable,
                           text_plural(done->unreadable, "record is", "records are"));
    return EXIT_DONE;
}

/* ---- where it goes ---- */

static enum status write_out(void *context, struct slice bytes)
{
    struct export *export = context;
    *export->has_begun = true;
    enum status status = pump_write(STDOUT_FILENO, bytes);
    export->cause = status == STATUS_FULL || status == STATUS_IO ? errno : 0;
    return status;
}

static enum status export_to_file(struct export *export, struct store *store, const struct store_progress *progress,
                                  struct store_exported *done, struct failure *failure)
{
    struct export_file file = {.path = export->file};
    const struct export_target target = {export_file_write, &file};
    enum status status = export_file_begin(&file, failure);
    if (status != STATUS_OK)
        return status;
    status = store_export(store, export->is_plain, &target, progress, done, failure);
    if (status == STATUS_OK)
        status = export_file_finish(&file, failure);
    else if (file.cause != 0)
        failure_set(failure, "cannot write %s: %s", export->file, strerror(file.cause));
    export_file_end(&file);
    return status;
}

/* ---- the child ---- */

static int explain(const struct export *export, enum status status, const struct failure *failure)
{
    if (failure->text[0] != '\0')
        return command_fail("%s", failure->text);
    if (family_stop)
        return command_fail("stopped before it was done; run it again");
    if (export->cause == EPIPE)
        return EXIT_FAILED; /* whoever read has had enough */
    if (export->cause != 0)
        return command_fail("cannot write to the standard output: %s", strerror(export->cause));
    if (*export->has_begun && status == STATUS_UNAVAILABLE)
        return command_fail("the store had to be recovered in the middle of it; run it again");
    return command_fail_verb(status, "export everything");
}

static int work(void *context)
{
    struct export *export = context;
    struct failure failure;
    struct store *store;
    struct store_exported done;
    struct progress shown;
    if (*export->has_begun)
        return command_fail("the store had to be recovered in the middle of it; run it again");
    const struct store_progress progress = progress_begin(&shown);
    int exit_status = command_open_store(export->conf, &store);
    if (exit_status != EXIT_DONE)
        return exit_status;
    const struct export_target out = {write_out, export};
    enum status status = export->file != NULL ? export_to_file(export, store, &progress, &done, &failure)
                                              : store_export(store, export->is_plain, &out, &progress, &done, &failure);
    store_close(store);
    progress_end(&shown);
    return status == STATUS_OK ? report(export, &done) : explain(export, status, &failure);
}

enum { FILE_OPERAND };
enum { PLAIN_SECRETS };

static int run(const struct command *command, const struct command_line *line)
{
    struct conf conf;
    const char *file = line->operands[FILE_OPERAND];
    struct export export = {.conf = &conf, .is_plain = line->values[PLAIN_SECRETS] != NULL};
    if (file != NULL && file[0] == '\0')
        return command_misused(command, "FILE is the path of a new file");
    export.file = file != NULL && strcmp(file, "-") != 0 ? file : NULL;
    export.has_begun = shared_new(sizeof *export.has_begun);
    if (export.has_begun == NULL)
        return EXIT_FAILED;
    int exit_status = command_prepare(command, line->conf_path, &conf);
    if (exit_status == EXIT_DONE)
        exit_status = family_run(work, &export, false);
    conf_clear(&conf);
    shared_free(export.has_begun, sizeof *export.has_begun);
    return exit_status;
}

const struct command command_export = {
    .name = "export",
    .summary = "Writes everything as lines of JSON, for another installation",
    .details =
        "API keys (their digests), subscriptions, events, deliveries and their attempts, probes, and the answers kept "
        "for repeated requests, as `hookturn import` takes them, into this or another installation. Everything may "
        "run meanwhile: what was answered before the export began is in it.\n"
        "FILE must not be there. It is made for its owner alone, by the user who owns the data directory, and has its "
        "name when it is whole, on disk and read again. Without FILE, or where it is -, the export goes to the "
        "standard output; it is whole where its last line says so, and the import looks.\n"
        "Secrets, header values and kept answers stay encrypted: the import needs the same master key file. With "
        "--plain-secrets they are in clear, for an installation with another key.",
    .examples = "hookturn export /var/backups/hookturn-$(date +%F).jsonl\n"
                "hookturn export | ssh other hookturn import\n",
    .options = {[PLAIN_SECRETS] = {.name = "--plain-secrets",
                                   .help = "secrets, header values and kept answers in clear"}},
    .operands = {[FILE_OPERAND] = {.name = "FILE", .help = "a new file", .is_optional = true}},
    .run = run,
};
