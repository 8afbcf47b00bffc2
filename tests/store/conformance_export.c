/* Everything out of one store and into another, whatever engine either has. */
#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/engine.h"

/* ---- short forms ---- */

static enum status append(void *context, struct slice bytes)
{
    buf_append_slice(context, bytes);
    return STATUS_OK;
}

/* In clear, so that another store with a key of its own takes it. The caller clears. */
static struct buf export_all(struct fixture *fixture)
{
    struct buf text = {0};
    const struct export_target target = {append, &text};
    struct store_exported done;
    struct failure failure = {""};
    assert_int_equal(store_export(fixture->store, true, &target, &never_stops, &done, &failure), STATUS_OK);
    assert_int_equal(done.unreadable, 0);
    return text;
}

static enum status read_rest(void *context, char *out, size_t size, size_t *length)
{
    struct slice *rest = context;
    *length = rest->length < size ? rest->length : size;
    memcpy(out, rest->data, *length);
    rest->data += *length;
    rest->length -= *length;
    return STATUS_OK;
}

static enum status try_import(struct fixture *fixture, struct slice text, const struct store_progress *progress,
                              struct store_imported *done)
{
    struct failure failure = {""};
    enum status status = store_import(fixture->store, false, read_rest, &text, progress, done, &failure);
    assert_true(status == STATUS_OK || failure.text[0] != '\0');
    return status;
}

static struct store_imported import_all(struct fixture *fixture, const struct buf *text)
{
    struct store_imported done;
    assert_int_equal(try_import(fixture, buf_slice(text), &never_stops, &done), STATUS_OK);
    return done;
}

/* The same organization in a new store. */
static struct fixture *make_other(const struct fixture *fixture)
{
    void *other;
    assert_int_equal(fixture_make(&other), 0);
    ((struct fixture *)other)->org = fixture->org;
    return other;
}

static void remove_other(struct fixture *other)
{
    void *state = other;
    assert_int_equal(fixture_remove(&state), 0);
}

static void assert_nothing_new(const struct store_imported *done)
{
    assert_int_equal(done->outcomes[IMPORT_SAME] + done->outcomes[IMPORT_KEPT], done->records);
}

/* ---- the tests ---- */

static void deliveries_have_the_same_state_and_what_waits_is_claimed(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct object_id subscription = add_subscription(fixture, "a");
    struct object_id failed = publish_at(fixture, "Order.Created", 1000, NULL);
    claim_all(fixture, 2000, 10, claims);
    assert_true(settle_one(fixture, &claims->items[0], 2100, DELIVERY_FAILED, 0));
    struct object_id waiting = publish_at(fixture, "Order.Created", 3000, NULL);
    struct buf text = export_all(fixture);
    struct fixture *other = make_other(fixture);
    struct store_imported done = import_all(other, &text);
    assert_int_equal(done.outcomes[IMPORT_ADDED], done.records);
    struct delivery before = get_delivery(fixture, &subscription, &failed);
    struct delivery after = get_delivery(other, &subscription, &failed);
    assert_memory_equal(&before, &after, sizeof before);
    claim_all(other, 4000, 10, claims);
    assert_int_equal(claims->count, 1);
    assert_int_equal(object_id_compare(&claims->items[0].event_id, &waiting), 0);
    struct recovery recovery = {&other->org, &subscription, 0, INT64_MAX, 0, false};
    assert_int_equal(store_recover(other->store, 5000, &recovery, NULL), STATUS_OK);
    assert_int_equal(recovery.requeued, 1);
    buf_clear(&text);
    remove_other(other);
    free(claims);
}

static void importing_again_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    add_subscription(fixture, "a");
    publish_at(fixture, "Order.Created", 1000, NULL);
    struct buf text = export_all(fixture);
    struct store_imported done = import_all(fixture, &text);
    assert_nothing_new(&done);
    struct fixture *other = make_other(fixture);
    import_all(other, &text);
    done = import_all(other, &text);
    assert_nothing_new(&done);
    buf_clear(&text);
    remove_other(other);
}

