/* `hookturn key`: makes, lists and revokes API keys. */
#include "cmd/cmd_key.h"

#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/family.h"

/* ---- revoke ---- */

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

static int run_revoke(const struct command *command, const char *conf_path, int argc, char **argv)
{
    const struct command_option no_options[] = {{0}};
    int exit_status = command_take_options(command, no_options, &argc, argv);
    if (exit_status != EXIT_DONE)
        return exit_status;
    if (argc != 2)
        return command_misused(command, "revoke needs one KEY_ID");
    struct revocation revocation = {.text = argv[1]};
    if (object_id_parse(argv[1], &revocation.id) != STATUS_OK)
        return command_misused(command, "a KEY_ID has 24 digits of 0-9a-f; `hookturn key list` shows them");
    struct conf conf;
    exit_status = command_prepare(command, conf_path, &conf);
    revocation.conf = &conf;
    if (exit_status == EXIT_DONE)
        exit_status = family_run(revoke_key, &revocation, false);
    conf_clear(&conf);
    return exit_status;
}

/* ---- the table ---- */

static const struct {
    const char *name;
    int (*run)(const struct command *command, const char *conf_path, int argc, char **argv);
} verbs[] = {{"create", key_create_run}, {"list", key_list_run}, {"revoke", run_revoke}};

static int run(const struct command *command, const char *conf_path, int argc, char **argv)
{
    if (argc < 2)
        return command_misused(command, "say what to do: create, list or revoke");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].name, argv[1]) == 0)
            return verbs[i].run(command, conf_path, argc - 1, argv + 1);
    return command_misused(command, "%s is none of create, list and revoke", argv[1]);
}

const struct command command_key = {
    .name = "key",
    .synopsis = "create --organization UUID [--user ID] [--scope SCOPES] [--name NAME] [--expires DURATION]\n"
                "list [--json]\n"
                "revoke KEY_ID",
    .summary = "Makes, lists and revokes API keys",
    .details = "create prints the new key, alone, on the standard output. It is shown this once: the store keeps\n"
               "only its digest.\n"
               "\n"
               "  --organization UUID   whose objects the key reaches\n"
               "  --user ID             who is named as the creator of what is made with it (the key's id)\n"
               "  --scope SCOPES        some of manage, read, publish, operate, with commas between them\n"
               "                        (manage,read,publish); manage includes read, operate is for /metrics\n"
               "  --name NAME           to recognise it by\n"
               "  --expires DURATION    how long it is valid, such as 90d (for ever)\n"
               "\n"
               "list shows every key, revoked and expired ones too; --json gives an array of objects.\n"
               "revoke ends a key; it holds at once in every process.\n",
    .run = run,
};
