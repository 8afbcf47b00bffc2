/* Events as stored: written once, read by the worker for each of their deliveries. */
#include "store/bdb/bdb_event.h"

#include "model/record.h"

struct bdb_key bdb_event_key(const struct object_id *id)
{
    struct bdb_key key = {.length = 0};
    bdb_key_add(&key, id->bytes, sizeof id->bytes);
    return key;
}

enum status bdb_event_read(struct bdb *bdb, DB_TXN *txn, const struct object_id *id, struct event *out)
{
    struct buf record = {0};
    struct bdb_key key = bdb_event_key(id);
    enum status status = bdb_get(bdb, txn, BDB_EVENT, &key, 0, &record);
    if (status == STATUS_OK)
        status = event_decode(buf_slice(&record), out);
    buf_clear(&record);
    return status;
}

enum status bdb_event_write(struct bdb *bdb, DB_TXN *txn, const struct event *event)
{
    struct buf record = {0};
    struct bdb_key key = bdb_event_key(&event->id);
    event_encode(event, &record);
    enum status status = bdb_put(bdb, txn, BDB_EVENT, &key, buf_slice(&record), DB_NOOVERWRITE);
    buf_clear(&record);
    return status;
}

enum status bdb_event_head_read(struct bdb *bdb, DB_TXN *txn, const struct object_id *id, struct event_head *out)
{
    struct buf record = {0};
    struct bdb_key key = bdb_event_key(id);
    enum status status =
        bdb_get_head(bdb, txn, BDB_EVENT, &key, txn ? DB_READ_COMMITTED : 0, EVENT_HEAD_BYTES, &record);
    if (status == STATUS_OK)
        status = event_head_decode(buf_slice(&record), out);
    buf_clear(&record);
    return status;
}

struct lookup {
    const struct object_id *id;
    struct event *out;
};

/* How far the deliveries of a wide event have been written stands in the inbox, until all of them are. */
enum status bdb_event_progress(struct bdb *bdb, DB_TXN *txn, struct event *event)
{
    struct bdb_inbox_row row;
    if (event->expanded_count == event->subscription_count)
        return STATUS_OK;
    enum status status = bdb_inbox_get(bdb, txn, &event->id, 0, &row);
    if (status == STATUS_NOT_FOUND)
        event->expanded_count = event->subscription_count;
    else if (status == STATUS_OK && row.taken > event->expanded_count)
        event->expanded_count = row.taken;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status get_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct lookup *lookup = context;
    struct event found;
    enum status status = bdb_event_read(bdb, txn, lookup->id, &found);
    if (status != STATUS_OK)
        return status;
    status = bdb_event_progress(bdb, txn, &found);
    if (status == STATUS_OK)
        *lookup->out = found;
    else
        event_clear(&found);
    return status;
}

enum status bdb_event_get(struct store *store, const struct object_id *id, struct event *out)
{
    struct lookup lookup = {id, out};
    return bdb_run(bdb_of(store), BDB_READ, 0, get_work, &lookup);
}

/* ---- ids ---- */

/* Each thread of each process keeps to a lane of its own, as long as there are not more of them than lanes. */
static unsigned lane_of_thread(struct bdb *bdb)
{
    enum { STRIDE = 5 }; /* between processes; no common divisor with the number of lanes */
    uintptr_t kept = (uintptr_t)pthread_getspecific(bdb->lane_key);
    if (kept == 0) {
        kept = 1 + (gate_slot(bdb->gate) * STRIDE + atomic_fetch_add(&bdb->lanes_given, 1)) % BDB_LANES;
        pthread_setspecific(bdb->lane_key, (void *)kept); /* where it fails, the next call takes another lane */
    }
    return (unsigned)kept - 1;
}

void bdb_event_id_make(struct store *store, int64_t now_ms, struct object_id *out)
{
    object_id_make_lane(lane_of_thread(bdb_of(store)), now_ms, out);
}
