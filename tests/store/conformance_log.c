/* The delivery log: a subscription's deliveries by pages, newest first, whichever lane they are in. */
#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED_MAX = 3000 };

/* What some pages brought, one after the other. */
struct listed {
    struct delivery_page page;
    struct delivery_entry entries[100];
    struct object_id events[LISTED_MAX];
    size_t count;
    size_t pages;
};

static struct listed *listed_new(struct fixture *fixture, const struct object_id *subscription_id, size_t max)
{
    struct listed *listed = mem_calloc(1, sizeof *listed);
    assert_true(max <= sizeof listed->entries / sizeof listed->entries[0]);
    listed->page = (struct delivery_page){.organization_id = &fixture->org,
                                          .subscription_id = subscription_id,
                                          .since_ms = INT64_MIN,
                                          .max = max,
                                          .entries = listed->entries};
    return listed;
}

static bool next_page(struct fixture *fixture, struct listed *listed)
{
    assert_int_equal(store_delivery_list(fixture->store, &listed->page), STATUS_OK);
    assert_true(listed->page.count <= listed->page.max);
    assert_true(listed->count + listed->page.count <= LISTED_MAX);
    for (size_t i = 0; i < listed->page.count; i++)
        listed->events[listed->count++] = listed->entries[i].delivery.event_id;
    listed->pages++;
    return listed->page.has_more;
}

static void list_all(struct fixture *fixture, struct listed *listed)
{
    while (next_page(fixture, listed))
        continue;
}

/* An event in a lane that the test chooses. */
static struct object_id publish_in_lane(struct fixture *fixture, unsigned lane, int64_t created_at_ms, unsigned rest)
{
    struct event event = make_event(fixture, "A.B", created_at_ms);
    event.id.bytes[0] = (unsigned char)lane;
    memset(event.id.bytes + 7, 0, 5);
    event.id.bytes[11] = (unsigned char)rest;
    struct object_id id = event.id;
    assert_int_equal(store_publish(fixture->store, &event, 1, NULL), STATUS_OK);
    event_clear(&event);
    return id;
}

static int newest_first(const void *a, const void *b)
{
    return object_id_compare_time(b, a);
}

static void assert_listed(const struct listed *listed, const struct object_id *expected, size_t count)
{
    assert_int_equal(listed->count, count);
    assert_memory_equal(listed->events, expected, count * sizeof *expected);
}

static void the_lanes_are_one_list_newest_first(void **state)
{
    enum { EVENTS = 400 };
    struct fixture *fixture = *state;
    struct object_id ids[EVENTS];
    struct object_id before = add_subscription(fixture, "before");
    struct object_id id = add_subscription(fixture, "s");
    add_subscription(fixture, "behind");
    for (unsigned i = 0; i < EVENTS; i++) /* several of a millisecond, and of a millisecond and rest; uneven lanes */
        ids[i] = publish_in_lane(fixture, i % 3 ? i % 16 : 7, 5000 + i / 20, i % 5 + 5 * (i / 80 % 2) + i % 20);
    qsort(ids, EVENTS, sizeof *ids, newest_first);
    for (size_t max = 1; max <= 100; max += 33) {
        struct listed *listed = listed_new(fixture, &id, max);
        list_all(fixture, listed);
        assert_listed(listed, ids, EVENTS);
        assert_int_equal(listed->pages, (EVENTS + max - 1) / max);
        free(listed);
    }
    struct listed *others = listed_new(fixture, &before, 100);
    list_all(fixture, others);
    assert_listed(others, ids, EVENTS);
    free(others);
}

static void each_shows_what_it_is(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct object_id event = publish_at(fixture, "A.B", 5000, NULL);
    struct listed *listed = listed_new(fixture, &id, 10);
    assert_false(next_page(fixture, listed));
    assert_int_equal(listed->page.count, 1);
    const struct delivery_entry *entry = &listed->entries[0];
    assert_string_equal(entry->event.name, "A.B");
    assert_string_equal(entry->event.trace_id, "trace");
    assert_int_equal(object_id_compare(&entry->delivery.event_id, &event), 0);
    assert_int_equal(object_id_compare(&entry->delivery.subscription_id, &id), 0);
    assert_int_equal(entry->delivery.status, DELIVERY_WAITING);
    assert_int_equal(entry->delivery.created_at_ms, 5000);
    free(listed);
}

static void what_is_empty_ends_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct listed *listed = listed_new(fixture, &id, 10);
    assert_false(next_page(fixture, listed));
    assert_int_equal(listed->count, 0);
    free(listed);
}

static void what_comes_between_two_pages_moves_nothing(void **state)
{
    enum { EVENTS = 50 };
    struct fixture *fixture = *state;
    struct object_id ids[EVENTS];
    struct object_id id = add_subscription(fixture, "s");
    struct listed *listed = listed_new(fixture, &id, 7);
    publish_many(fixture, "A.B", 5000, EVENTS, ids);
    qsort(ids, EVENTS, sizeof *ids, newest_first);
    while (next_page(fixture, listed)) {
        struct object_id later[20];
        publish_many(fixture, "A.B", 6000 + 100 * (int64_t)listed->pages, 20, later);
    }
    assert_listed(listed, ids, EVENTS);
    free(listed);
}

