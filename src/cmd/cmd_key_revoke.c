/* `hookturn key revoke`: ends an API key. */
#include "cmd/command.h"

#include <stddef.h>

#include "base/clock.h"
#include "cmd/family.h"

struct revocation {
    const struct conf *conf;
    const char *text; /* the id as it was given */
    struct object_id id;
};

static int revoke_key(void *context)
{
    const struct revocation *revocation = context;
    struct store *store;
    int exit_status = command_open_store(revocation->conf, &store);
    if (exit_status != EXIT_DONE)
        return exit_status;
    enum status status = store_key_revoke(store, &revocation->id, clock_now_ms());
    if (status == STATUS_NOT_FOUND)
        exit_status = command_fail("there is no key %s; `hookturn key list` shows them", revocation->text);
    else if (status != STATUS_OK)
        exit_status = command_fail_verb(status, "revoke the key");
    store_close(store);
    return exit_status;
}

enum { KEY_ID };

static int run(const struct command *command, const struct command_line *line)
{
    struct conf conf;
    struct revocation revocation = {.conf = &conf, .text = line->operands[KEY_ID]};
    if (object_id_parse(revocation.text, &revocation.id) != STATUS_OK)
        return command_misused(command, "a KEY_ID has 24 digits of 0-9a-f; `hookturn key list` shows them");
    int exit_status = command_prepare(command, line->conf_path, &conf);
    if (exit_status == EXIT_DONE)
        exit_status = family_run(revoke_key, &revocation, false);
    conf_clear(&conf);
    return exit_status;
}

const struct command command_key_revoke = {
    .name = "key revoke",
    .summary = "Ends an API key",
    .details = "It holds at once in every process. The key stays in the list, with the time when it was revoked.",
    .operands = {[KEY_ID] = {.name = "KEY_ID", .help = "24 digits; `hookturn key list` shows them"}},
    .run = run,
};