static void a_later_state_is_never_replaced_by_an_earlier_one(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct object_id subscription = add_subscription(fixture, "a");
    struct object_id event = publish_at(fixture, "Order.Created", 1000, NULL);
    struct buf earlier = export_all(fixture);
    claim_all(fixture, 2000, 10, claims);
    assert_true(settle_one(fixture, &claims->items[0], 2100, DELIVERY_DELIVERED, 0));
    change_subscription(fixture, &subscription, apply_pause);
    struct buf later = export_all(fixture);
    struct store_imported done = import_all(fixture, &earlier);
    assert_int_equal(done.outcomes[IMPORT_KEPT], 2);
    assert_int_equal(get_delivery(fixture, &subscription, &event).status, DELIVERY_DELIVERED);
    struct fixture *other = make_other(fixture);
    import_all(other, &earlier);
    done = import_all(other, &later);
    assert_int_equal(done.outcomes[IMPORT_UPDATED], 2);
    assert_int_equal(done.outcomes[IMPORT_ADDED], 1); /* the attempt */
    assert_int_equal(get_delivery(other, &subscription, &event).status, DELIVERY_DELIVERED);
    claim_all(other, 9000, 10, claims);
    assert_int_equal(claims->count, 0);
    buf_clear(&earlier);
    buf_clear(&later);
    remove_other(other);
    free(claims);
}

static void a_deleted_subscription_stays_deleted(void **state)
{
    struct fixture *fixture = *state;
    struct object_id subscription = add_subscription(fixture, "a");
    struct object_id event = publish_at(fixture, "Order.Created", 1000, NULL);
    struct buf earlier = export_all(fixture);
    change_subscription(fixture, &subscription, apply_delete);
    struct buf later = export_all(fixture);
    struct fixture *other = make_other(fixture);
    import_all(other, &later);
    import_all(other, &earlier);
    struct subscription found;
    assert_int_equal(store_subscription_get(other->store, &other->org, &subscription, &found), STATUS_NOT_FOUND);
    assert_int_equal(get_delivery(other, &subscription, &event).status, DELIVERY_CANCELLED);
    add_subscription(other, "a"); /* its name is free */
    buf_clear(&earlier);
    buf_clear(&later);
    remove_other(other);
}

static void a_name_of_another_subscription_is_told_and_nothing_of_the_batch_is_put(void **state)
{
    struct fixture *fixture = *state;
    struct object_id subscription = add_subscription(fixture, "a");
    struct object_id event = publish_at(fixture, "Order.Created", 1000, NULL);
    struct buf text = export_all(fixture);
    struct fixture *other = make_other(fixture);
    struct object_id mine = add_subscription(other, "a");
    struct store_imported done;
    struct subscription found;
    struct event none;
    assert_int_equal(try_import(other, buf_slice(&text), &never_stops, &done), STATUS_EXISTS);
    assert_int_equal(done.outcomes[IMPORT_ADDED], 0);
    assert_int_equal(store_subscription_get(other->store, &other->org, &subscription, &found), STATUS_NOT_FOUND);
    assert_int_equal(store_event_get(other->store, &event, &none), STATUS_NOT_FOUND);
    change_subscription(other, &mine, apply_delete);
    import_all(other, &text);
    buf_clear(&text);
    remove_other(other);
}

static void new_events_go_to_what_was_imported_and_ids_go_on_behind_it(void **state)
{
    struct fixture *fixture = *state;
    struct object_id subscription = add_subscription(fixture, "a");
    struct buf text = export_all(fixture);
    struct fixture *other = make_other(fixture);
    size_t count = 1;
    publish_at(other, "Order.Created", 1000, &count);
    assert_int_equal(count, 0);
    import_all(other, &text);
    publish_at(other, "Order.Created", 2000, &count);
    assert_int_equal(count, 1);
    struct object_id next = add_subscription(other, "b");
    assert_true(object_id_compare(&next, &subscription) > 0);
    buf_clear(&text);
    remove_other(other);
}

