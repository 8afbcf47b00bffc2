/* `hookturn key list`: a table for people, JSON for programs. Everything is collected first and printed when the store
 * is closed, so that a reader who goes away (`| head`) never ends a process inside the store. */
#include "cmd/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "base/timestamp.h"
#include "cmd/family.h"

struct listing {
    const struct conf *conf;
    bool is_json;
};

/* ---- JSON ---- */

static void add_set_time(json_object *object, const char *name, int64_t time_ms)
{
    if (time_ms != 0)
        json_out_time(object, name, time_ms);
}

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
    add_set_time(object, "expires_at", key->expires_at_ms);
    add_set_time(object, "revoked_at", key->revoked_at_ms);
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

enum { COLUMNS = 8 };
static const char *const headings[COLUMNS] = {"ID",     "NAME",    "ORGANIZATION", "USER",
                                              "SCOPES", "CREATED", "EXPIRES",      "REVOKED"};

/* Cells row by row, the headings first. */
struct table {
    struct buf *cells;
    size_t count;
    size_t widths[COLUMNS];
};

static void add_cell(struct table *table, const char *text)
{
    size_t column = table->count % COLUMNS;
    size_t width = utf8_length(text, strlen(text));
    if (width > table->widths[column])
        table->widths[column] = width;
    table->cells = mem_realloc(table->cells, table->count + 1, sizeof *table->cells);
    table->cells[table->count] = (struct buf){0};
    buf_append_text(&table->cells[table->count++], text);
}

static void add_time_cell(struct table *table, int64_t time_ms)
{
    char text[TIMESTAMP_SIZE] = "-";
    if (time_ms != 0)
        timestamp_format(time_ms, text);
    add_cell(table, text);
}

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
    add_cell(table, id);
    add_cell(table, key->name ? key->name : "-");
    add_cell(table, organization_id);
    add_cell(table, key->created_user_id);
    add_cell(table, buf_text(&scopes));
    add_time_cell(table, key->created_at_ms);
    add_time_cell(table, key->expires_at_ms);
    add_time_cell(table, key->revoked_at_ms);
    buf_clear(&scopes);
    return true;
}

static void print_table(const struct table *table, struct buf *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct buf *cell = &table->cells[i];
        bool is_last = i % COLUMNS == COLUMNS - 1;
        buf_append_slice(out, buf_slice(cell));
        if (is_last)
            buf_append_text(out, "\n");
        else
            buf_printf(out, "%*s", (int)(table->widths[i % COLUMNS] - utf8_length(buf_text(cell), cell->length) + 2),
                       "");
    }
}

static enum status list_as_table(struct store *store, struct buf *out)
{
    struct table table = {0};
    for (size_t i = 0; i < COLUMNS; i++)
        add_cell(&table, headings[i]);
    enum status status = store_key_walk(store, visit_for_table, &table);
    if (status == STATUS_OK)
        print_table(&table, out);
    for (size_t i = 0; i < table.count; i++)
        buf_clear(&table.cells[i]);
    free(table.cells);
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
