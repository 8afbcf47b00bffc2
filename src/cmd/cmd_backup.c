/* `hookturn backup`: a consistent copy while everything runs. */
#include <inttypes.h>

#include "base/text.h"
#include "cmd/command.h"
#include "cmd/family.h"
#include "cmd/progress.h"

struct backup {
    const struct conf *conf;
    const char *directory;
    bool with_key;
};

static int report(const struct backup *backup, const struct store_backup *made)
{
    struct buf text = {0};
    buf_printf(&text, "%s: %" PRIu64 " %s, %" PRIu64 " KiB, verified.\n", backup->directory, made->records,
               text_plural(made->records, "record", "records"), made->bytes / 1024);
    if (made->has_key)
        buf_append_text(&text, "The master key is in it: whoever has this backup can read every secret.\n");
    else
        buf_printf(&text, "The master key (fingerprint %s) is not in it; keep a copy of %s elsewhere.\n",
                   made->fingerprint, backup->conf->master_key_file);
    int exit_status = command_print(&text);
    buf_clear(&text);
    if (made->unreadable > 0)
        (void)command_fail("%" PRIu64 " damaged %s in the backup as in the store. `hookturn status` counts them",
                           made->unreadable, text_plural(made->unreadable, "record is", "records are"));
    return exit_status;
}

static int make_backup(void *context)
{
    const struct backup *backup = context;
    struct failure failure;
    struct store_backup made;
    struct progress shown;
    const struct store_progress progress = progress_begin(&shown);
    enum status status = store_backup(backup->conf, backup->directory, backup->with_key, &progress, &made, &failure);
    progress_end(&shown);
    if (status == STATUS_UNAVAILABLE)
        return STORE_EXIT_LEFT;
    return status == STATUS_OK ? report(backup, &made) : command_fail("%s", failure.text);
}

enum { DIRECTORY };
enum { WITH_KEY };

static int run(const struct command *command, const struct command_line *line)
{
    struct conf conf;
    struct backup backup = {
        .conf = &conf, .directory = line->operands[DIRECTORY], .with_key = line->values[WITH_KEY] != NULL};
    if (backup.directory[0] == '\0')
        return command_misused(command, "DIR is the path of a directory");
    int exit_status = command_prepare(command, line->conf_path, &conf);
    if (exit_status == EXIT_DONE)
        exit_status = family_run(make_backup, &backup, false);
    conf_clear(&conf);
    return exit_status;
}

const struct command command_backup = {
    .name = "backup",
    .summary = "Copies the store while everything runs",
    .details = "The copy is consistent: all that was answered before is in it, as it was at one moment. It is verified "
               "after writing, page by page and record by record. DIR is made, for its owner alone; an empty directory "
               "will do. Where the command fails or is stopped, nothing is left there.\n"
               "The configuration is in the backup; the master key is not, unless you ask for it. Without that key no "
               "secret in the backup can be read: keep a copy of it elsewhere.\n"
               "The backup is made as the user who owns the data directory, who must be able to write there.",
    .examples = "hookturn backup /var/backups/hookturn/$(date +%F)\n",
    .options = {[WITH_KEY] = {.name = "--with-key", .help = "put the master key into the backup as well"}},
    .operands = {[DIRECTORY] = {.name = "DIR", .help = "a new directory, in one that is there"}},
    .run = run,
};
