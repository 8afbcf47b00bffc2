/* `hookturn rekey`: a new master key, with the service running. */
#include <inttypes.h>

#include "base/text.h"
#include "cmd/command.h"
#include "cmd/family.h"
#include "cmd/progress.h"

static int report(const struct conf *conf, const struct store_rekey *done)
{
    struct buf text = {0};
    buf_printf(&text, "%s the master key in %s: its fingerprint is %s. %" PRIu64 " %s sealed anew.\n",
               done->was_resumed ? "Finished changing" : "Changed", conf->master_key_file, done->fingerprint,
               done->records, text_plural(done->records, "record was", "records were"));
    buf_append_text(&text, "Keep a copy of the file elsewhere, and of the one before as long as you have backups of "
                           "that time.\n");
    int exit_status = command_print(&text);
    buf_clear(&text);
    if (done->unreadable > 0)
        (void)command_fail("%" PRIu64 " damaged %s left as before", done->unreadable,
                           text_plural(done->unreadable, "record was", "records were"));
    return exit_status;
}

static int rekey(void *context)
{
    const struct conf *conf = context;
    struct failure failure;
    struct store *store;
    struct store_rekey done;
    struct progress shown;
    const struct store_progress progress = progress_begin(&shown);
    int exit_status = command_open_store(conf, &store);
    if (exit_status != EXIT_DONE)
        return exit_status;
    enum status status = store_rekey(store, conf, &progress, &done, &failure);
    store_close(store);
    progress_end(&shown);
    if (status == STATUS_UNAVAILABLE)
        return STORE_EXIT_LEFT;
    return status == STATUS_OK ? report(conf, &done) : command_fail("%s", failure.text);
}

static int run(const struct command *command, const struct command_line *line)
{
    struct conf conf;
    int exit_status = command_prepare(command, line->conf_path, &conf);
    if (exit_status == EXIT_DONE)
        exit_status = family_run(rekey, &conf, false);
    conf_clear(&conf);
    return exit_status;
}

const struct command command_rekey = {
    .name = "rekey",
    .summary = "Makes a new master key and seals every secret under it",
    .details = "The service goes on running: until all is done the key's file holds the new key and the old one, and "
               "every process finds that out by itself. Afterwards the old key is gone from the file. Where the "
               "command is stopped or killed, run it again, and it goes on.\n"
               "Signing secrets, subscribers' headers and kept answers are what is sealed; none of them changes. "
               "Page tokens that were given out before are not valid afterwards. Backups made before need the key of "
               "that time: make a new one.",
    .run = run,
};
