/* Looking into a copy of a store that nobody uses: recovery where it was copied under way, then every page, then every
 * row as the rest of the program would read it, with what is sealed in it. */
#include "store/bdb/bdb_due.h"
#include "store/bdb/bdb_env.h"
#include "store/bdb/bdb_event.h"
#include "store/bdb/bdb_home.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/tree.h"
#include "model/record.h"

enum { SETTLING_CACHE_BYTES = 32 * 1024 * 1024, READING_CACHE_BYTES = 4 * 1024 * 1024 };

struct look {
    struct bdb *bdb; /* without an environment: its tables are opened one by one, for reading */
    const struct keyring *keyring;
    const struct store_progress *progress;
    struct store_contents contents;
    unsigned done; /* tables */
};

/* ---- settling ---- */

/* Private: its regions are this process's memory, and nothing of them is left behind. */
static int open_private(const char *home, DB_ENV **out)
{
    const u_int32_t flags = DB_CREATE | DB_PRIVATE | DB_INIT_TXN | DB_INIT_LOG | DB_INIT_MPOOL | DB_RECOVER_FATAL;
    DB_ENV *env;
    int code = db_env_create(&env, 0);
    if (code != 0)
        return code;
    env->set_errcall(env, bdb_log_message);
    code = env->set_cachesize(env, 0, SETTLING_CACHE_BYTES, 1);
    if (code == 0)
        code = env->open(env, home, flags, 0600);
    if (code == 0)
        *out = env;
    else
        env->close(env, 0);
    return code;
}

/* All of the log is read, because some pages are as they were at its start; then hardly any of it is needed. */
static enum status settle(const char *home)
{
    DB_ENV *env = NULL;
    int code = open_private(home, &env);
    if (code != 0)
        return bdb_status(NULL, code, "recovery of the copy");
    enum status status = bdb_status(NULL, env->txn_checkpoint(env, 0, 0, DB_FORCE), "checkpoint of the copy");
    if (status == STATUS_OK)
        status = bdb_status(NULL, env->log_archive(env, NULL, DB_ARCH_REMOVE), "log of the copy");
    enum status closed = bdb_status(NULL, env->close(env, 0), "close of the copy");
    return status == STATUS_OK ? closed : status;
}

/* ---- rows ---- */

static void note_key(struct look *look, const struct buf *sealed)
{
    char name[KEYRING_NAME];
    if (keyring_blob_name(buf_slice(sealed), name))
        backup_keys_add(&look->contents.keys, name);
}

static enum status look_at_secrets(struct look *look, const struct subscription *subscription)
{
    enum status status = STATUS_OK;
    char id[OBJECT_ID_TEXT], text[SECRET_TEXT];
    object_id_format(&subscription->id, id);
    for (size_t i = 0; i < subscription->secrets.count && status == STATUS_OK; i++) {
        note_key(look, &subscription->secrets.items[i].sealed);
        status = secret_unseal(look->keyring, id, &subscription->secrets.items[i], text);
    }
    crypto_cleanse(text, sizeof text);
    return status;
}

static enum status look_at_headers(struct look *look, const struct subscription *subscription)
{
    struct header_list headers = {0};
    note_key(look, &subscription->sealed_headers);
    enum status status = subscription_unseal_headers(subscription, look->keyring, &headers);
    header_list_clear(&headers);
    return status;
}

static enum status read_subscription(struct look *look, const struct bdb_key *key, struct slice value)
{
    struct subscription subscription;
    (void)key;
    enum status status = subscription_decode(value, &subscription);
    if (status != STATUS_OK)
        return status;
    status = look_at_secrets(look, &subscription);
    if (status == STATUS_OK)
        status = look_at_headers(look, &subscription);
    subscription_clear(&subscription);
    return status;
}

static enum status read_answer(struct look *look, const struct bdb_key *key, struct slice value)
{
    struct slice kept, place = {(const char *)key->bytes, key->length};
    struct buf sealed = {0}, plain = {0};
    enum status status = bdb_answer_kept(value, &kept);
    if (status == STATUS_OK) {
        buf_append_slice(&sealed, kept);
        note_key(look, &sealed);
        status = keyring_unseal(look->keyring, place, kept, &plain);
    }
    buf_clear(&sealed);
    buf_clear(&plain);
    return status;
}

static enum status read_api_key(struct look *look, const struct bdb_key *key, struct slice value)
{
    struct api_key api_key;
    (void)look;
    (void)key;
    enum status status = api_key_decode(value, &api_key);
    if (status == STATUS_OK)
        api_key_clear(&api_key);
    return status;
}

static enum status read_digest(struct look *look, const struct bdb_key *key, struct slice value)
{
    (void)look;
    (void)key;
    return value.length == SHA256_BYTES ? STATUS_OK : STATUS_CORRUPT;
}

static enum status read_organization(struct look *look, const struct bdb_key *key, struct slice value)
{
    struct bdb_organization organization;
    (void)look;
    (void)key;
    return bdb_organization_decode(value, &organization);
}

static enum status read_event(struct look *look, const struct bdb_key *key, struct slice value)
{
    struct event event;
    (void)look;
    (void)key;
    enum status status = event_decode(value, &event);
    if (status == STATUS_OK)
        event_clear(&event);
    return status;
}

static enum status read_delivery(struct look *look, const struct bdb_key *key, struct slice value)
{
    struct delivery delivery;
    (void)look;
    (void)key;
    return delivery_decode(value, &delivery);
}

static enum status read_attempt(struct look *look, const struct bdb_key *key, struct slice value)
{
    struct attempt attempt;
    (void)look;
    (void)key;
    enum status status = attempt_decode(value, &attempt);
    if (status == STATUS_OK)
        attempt_clear(&attempt);
    return status;
}

