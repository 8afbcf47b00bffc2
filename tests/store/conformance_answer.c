/* Answering once: idempotency keys. */
#include "conformance.h"

#include <string.h>

/* A rotation in miniature: counts what it does, and keeps a random answer. */
struct work {
    int applied;
    unsigned char token[16];
    enum status verdict;
};

static enum status apply_work(void *context, int64_t now_ms, struct subscription *subscription)
{
    struct work *work = context;
    work->applied++;
    crypto_random(work->token, sizeof work->token);
    return work->verdict == STATUS_OK ? apply_nothing(NULL, now_ms, subscription) : work->verdict;
}

static void render_work(void *context, struct buf *kept)
{
    const struct work *work = context;
    buf_append(kept, work->token, sizeof work->token);
}

static struct idempotency idempotency_of(unsigned char key, unsigned char fingerprint)
{
    struct idempotency idempotency = {.now_ms = 1000, .expires_at_ms = 2000};
    memset(idempotency.key, key, sizeof idempotency.key);
    memset(idempotency.fingerprint, fingerprint, sizeof idempotency.fingerprint);
    return idempotency;
}

struct call {
    struct work work;
    struct answer answer;
    enum status status;
};

static void update(struct fixture *fixture, const struct object_id *id, const struct idempotency *idempotency,
                   struct call *call)
{
    call->answer = (struct answer){.idempotency = idempotency, .render = render_work, .context = &call->work};
    struct change change = {.apply = apply_work, .context = &call->work, .answer = &call->answer};
    call->status = store_subscription_update(fixture->store, &fixture->org, id, &change);
}

static uint64_t version_of(struct fixture *fixture, const struct object_id *id)
{
    struct subscription found;
    assert_int_equal(store_subscription_get(fixture->store, &fixture->org, id, &found), STATUS_OK);
    uint64_t version = found.version;
    subscription_clear(&found);
    return version;
}

static void a_repeated_key_gets_the_first_answer_and_does_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct idempotency idempotency = idempotency_of(1, 0);
    struct call first = {.status = STATUS_IO};
    struct call second = {.status = STATUS_IO};
    update(fixture, &id, &idempotency, &first);
    update(fixture, &id, &idempotency, &second);
    assert_int_equal(first.status, STATUS_OK);
    assert_int_equal(second.status, STATUS_REPLAY);
    assert_int_equal(second.work.applied, 0);
    assert_int_equal(second.answer.kept.length, sizeof first.work.token);
    assert_memory_equal(second.answer.kept.data, first.work.token, sizeof first.work.token);
    assert_int_equal(version_of(fixture, &id), 2);
    buf_clear(&first.answer.kept);
    buf_clear(&second.answer.kept);
}

static void the_same_key_with_another_body_is_a_mismatch(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct idempotency idempotency = idempotency_of(1, 1);
    struct idempotency other = idempotency_of(1, 2);
    struct call first = {.status = STATUS_IO};
    struct call second = {.status = STATUS_IO};
    update(fixture, &id, &idempotency, &first);
    update(fixture, &id, &other, &second);
    assert_int_equal(second.status, STATUS_MISMATCH);
    assert_int_equal(version_of(fixture, &id), 2);
    buf_clear(&first.answer.kept);
    buf_clear(&second.answer.kept);
}

static void an_expired_key_is_as_if_it_had_never_been(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct idempotency idempotency = idempotency_of(1, 1);
    struct call first = {.status = STATUS_IO};
    struct call second = {.status = STATUS_IO};
    update(fixture, &id, &idempotency, &first);
    struct idempotency later = idempotency_of(1, 2);
    later.now_ms = idempotency.expires_at_ms;
    later.expires_at_ms = later.now_ms + 1000;
    update(fixture, &id, &later, &second);
    assert_int_equal(second.status, STATUS_OK);
    assert_int_equal(version_of(fixture, &id), 3);
    buf_clear(&first.answer.kept);
    buf_clear(&second.answer.kept);
}

static void an_error_is_not_kept(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct idempotency idempotency = idempotency_of(1, 1);
    struct call first = {.work.verdict = STATUS_CONFLICT};
    struct call second = {.status = STATUS_IO};
    update(fixture, &id, &idempotency, &first);
    update(fixture, &id, &idempotency, &second);
    assert_int_equal(first.status, STATUS_CONFLICT);
    assert_int_equal(second.status, STATUS_OK);
    buf_clear(&first.answer.kept);
    buf_clear(&second.answer.kept);
}

static void render_large(void *context, struct buf *kept)
{
    (void)context;
    for (int i = 0; i < 20000; i++)
        buf_printf(kept, "%d,", i);
}

static void a_large_answer_is_kept_whole(void **state)
{
    struct fixture *fixture = *state;
    struct idempotency idempotency = idempotency_of(1, 1);
    struct answer first = {.idempotency = &idempotency, .render = render_large};
    struct answer second = first;
    assert_int_equal(store_publish(fixture->store, NULL, 0, &first), STATUS_OK);
    assert_int_equal(store_publish(fixture->store, NULL, 0, &second), STATUS_REPLAY);
    assert_string_equal(buf_text(&second.kept), buf_text(&first.kept));
    buf_clear(&second.kept);
    buf_clear(&first.kept);
}

static void creating_twice_with_one_key_makes_one(void **state)
{
    struct fixture *fixture = *state;
    struct idempotency idempotency = idempotency_of(1, 1);
    struct work work = {.applied = 0};
    struct spec spec = {.name = "once"};
    struct answer answer = {.idempotency = &idempotency, .render = render_work, .context = &work};
    struct change change = {.apply = spec_apply, .context = &spec, .answer = &answer};
    assert_int_equal(store_subscription_create(fixture->store, &fixture->org, 10, &change), STATUS_OK);
    assert_int_equal(store_subscription_create(fixture->store, &fixture->org, 10, &change), STATUS_REPLAY);
    buf_clear(&answer.kept);
}

static void publishing_twice_with_one_key_publishes_once(void **state)
{
    struct fixture *fixture = *state;
    struct idempotency idempotency = idempotency_of(1, 1);
    struct work work = {.applied = 0};
    struct answer answer = {.idempotency = &idempotency, .render = render_work, .context = &work};
    struct event first = make_event(fixture, "A.B", 1000);
    struct event second = make_event(fixture, "A.B", 1000);
    struct event found;
    add_subscription(fixture, "s");
    assert_int_equal(store_publish(fixture->store, &first, 1, &answer), STATUS_OK);
    assert_int_equal(store_publish(fixture->store, &second, 1, &answer), STATUS_REPLAY);
    assert_int_equal(store_event_get(fixture->store, &second.id, &found), STATUS_NOT_FOUND);
    event_clear(&second);
    event_clear(&first);
    buf_clear(&answer.kept);
}

int run_answer_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(a_repeated_key_gets_the_first_answer_and_does_nothing),
        CONFORMANCE_TEST(the_same_key_with_another_body_is_a_mismatch),
        CONFORMANCE_TEST(an_expired_key_is_as_if_it_had_never_been),
        CONFORMANCE_TEST(an_error_is_not_kept),
        CONFORMANCE_TEST(a_large_answer_is_kept_whole),
        CONFORMANCE_TEST(creating_twice_with_one_key_makes_one),
        CONFORMANCE_TEST(publishing_twice_with_one_key_publishes_once),
    };
    return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
