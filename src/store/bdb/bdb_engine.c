/* The engine's row in store.c's table. */
#include "store/bdb/bdb.h"

#include "store/bdb/bdb_home.h"

const struct store_engine store_engine_bdb = {
    .name = "bdb",
    .format = BDB_HOME_FORMAT,
    .create = bdb_create,
    .open = bdb_open,
    .close = bdb_close,
    .maintain = bdb_maintain,
    .is_leaving = bdb_is_leaving,
    .check = bdb_check,
    .key_put = bdb_api_key_put,
    .key_find = bdb_api_key_find,
    .key_walk = bdb_api_key_walk,
    .key_revoke = bdb_api_key_revoke,
    .key_delete = bdb_api_key_delete,
    .subscription_create = bdb_subscription_create,
    .subscription_update = bdb_subscription_update,
    .subscription_get = bdb_subscription_get,
    .subscription_list = bdb_subscription_list,
    .event_id_make = bdb_event_id_make,
    .publish = bdb_publish,
    .event_get = bdb_event_get,
    .claim = bdb_claim,
    .settle = bdb_settle,
    .release = bdb_release,
    .delivery_get = bdb_delivery_get,
    .attempt_get = bdb_attempt_get,
    .statistics = bdb_statistics,
    .overview = bdb_overview,
    .wake_fd = bdb_wake_fd,
    .wake_drain = bdb_wake_drain,
};
