/* `hookturn import`: what `hookturn export` has written, put in. A file is read twice: nothing is put before all of it
 * has been verified. What comes through a pipe is put as it comes. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_out.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/family.h"
#include "cmd/progress.h"
#include "cmd/pump.h"
#include "cmd/shared.h"
#include "store/worker_start.h"

struct import {
    const struct conf *conf;
    const char *name; /* of what is read, for a person */
    int fd;
    off_t start; /* where it begins; -1: it can be read once alone */
    bool is_json;
    bool *has_begun; /* shared: something was read that cannot be read again */
    int cause;       /* errno of a read that failed */
};

/* ---- what is told ---- */

static const struct {
    const char *member;
    const char *words;
} outcomes[IMPORT_OUTCOMES] = {
    [IMPORT_ADDED] = {"added", "new"},
    [IMPORT_UPDATED] = {"updated", "brought up to date"},
    [IMPORT_SAME] = {"same", "there already"},
    [IMPORT_KEPT] = {"kept", "kept in their later state"},
    [IMPORT_LEFT_OUT] = {"left_out", "left out"},
};

static int print_json(const struct store_imported *done)
{
    struct buf text = {0};
    json_object *object = json_out_new();
    json_out_integer(object, "records", (int64_t)done->records);
    for (size_t i = 0; i < IMPORT_OUTCOMES; i++)
        json_out_integer(object, outcomes[i].member, (int64_t)done->outcomes[i]);
    json_out_end(object, &text);
    buf_append_text(&text, "\n");
    int exit_status = command_print(&text);
    buf_clear(&text);
    return exit_status;
}

static int report(const struct import *import, const struct store_imported *done)
{
    if (import->is_json)
        return print_json(done);
    fprintf(stderr, "Imported %" PRIu64 " %s", done->records, text_plural(done->records, "record", "records"));
    for (size_t i = 0; i < IMPORT_OUTCOMES; i++)
        if (done->outcomes[i] > 0)
            fprintf(stderr, "%s%" PRIu64 " %s", i == IMPORT_ADDED ? ": " : ", ", done->outcomes[i], outcomes[i].words);
    fputs(".\n", stderr);
    return EXIT_DONE;
}

static uint64_t put_so_far(const struct store_imported *done)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < IMPORT_OUTCOMES; i++)
        sum += done->outcomes[i];
    return sum;
}

static int explain(const struct import *import, enum status status, const struct store_imported *done,
                   const struct failure *failure)
{
    uint64_t put = put_so_far(done);
    if (family_stop)
        return command_fail("stopped; run it again, and it goes on");
    if (import->cause != 0)
        return command_fail("cannot read %s: %s", import->name, strerror(import->cause));
    if (status == STATUS_UNAVAILABLE && *import->has_begun)
        return command_fail("the store had to be recovered in the middle of it; run it again, and it goes on");
    if (failure->text[0] == '\0')
        return command_fail_verb(status, "import everything");
    if (put == 0)
        return command_fail("cannot import %s: %s", import->name, failure->text);
    return command_fail("cannot import %s: %s. %" PRIu64 " %s put before it; importing a whole file completes them",
                        import->name, failure->text, put, text_plural(put, "record was", "records were"));
}

/* ---- the child ---- */

static enum status read_in(void *context, char *out, size_t size, size_t *length)
{
    struct import *import = context;
    *import->has_begun = import->start < 0;
    enum status status = pump_read(import->fd, out, size, length);
    import->cause = status == STATUS_IO ? errno : 0;
    return status;
}

static enum status read_once(struct import *import, struct store *store, bool is_rehearsal,
                             const struct store_progress *progress, struct store_imported *done,
                             struct failure *failure)
{
    if (import->start >= 0 && lseek(import->fd, import->start, SEEK_SET) < 0) {
        import->cause = errno;
        return STATUS_IO;
    }
    return store_import(store, is_rehearsal, read_in, import, progress, done, failure);
}

static int work(void *context)
{
    struct import *import = context;
    struct failure failure = {""};
    struct store *store;
    struct store_imported done = {.records = 0};
    struct progress shown;
    if (*import->has_begun)
        return command_fail("the store had to be recovered in the middle of it; run it again, and it goes on");
    const struct store_progress progress = progress_begin(&shown);
    int exit_status = command_open_store(import->conf, &store);
    if (exit_status != EXIT_DONE)
        return exit_status;
    enum status status = STATUS_OK;
    if (import->start >= 0)
        status = read_once(import, store, true, &progress, &done, &failure);
    if (status == STATUS_OK)
        status = read_once(import, store, false, &progress, &done, &failure);
    store_close(store);
    progress_end(&shown);
    if (done.outcomes[IMPORT_ADDED] + done.outcomes[IMPORT_UPDATED] > 0)
        worker_start_if_none(import->conf);
    return status == STATUS_OK ? report(import, &done) : explain(import, status, &done, &failure);
}

enum { FILE_OPERAND };
enum { JSON };

/* A regular file can be read twice, through whichever descriptor. */
static int open_source(struct import *import, const char *file)
{
    struct stat info;
    import->name = file != NULL ? file : "the standard input";
    import->fd = file != NULL ? open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY) : STDIN_FILENO;
    if (import->fd < 0 || fstat(import->fd, &info) != 0)
        return command_fail("cannot open %s: %s; user %lu must be able to read it", import->name, strerror(errno),
                            (unsigned long)geteuid());
    import->start = S_ISREG(info.st_mode) ? lseek(import->fd, 0, SEEK_CUR) : -1;
    return EXIT_DONE;
}

static int run(const struct command *command, const struct command_line *line)
{
    struct conf conf;
    const char *file = line->operands[FILE_OPERAND];
    struct import import = {.conf = &conf, .is_json = line->values[JSON] != NULL};
    if (file != NULL && file[0] == '\0')
        return command_misused(command, "FILE is the path of an export");
    import.has_begun = shared_new(sizeof *import.has_begun);
    if (import.has_begun == NULL)
        return EXIT_FAILED;
    int exit_status = command_prepare(command, line->conf_path, &conf);
    if (exit_status == EXIT_DONE)
        exit_status = open_source(&import, file != NULL && strcmp(file, "-") != 0 ? file : NULL);
    if (exit_status == EXIT_DONE)
        exit_status = family_run(work, &import, false);
    conf_clear(&conf);
    shared_free(import.has_begun, sizeof *import.has_begun);
    return exit_status;
}

const struct command command_import = {
    .name = "import",
    .summary = "Puts in what `hookturn export` has written",
    .details =
        "Into a new installation, or into one that has other organizations: ids, secrets and their grace periods, "
        "ETags, waiting deliveries and the log are as they were. Everything may run meanwhile. Nothing is put of a "
        "FILE before all of it has been verified; what comes through a pipe is put as it comes.\n"
        "Nothing that is not in the export is touched, and nothing is replaced by an earlier state of itself. The same "
        "import again changes nothing; where it failed or was stopped, run it again, and it goes on.\n"
        "An export with encrypted secrets needs the master key file that it was made with. Stop the installation that "
        "it comes from first, or each delivery that waits is made by both.",
    .examples = "hookturn import hookturn-2026-06-12.jsonl\n",
    .options = {[JSON] = {.name = "--json", .help = "print the numbers of records as JSON"}},
    .operands = {[FILE_OPERAND] = {.name = "FILE", .help = "the export", .is_optional = true}},
    .run = run,
};
