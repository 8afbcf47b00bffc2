/* Several processes at once: nothing is done twice, nothing is lost. */
#include "conformance.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 4, FAILED = 100 /* what run_children refuses */ };

/* ---- creating ---- */

static int create_the_same(struct fixture *fixture, int index)
{
    struct spec spec = {.name = "the only one"};
    (void)index;
    enum status status = try_subscription(fixture, &spec);
    return status == STATUS_OK ? 1 : status == STATUS_EXISTS ? 0 : FAILED;
}

static void one_of_many_gets_the_name(void **state)
{
    assert_int_equal(run_children(*state, PROCESSES, create_the_same), 1);
}

static int create_up_to_the_cap(struct fixture *fixture, int index)
{
    int made = 0;
    for (int i = 0; i < 10; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d %d", index, i);
        struct spec spec = {.name = name};
        struct change change = {.apply = spec_apply, .context = &spec};
        enum status status = store_subscription_create(fixture->store, &fixture->org, 25, &change);
        if (status != STATUS_OK && status != STATUS_LIMIT)
            return FAILED;
        made += status == STATUS_OK;
    }
    return made;
}

static void the_cap_holds_for_all_together(void **state)
{
    assert_int_equal(run_children(*state, PROCESSES, create_up_to_the_cap), 25);
}

/* ---- changing ---- */

static struct object_id shared; /* made before the children are */

static int change_often(struct fixture *fixture, int index)
{
    struct change change = {.apply = apply_nothing};
    int done = 0;
    (void)index;
    for (int i = 0; i < 20; i++)
        done += store_subscription_update(fixture->store, &fixture->org, &shared, &change) == STATUS_OK;
    return done;
}

static void no_change_is_lost(void **state)
{
    struct fixture *fixture = *state;
    struct subscription found;
    shared = add_subscription(fixture, "shared");
    int done = run_children(fixture, PROCESSES, change_often);
    assert_int_equal(store_subscription_get(fixture->store, &fixture->org, &shared, &found), STATUS_OK);
    assert_int_equal(done, PROCESSES * 20);
    assert_int_equal(found.version, 1 + done);
    subscription_clear(&found);
}

static void render_nothing(void *context, struct buf *kept)
{
    (void)context;
    buf_append_text(kept, "answer");
}

static int change_with_the_same_keys(struct fixture *fixture, int index)
{
    int done = 0;
    (void)index;
    for (int i = 0; i < 20; i++) {
        struct idempotency idempotency = {.now_ms = 1, .expires_at_ms = 2};
        memset(idempotency.key, i, sizeof idempotency.key);
        struct answer answer = {.idempotency = &idempotency, .render = render_nothing};
        struct change change = {.apply = apply_nothing, .answer = &answer};
        enum status status = store_subscription_update(fixture->store, &fixture->org, &shared, &change);
        bool answered = strcmp(buf_text(&answer.kept), "answer") == 0;
        buf_clear(&answer.kept);
        if ((status != STATUS_OK && status != STATUS_REPLAY) || !answered)
            return FAILED;
        done += status == STATUS_OK;
    }
    return done;
}

static void one_key_is_worked_out_once(void **state)
{
    struct fixture *fixture = *state;
    struct subscription found;
    shared = add_subscription(fixture, "shared");
    assert_int_equal(run_children(fixture, PROCESSES, change_with_the_same_keys), 20);
    assert_int_equal(store_subscription_get(fixture->store, &fixture->org, &shared, &found), STATUS_OK);
    assert_int_equal(found.version, 21);
    subscription_clear(&found);
}

/* ---- standing still ---- */

static enum status apply_and_stand_still(void *context, int64_t now_ms, struct subscription *subscription)
{
    raise(SIGSTOP);
    return apply_nothing(context, now_ms, subscription);
}

static void change_shared(struct fixture *fixture,
                          enum status (*apply)(void *context, int64_t now_ms, struct subscription *subscription))
{
    struct change change = {.apply = apply};
    (void)!store_subscription_update(fixture->store, &fixture->org, &shared, &change);
}

static void stand_still(struct fixture *fixture)
{
    change_shared(fixture, apply_and_stand_still);
}

static void wait_for_it(struct fixture *fixture)
{
    change_shared(fixture, apply_nothing);
}

