/* Deleting a subscription, and changes that turn out to be none. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

/* ---- deleting ---- */

static enum status try_change(struct fixture *fixture, const struct object_id *id,
                              enum status (*apply)(void *, int64_t, struct subscription *))
{
    struct change change = {.apply = apply};
    return store_subscription_update(fixture->store, &fixture->org, id, &change);
}

static void a_deleted_one_cannot_be_deleted_again(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    assert_int_equal(try_change(fixture, &id, apply_delete), STATUS_OK);
    assert_int_equal(try_change(fixture, &id, apply_delete), STATUS_NOT_FOUND);
}

static void its_name_can_be_taken_at_once_and_deleted_again(void **state)
{
    struct fixture *fixture = *state;
    struct object_id last = {{0}};
    for (int i = 0; i < 10; i++) {
        struct object_id id = add_subscription(fixture, "phoenix");
        assert_true(object_id_compare(&last, &id) < 0);
        change_subscription(fixture, &id, apply_delete);
        last = id;
    }
}

static void what_waited_for_it_is_cancelled_from_then_on(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct object_id id = add_subscription(fixture, "s");
    struct object_id done = publish_at(fixture, "A.B", 1000, NULL);
    claim_all(fixture, 1000, 10, claims);
    assert_true(settle_one(fixture, &claims->items[0], 1001, DELIVERY_DELIVERED, 0));
    struct object_id waiting = publish_at(fixture, "A.B", 1000, NULL);
    int64_t before_ms = clock_now_ms();
    change_subscription(fixture, &id, apply_delete);
    struct delivery delivery = get_delivery(fixture, &id, &waiting);
    assert_int_equal(delivery.status, DELIVERY_CANCELLED);
    assert_int_equal(delivery.next_attempt_at_ms, 0);
    assert_true(delivery.finished_at_ms >= before_ms && delivery.finished_at_ms <= clock_now_ms());
    assert_int_equal(get_delivery(fixture, &id, &done).status, DELIVERY_DELIVERED);
    claim_all(fixture, INT64_MAX / 2, 10, claims); /* the rows are changed now: the answer stays */
    assert_int_equal(claims->count, 0);
    struct delivery later = get_delivery(fixture, &id, &waiting);
    assert_int_equal(later.status, DELIVERY_CANCELLED);
    assert_int_equal(later.finished_at_ms, delivery.finished_at_ms);
    free(claims);
}

static void new_events_pass_it_over(void **state)
{
    struct fixture *fixture = *state;
    size_t count;
    struct object_id id = add_subscription(fixture, "s");
    add_subscription(fixture, "t");
    publish_at(fixture, "A.B", 1000, &count);
    assert_int_equal(count, 2);
    change_subscription(fixture, &id, apply_delete);
    publish_at(fixture, "A.B", 1000, &count);
    assert_int_equal(count, 1);
}

/* ---- renaming ---- */

static struct object_id contenders[2]; /* made before the children are */

static enum status take_the_name(void *context, int64_t now_ms, struct subscription *subscription)
{
    free(subscription->name);
    subscription->name = mem_strdup("coveted");
    return apply_nothing(context, now_ms, subscription);
}

static int rename_one(struct fixture *fixture, int index)
{
    enum status status = try_change(fixture, &contenders[index], take_the_name);
    return status == STATUS_OK ? 1 : status == STATUS_EXISTS ? 0 : 100;
}

static void one_of_two_gets_a_new_name_and_the_other_keeps_its_own(void **state)
{
    struct fixture *fixture = *state;
    int kept = 0;
    contenders[0] = add_subscription(fixture, "a");
    contenders[1] = add_subscription(fixture, "b");
    assert_int_equal(run_children(fixture, 2, rename_one), 1);
    for (int i = 0; i < 2; i++) {
        struct spec spec = {.name = i == 0 ? "a" : "b"};
        kept += try_subscription(fixture, &spec) == STATUS_EXISTS;
    }
    assert_int_equal(kept, 1);
}

/* ---- nothing to change ---- */

struct idle {
    struct change change; /* its apply is told to say that nothing changed */
    bool is_idle;
    bool was_reset;
};

static enum status pause_or_idle(void *context, int64_t now_ms, struct subscription *subscription)
{
    struct idle *idle = context;
    idle->was_reset = !idle->change.is_unchanged;
    idle->change.is_unchanged = idle->is_idle;
    subscription->version -= idle->is_idle;
    return apply_pause(NULL, now_ms, subscription);
}

static void assert_state(struct fixture *fixture, const struct object_id *id, uint64_t version, bool is_active)
{
    struct subscription found;
    assert_int_equal(store_subscription_get(fixture->store, &fixture->org, id, &found), STATUS_OK);
    assert_int_equal(found.version, version);
    assert_int_equal(found.active, is_active);
    subscription_clear(&found);
}

static void a_change_that_is_none_writes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct idle idle = {.change = {.apply = pause_or_idle, .context = &idle}, .is_idle = true};
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, &id, &idle.change), STATUS_OK);
    assert_true(idle.change.is_unchanged);
    assert_state(fixture, &id, 1, true);
    idle.is_idle = false;
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, &id, &idle.change), STATUS_OK);
    assert_true(idle.was_reset);
    assert_state(fixture, &id, 2, false);
}

static void render_answer(void *context, struct buf *kept)
{
    (void)context;
    buf_append_text(kept, "answer");
}

static void the_answer_to_a_change_that_is_none_is_kept(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct idempotency idempotency = {.now_ms = 1, .expires_at_ms = 2};
    struct answer answer = {.idempotency = &idempotency, .render = render_answer};
    struct idle idle = {.change = {.apply = pause_or_idle, .context = &idle, .answer = &answer}, .is_idle = true};
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, &id, &idle.change), STATUS_OK);
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, &id, &idle.change), STATUS_REPLAY);
    assert_string_equal(buf_text(&answer.kept), "answer");
    assert_state(fixture, &id, 1, true);
    buf_clear(&answer.kept);
}

int run_delete_tests(void)
{
    const struct CMUnitTest tests[] = {
        SHARING_TEST(a_deleted_one_cannot_be_deleted_again),
        SHARING_TEST(its_name_can_be_taken_at_once_and_deleted_again),
        CONFORMANCE_TEST(what_waited_for_it_is_cancelled_from_then_on),
        SHARING_TEST(new_events_pass_it_over),
        SHARING_TEST(one_of_two_gets_a_new_name_and_the_other_keeps_its_own),
        SHARING_TEST(a_change_that_is_none_writes_nothing),
        SHARING_TEST(the_answer_to_a_change_that_is_none_is_kept),
    };
    return cmocka_run_group_tests_name("deleting", tests, fixture_make, fixture_remove);
}