static void filters_let_through_what_they_name(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct object_id id = add_subscription(fixture, "s");
    struct object_id delivered = publish_at(fixture, "A.One", 5000, NULL);
    struct object_id two = publish_at(fixture, "A.Two", 5001, NULL);
    struct object_id one = publish_at(fixture, "A.One", 5002, NULL);
    claim_all(fixture, 5000, 1, claims);
    assert_true(settle_one(fixture, &claims->items[0], 5100, DELIVERY_DELIVERED, 0));
    const struct {
        enum delivery_status status;
        int64_t since_ms;
        const char *name;
        struct object_id expected[3];
        size_t count;
    } cases[] = {{0, INT64_MIN, "A.One", {one, delivered}, 2},
                 {DELIVERY_DELIVERED, INT64_MIN, NULL, {delivered}, 1},
                 {DELIVERY_FAILED, INT64_MIN, NULL, {delivered}, 0},
                 {0, 5001, NULL, {one, two}, 2},
                 {0, 5002, NULL, {one}, 1},
                 {0, 5003, NULL, {one}, 0},
                 {DELIVERY_WAITING, 5001, "A.Two", {two}, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct listed *listed = listed_new(fixture, &id, 10);
        listed->page.status = cases[i].status;
        listed->page.since_ms = cases[i].since_ms;
        listed->page.event_name = cases[i].name;
        assert_false(next_page(fixture, listed));
        assert_listed(listed, cases[i].expected, cases[i].count);
        free(listed);
    }
    free(claims);
}

static void a_filter_that_finds_little_ends_its_pages_early(void **state)
{
    enum { EVENTS = 2500 };
    struct fixture *fixture = *state;
    struct object_id ids[500];
    struct object_id id = add_subscription(fixture, "s");
    struct object_id oldest = publish_at(fixture, "A.Rare", 4000, NULL);
    for (int i = 0; i < EVENTS / 500; i++)
        publish_many(fixture, "A.B", 5000 + 500 * i, 500, ids);
    struct listed *listed = listed_new(fixture, &id, 10);
    listed->page.event_name = "A.Rare";
    assert_true(next_page(fixture, listed));
    assert_int_equal(listed->count, 0);
    list_all(fixture, listed);
    assert_listed(listed, &oldest, 1);
    free(listed);
}

static void what_is_gone_or_anothers_is_not_found(void **state)
{
    struct fixture *fixture = *state;
    struct uuid own = fixture->org;
    struct object_id none = {{1}};
    struct object_id id = add_subscription(fixture, "s");
    struct listed *listed = listed_new(fixture, &none, 10);
    assert_int_equal(store_delivery_list(fixture->store, &listed->page), STATUS_NOT_FOUND);
    listed->page.subscription_id = &id;
    uuid_make(&fixture->org);
    assert_int_equal(store_delivery_list(fixture->store, &listed->page), STATUS_NOT_FOUND);
    fixture->org = own;
    change_subscription(fixture, &id, apply_delete);
    assert_int_equal(store_delivery_list(fixture->store, &listed->page), STATUS_NOT_FOUND);
    free(listed);
}

/* ---- several processes ---- */

enum { THERE = 300, ROUNDS = 5, FAILED = 100 /* what run_children refuses */ };

static struct object_id log_id, there[THERE];

static int publish_more(struct fixture *fixture)
{
    for (int i = 0; i < 40; i++) {
        struct object_id ids[10];
        publish_many(fixture, "A.B", 100000 + 10 * i, 10, ids);
    }
    return 0;
}

static int list_again_and_again(struct fixture *fixture)
{
    int complete = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct listed *listed = listed_new(fixture, &log_id, 9);
        list_all(fixture, listed);
        size_t first = listed->count - THERE;
        complete += listed->count >= THERE && memcmp(listed->events + first, there, sizeof there) == 0;
        free(listed);
    }
    return complete == ROUNDS ? 1 : FAILED;
}

static int list_or_publish(struct fixture *fixture, int index)
{
    return index == 0 ? list_again_and_again(fixture) : publish_more(fixture);
}

static void what_is_there_is_listed_once_while_others_publish(void **state)
{
    struct fixture *fixture = *state;
    log_id = add_subscription(fixture, "s");
    publish_many(fixture, "A.B", 5000, THERE, there);
    qsort(there, THERE, sizeof *there, newest_first);
    assert_int_equal(run_children(fixture, 3, list_or_publish), 1);
}

int run_log_tests(void)
{
    const struct CMUnitTest tests[] = {
        SHARING_TEST(the_lanes_are_one_list_newest_first),
        SHARING_TEST(each_shows_what_it_is),
        SHARING_TEST(what_is_empty_ends_at_once),
        SHARING_TEST(what_comes_between_two_pages_moves_nothing),
        SHARING_TEST(a_filter_that_finds_little_ends_its_pages_early),
        SHARING_TEST(what_is_gone_or_anothers_is_not_found),
        SHARING_TEST(what_is_there_is_listed_once_while_others_publish),
        CONFORMANCE_TEST(filters_let_through_what_they_name),
    };
    return cmocka_run_group_tests_name("the delivery log", tests, fixture_make, fixture_remove);
}
