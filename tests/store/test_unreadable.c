/* Records of the embedded engine that cannot be read stop nobody but those whom they concern. Damage is done through
 * the engine's own functions. */
#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/bdb/bdb_event.h"

const char *conformance_engine = "bdb";

struct damage {
    enum bdb_table table;
    struct bdb_key key;
    unsigned char first_byte; /* 0xff: of a newer version */
};

static enum status damage_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct damage *damage = context;
    return bdb_put(bdb, txn, damage->table, &damage->key, (struct slice){(const char *)&damage->first_byte, 1}, 0);
}

static void do_damage(struct fixture *fixture, enum bdb_table table, struct bdb_key key, unsigned char first_byte)
{
    struct damage damage = {table, key, first_byte};
    assert_int_equal(bdb_run(bdb_of(fixture->store), BDB_SYNC, 0, damage_work, &damage), STATUS_OK);
}

static size_t count_due(struct fixture *fixture, int64_t now_ms)
{
    struct claims *claims = claims_new();
    claim_all(fixture, now_ms, CLAIMS_MAX, claims);
    size_t count = claims->count;
    assert_true(claims->next_due_ms > now_ms);
    free(claims);
    return count;
}

static void an_event_that_cannot_be_read_is_left_where_it_is(void **state)
{
    struct fixture *fixture = *state;
    struct object_id ids[5];
    struct bdb_inbox_row row;
    add_subscription(fixture, "s");
    publish_many(fixture, "A.B", 1000, 5, ids);
    do_damage(fixture, BDB_EVENT, bdb_event_key(&ids[0]), 1);
    do_damage(fixture, BDB_EVENT, bdb_event_key(&ids[3]), 0xff);
    do_damage(fixture, bdb_inbox_table(&ids[1]), bdb_event_key(&ids[1]), 1);
    assert_int_equal(count_due(fixture, 2000), 2);
    assert_int_equal(count_due(fixture, 2000), 0);
    assert_int_equal(bdb_inbox_get(bdb_of(fixture->store), NULL, &ids[0], 0, &row), STATUS_OK);
    assert_int_equal(bdb_inbox_get(bdb_of(fixture->store), NULL, &ids[3], 0, &row), STATUS_OK);
}

static void however_many_of_them_there_are(void **state)
{
    enum { MANY = BDB_STEP_MAX + 10 };
    struct fixture *fixture = *state;
    struct object_id ids[MANY + 1];
    add_subscription(fixture, "s");
    publish_many(fixture, "A.B", 1000, MANY + 1, ids);
    for (int i = 0; i < MANY; i++)
        do_damage(fixture, BDB_EVENT, bdb_event_key(&ids[i]), 1);
    assert_int_equal(count_due(fixture, 5000), 1);
}

static void a_subscription_that_cannot_be_read_holds_up_no_other(void **state)
{
    struct fixture *fixture = *state;
    struct store_statistics statistics;
    struct object_id bad = add_subscription(fixture, "bad");
    add_subscription(fixture, "good");
    publish_at(fixture, "A.B", 1000, NULL);
    do_damage(fixture, BDB_SUBSCRIPTION, bdb_subscription_key(&fixture->org, &bad), 1);
    assert_int_equal(count_due(fixture, 2000), 1);
    assert_int_equal(store_statistics(fixture->store, 2000, &statistics), STATUS_OK);
    assert_int_equal(statistics.waiting_subscriptions, 2);
    fixture_close(fixture); /* so that no index of better days is at hand: */
    fixture_open(fixture);
    struct event event = make_event(fixture, "A.B", 1000); /* nobody can say whom this one concerns */
    assert_int_equal(store_publish(fixture->store, &event, 1, NULL), STATUS_CORRUPT);
    event_clear(&event);
}

static void a_delivery_that_cannot_be_read_holds_up_no_other_subscription(void **state)
{
    struct fixture *fixture = *state;
    struct object_id bad = add_subscription(fixture, "bad");
    add_subscription(fixture, "good");
    struct object_id event = publish_at(fixture, "A.B", 1000, NULL);
    do_damage(fixture, BDB_DELIVERY, bdb_delivery_key(&bad, &event), 1);
    assert_int_equal(count_due(fixture, 2000), 1);
}

static void ignore(void *context, const struct store_concern *concern)
{
    (void)context;
    (void)concern;
}

static void what_cannot_be_read_is_counted_in_the_overview_and_the_rest_is_seen(void **state)
{
    struct fixture *fixture = *state;
    struct store_overview overview;
    struct object_id ids[4];
    struct object_id bad = add_subscription(fixture, "bad");
    add_subscription(fixture, "good");
    publish_many(fixture, "A.B", 1000, 2, ids);
    (void)count_due(fixture, 500); /* takes them over */
    publish_many(fixture, "A.B", 1000, 2, ids + 2);
    do_damage(fixture, BDB_DELIVERY, bdb_delivery_key(&bad, &ids[0]), 1);
    do_damage(fixture, BDB_EVENT, bdb_event_key(&ids[2]), 0xff);
    do_damage(fixture, bdb_inbox_table(&ids[3]), bdb_event_key(&ids[3]), 1);
    do_damage(fixture, BDB_SUBSCRIPTION, bdb_subscription_key(&fixture->org, &bad), 1);
    assert_int_equal(store_overview(fixture->store, 2000, ignore, NULL, &overview), STATUS_OK);
    assert_int_equal(overview.unreadable, 4);
    assert_int_equal(overview.active, 1);
    assert_int_equal(overview.due, 2);
}

static void write_format(const struct fixture *fixture, int format)
{
    char path[128];
    snprintf(path, sizeof path, "%s/store/format", fixture->data_dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "hookturn-store %d\n", format);
    assert_int_equal(fclose(file), 0);
}

static void a_check_misses_no_table_that_is_younger_than_the_store(void **state)
{
    struct fixture *fixture = *state;
    struct failure failure;
    char path[128];
    fixture_close(fixture);
    snprintf(path, sizeof path, "%s/store/probe_due.db", fixture->data_dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(store_check(&fixture->conf, &failure), STATUS_CORRUPT);
    write_format(fixture, 1);
    assert_int_equal(store_check(&fixture->conf, &failure), STATUS_OK);
    fixture_open(fixture); /* it is made here, */
    fixture_close(fixture);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(store_check(&fixture->conf, &failure), STATUS_OK);
    assert_int_equal(unlink(path), 0); /* and missed from now on */
    assert_int_equal(store_check(&fixture->conf, &failure), STATUS_CORRUPT);
    write_format(fixture, 1);
    fixture_open(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(an_event_that_cannot_be_read_is_left_where_it_is),
        CONFORMANCE_TEST(however_many_of_them_there_are),
        CONFORMANCE_TEST(a_subscription_that_cannot_be_read_holds_up_no_other),
        CONFORMANCE_TEST(a_delivery_that_cannot_be_read_holds_up_no_other_subscription),
        CONFORMANCE_TEST(what_cannot_be_read_is_counted_in_the_overview_and_the_rest_is_seen),
        CONFORMANCE_TEST(a_check_misses_no_table_that_is_younger_than_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
