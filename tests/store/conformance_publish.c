/* Publishing: whom an event concerns, and what is there once it was accepted. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

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
    assert_int_equal(store_delivery_get(fixture->store, &fixture->org, &other.id, &event.id, &delivery),
                     STATUS_NOT_FOUND);
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

int run_publish_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(an_event_goes_to_those_who_want_it),
        CONFORMANCE_TEST(another_organizations_subscriptions_get_nothing),
        CONFORMANCE_TEST(every_change_answered_before_is_seen),
        CONFORMANCE_TEST(an_event_is_read_back_as_it_was_published),
        CONFORMANCE_TEST(repeating_an_id_does_nothing_twice),
        CONFORMANCE_TEST(a_batch_is_published_whole),
    };
    return cmocka_run_group_tests_name("publishing", tests, NULL, NULL);
}
