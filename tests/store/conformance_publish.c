/* Publishing: whom an event concerns, and what is there once it was accepted. */
#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDE = 1100 /* more than are written with the event, and more than one step */ };

static void an_event_goes_to_those_who_want_it(void **state)
{
    struct fixture *fixture = *state;
    struct spec wants = {.name = "wants", .event = "A.B"};
    struct spec other = {.name = "other", .event = "A.C"};
    struct spec paused = {.name = "paused", .event = "A.*", .paused = true};
    assert_int_equal(try_subscription(fixture, &wants), STATUS_OK);
    assert_int_equal(try_subscription(fixture, &other), STATUS_OK);
    assert_int_equal(try_subscription(fixture, &paused), STATUS_OK);
    struct event event = make_event(fixture, "A.B", 1000);
    assert_int_equal(store_publish(fixture->store, &event, 1, NULL), STATUS_OK);
    assert_int_equal(event.subscription_count, 2);
    assert_memory_equal(&event.subscriptions[0], &wants.id, sizeof wants.id);
    assert_memory_equal(&event.subscriptions[1], &paused.id, sizeof paused.id);
    struct delivery delivery = get_delivery(fixture, &wants.id, &event.id);
    assert_int_equal(delivery.status, DELIVERY_WAITING);
    assert_int_equal(delivery.created_at_ms, 1000);
    assert_int_equal(delivery.next_attempt_at_ms, 1000);
    assert_int_equal(delivery.attempt_count, 0);
    assert_int_equal(store_delivery_get(fixture->store, &other.id, &event.id, &delivery), STATUS_NOT_FOUND);
    event_clear(&event);
}

static void another_organizations_subscriptions_get_nothing(void **state)
{
    struct fixture *fixture = *state;
    size_t count;
    add_subscription(fixture, "s");
    uuid_make(&fixture->org);
    publish_at(fixture, "A.B", 1000, &count);
    assert_int_equal(count, 0);
}

static void every_change_answered_before_is_seen(void **state)
{
    struct fixture *fixture = *state;
    size_t count;
    publish_at(fixture, "A.B", 1000, &count);
    assert_int_equal(count, 0);
    struct object_id id = add_subscription(fixture, "s");
    publish_at(fixture, "A.B", 1000, &count);
    assert_int_equal(count, 1);
    change_subscription(fixture, &id, apply_delete);
    publish_at(fixture, "A.B", 1000, &count);
    assert_int_equal(count, 0);
}

static void an_event_is_read_back_as_it_was_published(void **state)
{
    struct fixture *fixture = *state;
    struct event found;
    struct object_id id = add_subscription(fixture, "s");
    struct event event = make_event(fixture, "A.B", 1000);
    event.agent_id = mem_strdup("agent");
    assert_int_equal(store_event_get(fixture->store, &event.id, &found), STATUS_NOT_FOUND);
    assert_int_equal(store_publish(fixture->store, &event, 1, NULL), STATUS_OK);
    assert_int_equal(store_event_get(fixture->store, &event.id, &found), STATUS_OK);
    assert_string_equal(found.name, "A.B");
    assert_string_equal(found.agent_id, "agent");
    assert_string_equal(buf_text(&found.body), buf_text(&event.body));
    assert_int_equal(found.subscription_count, 1);
    assert_int_equal(found.expanded_count, 1);
    assert_memory_equal(&found.subscriptions[0], &id, sizeof id);
    event_clear(&found);
    event_clear(&event);
}

static void repeating_an_id_does_nothing_twice(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    add_subscription(fixture, "s");
    struct event event = make_event(fixture, "A.B", 1000);
    assert_int_equal(store_publish(fixture->store, &event, 1, NULL), STATUS_OK);
    claim_all(fixture, 2000, 10, claims);
    assert_true(settle_one(fixture, &claims->items[0], 2000, DELIVERY_DELIVERED, 0));
    add_subscription(fixture, "later");
    assert_int_equal(store_publish(fixture->store, &event, 1, NULL), STATUS_OK);
    assert_int_equal(event.subscription_count, 1);
    claim_all(fixture, 9000, 10, claims);
    assert_int_equal(claims->count, 0);
    event_clear(&event);
    free(claims);
}

static void a_batch_is_published_whole(void **state)
{
    enum { BATCH = 1000 };
    struct fixture *fixture = *state;
    struct event *events = mem_calloc(BATCH, sizeof *events);
    struct claims *claims = claims_new();
    add_subscription(fixture, "s");
    add_subscription(fixture, "t");
    for (size_t i = 0; i < BATCH; i++)
        events[i] = make_event(fixture, "A.B", 1000);
    assert_int_equal(store_publish(fixture->store, events, BATCH, NULL), STATUS_OK);
    for (size_t i = 0; i < BATCH; i++)
        assert_int_equal(events[i].subscription_count, 2);
    claim_all(fixture, 2000, CLAIMS_MAX, claims);
    assert_int_equal(claims->count, 2 * BATCH);
    for (size_t i = 0; i < BATCH; i++)
        event_clear(&events[i]);
    free(claims);
    free(events);
}

/* How many of the event's deliveries have a row. */
static size_t rows_of(struct fixture *fixture, const struct event *event)
{
    size_t rows = 0;
    for (size_t i = 0; i < event->subscription_count; i++) {
        struct delivery delivery;
        enum status status = store_delivery_get(fixture->store, &event->subscriptions[i], &event->id, &delivery);
        assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
        rows += status == STATUS_OK;
    }
    return rows;
}

static void a_wide_event_gets_all_of_its_deliveries(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct event found;
    for (int i = 0; i < WIDE; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        add_subscription(fixture, name);
    }
    struct event event = make_event(fixture, "A.B", 1000);
    assert_int_equal(store_publish(fixture->store, &event, 1, NULL), STATUS_OK);
    assert_int_equal(event.subscription_count, WIDE);
    assert_int_equal(store_event_get(fixture->store, &event.id, &found), STATUS_OK);
    assert_int_equal(found.subscription_count, WIDE);
    assert_int_equal(rows_of(fixture, &found), found.expanded_count);
    event_clear(&found);
    claim_all(fixture, 2000, CLAIMS_MAX, claims);
    assert_int_equal(claims->count, WIDE);
    assert_int_equal(store_event_get(fixture->store, &event.id, &found), STATUS_OK);
    assert_int_equal(found.expanded_count, WIDE);
    assert_int_equal(rows_of(fixture, &found), WIDE);
    event_clear(&found);
    event_clear(&event);
    free(claims);
}

int run_publish_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(an_event_goes_to_those_who_want_it),
        CONFORMANCE_TEST(another_organizations_subscriptions_get_nothing),
        CONFORMANCE_TEST(every_change_answered_before_is_seen),
        CONFORMANCE_TEST(an_event_is_read_back_as_it_was_published),
        CONFORMANCE_TEST(repeating_an_id_does_nothing_twice),
        CONFORMANCE_TEST(a_batch_is_published_whole),
        CONFORMANCE_TEST(a_wide_event_gets_all_of_its_deliveries),
    };
    return cmocka_run_group_tests_name("publishing", tests, NULL, NULL);
}
