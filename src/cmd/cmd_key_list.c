/* `hookturn key list`: a table for people, JSON for programs. Everything is collected first and printed when the store
 * is closed, so that a reader who goes away (`| head`) never ends a process inside the store. */
#include "cmd/command.h"

#include "base/json_out.h"
#include "base/mem.h"
#include "cmd/family.h"
#include "cmd/table.h"

struct listing {
    const struct conf *conf;
    bool is_json;
};

/* ---- JSON ---- */

static void add_scope_element(void *context, const char *word)
{
    json_out_text(context, NULL, word);
}

static bool visit_for_json(void *context, const struct api_key *key)
{
    char id[OBJECT_ID_TEXT], organization_id[UUID_TEXT];
    object_id_format(&key->id, id);
    uuid_format(&key->organization_id, organization_id);
    json_object *object = json_out_object(context, NULL);
    json_out_text(object, "id", id);
    json_out_text(object, "name", key->name ? key->name : "");
    json_out_text(object, "organization_id", organization_id);
    json_out_text(object, "created_user_id", key->created_user_id);
    api_scopes_each(key->scopes, add_scope_element, json_out_array(object, "scopes"));
    json_out_time(object, "created_at", key->created_at_ms);
    json_out_set_time(object, "expires_at", key->expires_at_ms);
    json_out_set_time(object, "revoked_at", key->revoked_at_ms);
    return true;
}

static enum status list_as_json(struct store *store, struct buf *out)
{
    json_object *array = mem_check(json_object_new_array());
    enum status status = store_key_walk(store, visit_for_json, array);
    json_out_end(array, out);
    buf_append_text(out, "\n");
    return status;
}

/* ---- a table ---- */

static const char *const headings[] = {"ID", "NAME", "ORGANIZATION", "USER", "SCOPES", "CREATED", "EXPIRES", "REVOKED"};
enum { COLUMNS = sizeof headings / sizeof headings[0] };

static void join_scope(void *context, const char *word)
{
    struct buf *text = context;
    buf_printf(text, "%s%s", text->length > 0 ? "," : "", word);
}

static bool visit_for_table(void *context, const struct api_key *key)
{
    struct table *table = context;
    char id[OBJECT_ID_TEXT], organization_id[UUID_TEXT];
    struct buf scopes = {0};
    object_id_format(&key->id, id);
    uuid_format(&key->organization_id, organization_id);
    api_scopes_each(key->scopes, join_scope, &scopes);
    table_add(table, id);
    table_add(table, key->name ? key->name : "-");
    table_add(table, organization_id);
    table_add(table, key->created_user_id);
    table_add(table, buf_text(&scopes));
    table_add_time(table, key->created_at_ms);
    table_add_time(table, key->expires_at_ms);
    table_add_time(table, key->revoked_at_ms);
    buf_clear(&scopes);
    return true;
}

static enum status list_as_table(struct store *store, struct buf *out)
{
    struct table table = {.columns = COLUMNS};
    for (size_t i = 0; i < COLUMNS; i++)
        table_add(&table, headings[i]);
    enum status status = store_key_walk(store, visit_for_table, &table);
    if (status == STATUS_OK)
        table_print(&table, out);
    table_clear(&table);
    return status;
}

/* ---- the command ---- */

static int list(void *context)
{
    const struct listing *listing = context;
    struct store *store;
    int exit_status = command_open_store(listing->conf, &store);
    if (exit_status != EXIT_DONE)
        return exit_status;
    struct buf text = {0};
    enum status status = listing->is_json ? list_as_json(store, &text) : list_as_table(store, &text);
    store_close(store);
    exit_status = status == STATUS_OK ? command_print(&text) : command_fail_verb(status, "list the keys");
    buf_clear(&text);
    return exit_status;
}

enum { JSON };

static int run(const struct command *command, const struct command_line *line)
{
    struct conf conf;
    struct listing listing = {.conf = &conf, .is_json = line->values[JSON]};
    int exit_status = command_prepare(command, line->conf_path, &conf);
    if (exit_status == EXIT_DONE)
        exit_status = family_run(list, &listing, false);
    conf_clear(&conf);
    return exit_status;
}

const struct command command_key_list = {
    .name = "key list",
    .summary = "Lists the API keys",
    .details = "Shows every key, revoked and expired ones too, but never a key itself.",
    .examples = "hookturn key list --json | jq -r '.[] | select(.revoked_at | not) | .id'\n",
    .options = {[JSON] = {.name = "--json", .help = "print an array of objects instead of a table"}},
    .run = run,
};