static enum status read_due(struct look *look, const struct bdb_key *key, struct slice value)
{
    struct bdb_due due;
    (void)look;
    return bdb_due_decode(key, value, &due);
}

static enum status read_probe(struct look *look, const struct bdb_key *key, struct slice value)
{
    struct probe probe;
    (void)look;
    (void)key;
    return probe_decode(value, &probe);
}

static enum status read_inbox(struct look *look, const struct bdb_key *key, struct slice value)
{
    struct bdb_inbox_row row;
    (void)look;
    (void)key;
    return bdb_inbox_decode(value, &row);
}

/* Of the others it is asked that there is something. */
static enum status (*const readers[BDB_INBOX + 1])(struct look *look, const struct bdb_key *key, struct slice value) = {
    [BDB_API_KEY] = read_api_key,
    [BDB_API_KEY_ID] = read_digest,
    [BDB_SUBSCRIPTION] = read_subscription,
    [BDB_ORGANIZATION] = read_organization,
    [BDB_EVENT] = read_event,
    [BDB_DELIVERY] = read_delivery,
    [BDB_ATTEMPT] = read_attempt,
    [BDB_DUE] = read_due,
    [BDB_IDEMPOTENCY] = read_answer,
    [BDB_URGENT] = read_due,
    [BDB_PROBE] = read_probe,
    [BDB_INBOX] = read_inbox,
};

static void read_row(struct look *look, enum bdb_table table, const struct bdb_cursor *cursor)
{
    struct slice value = buf_slice(&cursor->value);
    enum status status = value.length > 0 ? STATUS_OK : STATUS_CORRUPT;
    if (status == STATUS_OK && readers[table < BDB_INBOX ? table : BDB_INBOX])
        status = readers[table < BDB_INBOX ? table : BDB_INBOX](look, &cursor->key, value);
    look->contents.records++;
    look->contents.unreadable += status != STATUS_OK;
    look->contents.has_newer = look->contents.has_newer || status == STATUS_VERSION;
}

/* ---- tables ---- */

static enum status open_table(struct look *look, enum bdb_table table)
{
    char file[BDB_FILE_NAME];
    DB *db;
    bdb_table_file(table, file);
    enum status status = bdb_status(NULL, db_create(&db, NULL, 0), file);
    if (status != STATUS_OK)
        return status;
    struct buf path = tree_path(look->bdb->home, file);
    db->set_errcall(db, bdb_log_message);
    int code = db->set_cachesize(db, 0, READING_CACHE_BYTES, 1);
    if (code == 0)
        code = db->open(db, NULL, path.data, NULL, DB_BTREE, DB_RDONLY, 0);
    buf_clear(&path);
    if (code == 0)
        atomic_store(&look->bdb->tables[table], db);
    else
        db->close(db, DB_NOSYNC);
    return bdb_status(NULL, code, file);
}

static enum status may_go_on(const struct look *look)
{
    const struct store_progress *progress = look->progress;
    return progress->report(progress->context, "verifying", look->done, BDB_TABLES) ? STATUS_OK : STATUS_CONFLICT;
}

static enum status read_rows(struct look *look, enum bdb_table table)
{
    enum { LOOK_UP_EVERY = 4096 };
    struct bdb_cursor cursor;
    struct bdb_key first = {.length = 0};
    enum status status = bdb_cursor_open(look->bdb, NULL, table, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    for (status = bdb_cursor_seek(&cursor, &first); status == STATUS_OK; status = bdb_cursor_next(&cursor)) {
        read_row(look, table, &cursor);
        if (look->contents.records % LOOK_UP_EVERY == 0 && may_go_on(look) != STATUS_OK) {
            status = STATUS_CONFLICT;
            break;
        }
    }
    bdb_cursor_close(&cursor);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status look_at_table(struct look *look, enum bdb_table table)
{
    const struct bdb *bdb = look->bdb;
    enum status status = may_go_on(look);
    if (status == STATUS_OK)
        status = bdb_table_file_find(bdb->home, bdb->format, table);
    if (status == STATUS_OK)
        status = bdb_verify_table(bdb->home, table);
    if (status == STATUS_OK)
        status = open_table(look, table);
    if (status == STATUS_OK)
        status = read_rows(look, table);
    bdb_tables_close(look->bdb);
    look->done++;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status look_at_all(struct look *look, bool settles)
{
    enum status status = may_go_on(look);
    if (status == STATUS_OK && settles)
        status = settle(look->bdb->home);
    for (unsigned i = 0; i < BDB_TABLES && status == STATUS_OK; i++)
        status = look_at_table(look, (enum bdb_table)i);
    return status;
}

enum status bdb_contents(const char *directory, bool settles, const struct keyring *keyring,
                         const struct store_progress *progress, struct store_contents *out, struct failure *failure)
{
    struct look look = {.bdb = bdb_new(directory), .keyring = keyring, .progress = progress};
    enum status status = bdb_home_check(look.bdb->home, &look.bdb->format, failure);
    if (status == STATUS_OK) {
        status = look_at_all(&look, settles);
        if (status == STATUS_CONFLICT)
            failure_set(failure, "stopped before it was done; run it again");
        else if (status == STATUS_FULL)
            failure_set(failure, "there is no space left for %s: make room, or choose another place", directory);
        else if (status != STATUS_OK)
            failure_set(failure, "%s does not verify (%s): the log says what is wrong", directory, status_name(status));
    }
    if (status == STATUS_OK)
        *out = look.contents;
    bdb_free(look.bdb);
    return status == STATUS_IO || status == STATUS_UNAVAILABLE ? STATUS_CORRUPT : status;
}
