/* `hookturn key create`. The parent makes the key, a child puts it into the store, then the parent shows it: so a child
 * that has to start anew puts the same key, and no key is shown that does not exist. */
#include "cmd/command.h"

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

enum { ORGANIZATION, USER, SCOPE, NAME, EXPIRES };

/* Everything but the digest. */
static int fill_key(const struct command *command, const struct command_line *line, struct api_key *out)
{
    const char *user = line->values[USER], *name = line->values[NAME], *expires = line->values[EXPIRES];
    if (uuid_parse(line->values[ORGANIZATION], &out->organization_id) != STATUS_OK)
        return command_misused(command, "--organization needs a UUID such as 01234567-89ab-4def-8123-456789abcdef");
    if (user && !command_is_label(user))
        return command_misused(command, "--user needs 1 to 255 characters of UTF-8, not only spaces");
    if (name && !command_is_label(name))
        return command_misused(command, "--name needs 1 to 255 characters of UTF-8, not only spaces");
    out->scopes = api_scopes_parse(line->values[SCOPE] ? line->values[SCOPE] : "manage,read,publish");
    if (out->scopes == 0)
        return command_misused(command,
                               "--scope needs some of manage,read,publish,operate with commas, and no spaces, between");
    out->created_at_ms = clock_now_ms();
    int64_t valid_ms = 0;
    if (expires && (duration_parse(expires, &valid_ms) != STATUS_OK || valid_ms == 0 ||
                    __builtin_add_overflow(out->created_at_ms, valid_ms, &out->expires_at_ms)))
        return command_misused(command, "--expires needs a duration such as 12h or 90d");
    object_id_make(out->created_at_ms, &out->id);
    char id[OBJECT_ID_TEXT];
    object_id_format(&out->id, id);
    out->created_user_id = mem_strdup(user ? user : id);
    out->name = name ? mem_strdup(name) : NULL;
    return EXIT_DONE;
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

static int run(const struct command *command, const struct command_line *line)
{
    struct conf conf;
    struct creation creation = {0};
    int exit_status = fill_key(command, line, &creation.key);
    if (exit_status == EXIT_DONE) {
        exit_status = command_prepare(command, line->conf_path, &conf);
        creation.conf = &conf;
        if (exit_status == EXIT_DONE)
            exit_status = create(&creation);
        conf_clear(&conf);
    }
    api_key_clear(&creation.key);
    return exit_status;
}

const struct command command_key_create = {
    .name = "key create",
    .summary = "Makes an API key",
    .details = "Prints the new key, alone, on the standard output. It is shown this once: the store keeps only its "
               "digest.",
    .examples = "hookturn key create --organization 3f0c8a52-6f0e-4a55-9d0b-6f1f3f6a0f11\n"
                "hookturn key create --organization $UUID --scope publish --name shop --expires 90d\n",
    .options = {[ORGANIZATION] = {.name = "--organization",
                                  .value = "UUID",
                                  .help = "whose objects the key reaches",
                                  .is_required = true},
                [USER] = {.name = "--user",
                          .value = "ID",
                          .help = "who is named as the creator of what is made with it (default: the key's id)"},
                [SCOPE] = {.name = "--scope",
                           .value = "SCOPES",
                           .help = "some of manage, read, publish, operate, with commas between them (default: "
                                   "manage,read,publish); manage includes read, operate is for /metrics"},
                [NAME] = {.name = "--name", .value = "NAME", .help = "to recognise it by"},
                [EXPIRES] = {.name = "--expires",
                             .value = "DURATION",
                             .help = "how long it is valid, such as 90d (default: for ever)"}},
    .run = run,
};
