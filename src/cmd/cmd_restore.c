/* `hookturn restore`: a backup in place of the store. */
#include <inttypes.h>

#include "base/text.h"
#include "base/timestamp.h"
#include "cmd/command.h"
#include "cmd/family.h"
#include "cmd/progress.h"

struct restoration {
    const struct conf *conf;
    const char *directory;
};

static int report(const struct restoration *restoration, const struct store_backup *restored,
                  const struct store_aside *aside)
{
    const char *data_dir = restoration->conf->data_dir;
    char made_at[TIMESTAMP_SIZE];
    struct buf text = {0};
    timestamp_format(restored->made_at_ms, made_at);
    buf_printf(&text, "Restored the backup of %s: %" PRIu64 " %s.\n", made_at, restored->records,
               text_plural(restored->records, "record", "records"));
    if (aside->store[0])
        buf_printf(&text, "The store that was there is kept as %s/%s; remove it when you do not need it.\n", data_dir,
                   aside->store);
    if (aside->key[0])
        buf_printf(&text, "The master key that was there is kept as %s/%s.\n", data_dir, aside->key);
    int exit_status = command_print(&text);
    buf_clear(&text);
    return exit_status;
}

static int restore(void *context)
{
    const struct restoration *restoration = context;
    struct failure failure;
    struct store_backup restored;
    struct store_aside aside;
    struct progress shown;
    const struct store_progress progress = progress_begin(&shown);
    enum status status =
        store_restore(restoration->conf, restoration->directory, &progress, &restored, &aside, &failure);
    progress_end(&shown);
    return status == STATUS_OK ? report(restoration, &restored, &aside) : command_fail("%s", failure.text);
}

enum { DIRECTORY };

static int run(const struct command *command, const struct command_line *line)
{
    struct conf conf;
    struct restoration restoration = {.conf = &conf, .directory = line->operands[DIRECTORY]};
    if (restoration.directory[0] == '\0')
        return command_misused(command, "DIR is the path of a backup");
    int exit_status = command_prepare(command, line->conf_path, &conf);
    if (exit_status == EXIT_DONE)
        exit_status = family_run(restore, &restoration, false);
    conf_clear(&conf);
    return exit_status;
}

const struct command command_restore = {
    .name = "restore",
    .summary = "Puts a backup in place of the store",
    .details = "Stop the web server's program and the workers first: it refuses while any process has the store open. "
               "The backup is copied into the data directory and verified there before anything changes places; the "
               "store that was there is kept beside it.\n"
               "A backup that was made with another master key needs that key: in the master key file, or in the "
               "backup (`hookturn backup --with-key`), from where it is put in place.\n"
               "Deliveries that were made since the backup are made again, and receivers know them by their event's "
               "id. Secrets that were rotated since are the earlier ones again.\n"
               "On a new machine, make an empty data directory first, private to the user who runs the service, and "
               "take the configuration from the backup with -c.",
    .examples = "hookturn restore /var/backups/hookturn/2026-06-12\n"
                "hookturn -c /backup/hookturn.conf restore /backup\n",
    .operands = {[DIRECTORY] = {.name = "DIR", .help = "what `hookturn backup` has made"}},
    .run = run,
};