static void what_belongs_to_something_that_is_not_there_is_left_out(void **state)
{
    struct fixture *fixture = *state;
    struct object_id subscription = add_subscription(fixture, "a");
    struct object_id event = publish_at(fixture, "Order.Created", 1000, NULL);
    uint64_t outcomes[IMPORT_OUTCOMES] = {0};
    size_t taken;
    struct export_record items[] = {
        {.kind = EXPORT_RECORD_DELIVERY}, {.kind = EXPORT_RECORD_ATTEMPT}, {.kind = EXPORT_RECORD_PROBE}};
    items[0].delivery = get_delivery(fixture, &subscription, &event);
    items[0].delivery.event_id.bytes[3]++; /* of an event that there is not */
    items[1].subscription_id = subscription;
    items[1].event_id = event;
    items[1].attempt.number = 1; /* its delivery was not tried */
    items[2].probe.status = PROBE_DONE;
    assert_int_equal(fixture->store->engine->put_all(fixture->store, 5000, items, 3, outcomes, &taken), STATUS_OK);
    assert_int_equal(outcomes[IMPORT_LEFT_OUT], 3);
    struct delivery none;
    assert_int_equal(
        store_delivery_get(fixture->store, &fixture->org, &subscription, &items[0].delivery.event_id, &none),
        STATUS_NOT_FOUND);
}

static void a_stopped_export_and_a_stopped_import_say_so(void **state)
{
    struct fixture *fixture = *state;
    int never = 0;
    const struct store_progress stops = {go_on, &never};
    struct buf text = {0};
    const struct export_target target = {append, &text};
    struct store_exported out;
    struct failure failure = {""};
    assert_int_equal(store_export(fixture->store, true, &target, &stops, &out, &failure), STATUS_CONFLICT);
    assert_true(failure.text[0] != '\0');
    buf_clear(&text);
    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        add_subscription(fixture, name);
    }
    text = export_all(fixture);
    struct fixture *other = make_other(fixture);
    struct store_imported done;
    never = 0;
    assert_int_equal(try_import(other, buf_slice(&text), &stops, &done), STATUS_CONFLICT);
    assert_true(done.outcomes[IMPORT_ADDED] > 0 && done.outcomes[IMPORT_ADDED] < 300);
    struct store_imported rest = import_all(other, &text);
    assert_int_equal(done.outcomes[IMPORT_ADDED] + rest.outcomes[IMPORT_ADDED], 300);
    buf_clear(&text);
    remove_other(other);
}

static enum status refuse(void *context, struct slice bytes)
{
    (void)context;
    (void)bytes;
    return STATUS_FULL;
}

static void a_target_that_is_full_ends_the_export(void **state)
{
    struct fixture *fixture = *state;
    const struct export_target target = {refuse, NULL};
    struct store_exported done;
    struct failure failure = {"before"};
    add_subscription(fixture, "a");
    assert_int_equal(store_export(fixture->store, false, &target, &never_stops, &done, &failure), STATUS_FULL);
    assert_string_equal(failure.text, "");
}

int run_export_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(deliveries_have_the_same_state_and_what_waits_is_claimed),
        CONFORMANCE_TEST(importing_again_changes_nothing),
        CONFORMANCE_TEST(a_later_state_is_never_replaced_by_an_earlier_one),
        CONFORMANCE_TEST(a_deleted_subscription_stays_deleted),
        CONFORMANCE_TEST(a_name_of_another_subscription_is_told_and_nothing_of_the_batch_is_put),
        CONFORMANCE_TEST(new_events_go_to_what_was_imported_and_ids_go_on_behind_it),
        CONFORMANCE_TEST(what_belongs_to_something_that_is_not_there_is_left_out),
        CONFORMANCE_TEST(a_stopped_export_and_a_stopped_import_say_so),
        CONFORMANCE_TEST(a_target_that_is_full_ends_the_export),
    };
    return cmocka_run_group_tests_name("export and import", tests, NULL, NULL);
}