/* As workers do, and requests when they are answered. */
static void maintain_for_long(struct fixture *fixture)
{
    for (int i = 0; i < 400 && store_maintain(fixture->store) == STATUS_OK; i++)
        clock_sleep_ms(50);
}

static pid_t start_process(struct fixture *fixture, void (*work)(struct fixture *fixture))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    if (store_open(&fixture->conf, STORE_FOR_COMMAND, &fixture->store, NULL) != STATUS_OK)
        _exit(FAILED);
    work(fixture);
    store_close(fixture->store);
    _exit(0);
}

static void who_stands_still_with_what_others_wait_for_is_killed_and_undone(void **state)
{
    struct fixture *fixture = *state;
    struct change change = {.apply = apply_nothing};
    struct subscription found;
    int status;
    shared = add_subscription(fixture, "shared");
    fixture_close(fixture);
    pid_t stopped = start_process(fixture, stand_still);
    assert_int_equal(waitpid(stopped, &status, WUNTRACED), stopped);
    assert_true(WIFSTOPPED(status));
    pid_t others[] = {start_process(fixture, wait_for_it), start_process(fixture, maintain_for_long)};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(waitpid(others[i], NULL, 0), others[i]);
    pid_t ended = waitpid(stopped, &status, WNOHANG);
    if (ended == 0)
        kill(stopped, SIGKILL);
    assert_int_equal(ended, stopped);
    assert_true(WIFSIGNALED(status));
    fixture_open(fixture);
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, &shared, &change), STATUS_OK);
    assert_int_equal(store_subscription_get(fixture->store, &fixture->org, &shared, &found), STATUS_OK);
    assert_int_equal(found.version, 2);
    subscription_clear(&found);
}

/* ---- publishing and delivering ---- */

enum { PUBLISHED_EACH = 12, EVENTS = PROCESSES * PUBLISHED_EACH };

static int publish_some(struct fixture *fixture, int index)
{
    (void)index;
    for (int i = 0; i < PUBLISHED_EACH; i++)
        publish_at(fixture, "A.B", 1000, NULL);
    return PUBLISHED_EACH;
}

/* Claims until nothing is left for a while, and delivers. */
static int deliver_some(struct fixture *fixture, int index)
{
    struct claims *claims = claims_new();
    int delivered = 0;
    (void)index;
    for (int idle = 0; idle < 3;) {
        claim_some(fixture, 2000, 5, 2, claims);
        for (size_t i = 0; i < claims->count; i++)
            delivered += settle_one(fixture, &claims->items[i], 2001, DELIVERY_DELIVERED, 0);
        idle = claims->count == 0 ? idle + 1 : 0;
    }
    free(claims);
    return delivered;
}

static int publish_or_deliver(struct fixture *fixture, int index)
{
    return index % 2 == 0 ? publish_some(fixture, index) * 0 : deliver_some(fixture, index);
}

static void each_delivery_is_made_once(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    add_subscription(fixture, "s");
    add_subscription(fixture, "t");
    assert_int_equal(run_children(fixture, PROCESSES, publish_some), EVENTS);
    int delivered = run_children(fixture, PROCESSES, deliver_some);
    claim_all(fixture, 2000, CLAIMS_MAX, claims);
    assert_int_equal(delivered + (int)claims->count, 2 * EVENTS);
    free(claims);
}

static void publishers_and_workers_do_not_stand_in_each_others_way(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    add_subscription(fixture, "s");
    int delivered = run_children(fixture, PROCESSES, publish_or_deliver);
    claim_all(fixture, 2000, CLAIMS_MAX, claims);
    assert_int_equal(delivered + (int)claims->count, PROCESSES / 2 * PUBLISHED_EACH);
    free(claims);
}

int run_process_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(one_of_many_gets_the_name),
        CONFORMANCE_TEST(the_cap_holds_for_all_together),
        CONFORMANCE_TEST(no_change_is_lost),
        CONFORMANCE_TEST(one_key_is_worked_out_once),
        CONFORMANCE_TEST(who_stands_still_with_what_others_wait_for_is_killed_and_undone),
        CONFORMANCE_TEST(each_delivery_is_made_once),
        CONFORMANCE_TEST(publishers_and_workers_do_not_stand_in_each_others_way),
    };
    return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}
