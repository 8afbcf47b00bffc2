/* `hookturn key create`. The parent makes the key, a child puts it into the store, then the parent shows it: so a child
 * that has to start anew puts the same key, and no key is shown that does not exist. */
#include "cmd/cmd_key.h"

#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/timestamp.h"
#include "cmd/family.h"

struct creation {
    const struct conf *conf;
    struct api_key key;
};

static int put(void *context)
{
    const struct creation *creation = context;
    struct store *store;
    int exit_status = command_open_store(creation->conf, &store);
    if (exit_status != EXIT_DONE)
        return exit_status;
    enum status status = store_key_put(store, &creation->key);
    /* The id and the digest are random: what is there with them was put by a child before this one. */
    if (status != STATUS_OK && status != STATUS_EXISTS)
        exit_status = command_fail_verb(status, "make the key");
    store_close(store);
    return exit_status;
}

struct arguments {
    const char *organization;
    const char *user;
    const char *scope;
    const char *name;
    const char *expires;
};

static int check_texts(const struct command *command, const struct arguments *given)
{
    if (given->user && !command_is_label(given->user))
        return command_misused(command, "--user needs 1 to 255 characters of UTF-8, not only spaces");
    if (given->name && !command_is_label(given->name))
        return command_misused(command, "--name needs 1 to 255 characters of UTF-8, not only spaces");
    return EXIT_DONE;
}

/* Everything but the digest. */
static int fill_key(const struct command *command, const struct arguments *given, struct api_key *out)
{
    if (!given->organization || uuid_parse(given->organization, &out->organization_id) != STATUS_OK)
        return command_misused(command, "--organization needs a UUID such as 01234567-89ab-4def-8123-456789abcdef");
    int exit_status = check_texts(command, given);
    if (exit_status != EXIT_DONE)
        return exit_status;
    out->scopes = api_scopes_parse(given->scope ? given->scope : "manage,read,publish");
    if (out->scopes == 0)
        return command_misused(command, "--scope needs some of manage, read, publish, operate, with commas between");
    out->created_at_ms = clock_now_ms();
    int64_t valid_ms = 0;
    if (given->expires && (duration_parse(given->expires, &valid_ms) != STATUS_OK || valid_ms == 0 ||
                           __builtin_add_overflow(out->created_at_ms, valid_ms, &out->expires_at_ms)))
        return command_misused(command, "--expires needs a duration such as 12h or 90d");
    object_id_make(out->created_at_ms, &out->id);
    char id[OBJECT_ID_TEXT];
    object_id_format(&out->id, id);
    out->created_user_id = mem_strdup(given->user ? given->user : id);
    out->name = given->name ? mem_strdup(given->name) : NULL;
    return EXIT_DONE;
}

static int read_arguments(const struct command *command, int argc, char **argv, struct api_key *out)
{
    struct arguments given = {0};
    const struct command_option options[] = {{"--organization", &given.organization, NULL},
                                             {"--user", &given.user, NULL},
                                             {"--scope", &given.scope, NULL},
                                             {"--name", &given.name, NULL},
                                             {"--expires", &given.expires, NULL},
                                             {0}};
    int exit_status = command_take_options(command, options, &argc, argv);
    if (exit_status != EXIT_DONE)
        return exit_status;
    if (argc > 1)
        return command_misused(command, "%s is not understood", argv[1]);
    return fill_key(command, &given, out);
}

static int show(const struct api_key *key, const char *text)
{
    struct buf line = {0};
    buf_printf(&line, "%s\n", text);
    int error = command_write(&line);
    buf_clear(&line);
    if (error == 0)
        return EXIT_DONE;
    char id[OBJECT_ID_TEXT];
    object_id_format(&key->id, id);
    return command_fail("the key was made but cannot be shown: %s; run `hookturn key revoke %s`", strerror(error), id);
}

static int create(struct creation *creation)
{
    char text[API_KEY_TEXT];
    api_key_make(text);
    crypto_sha256(text, strlen(text), creation->key.digest);
    int exit_status = family_run(put, creation, false);
    if (exit_status == EXIT_DONE)
        exit_status = show(&creation->key, text);
    crypto_cleanse(text, sizeof text);
    return exit_status;
}

int key_create_run(const struct command *command, const char *conf_path, int argc, char **argv)
{
    struct creation creation = {0};
    int exit_status = read_arguments(command, argc, argv, &creation.key);
    if (exit_status == EXIT_DONE) {
        struct conf conf;
        exit_status = command_prepare(command, conf_path, &conf);
        creation.conf = &conf;
        if (exit_status == EXIT_DONE)
            exit_status = create(&creation);
        conf_clear(&conf);
    }
    api_key_clear(&creation.key);
    return exit_status;
}
