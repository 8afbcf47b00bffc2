/* Matching sees every change that was answered before, whoever made it: no process may go by what it remembers. */
#include "conformance.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAILED = 100 /* what run_children refuses */ };

static size_t reach(struct fixture *fixture, const char *name)
{
    size_t count;
    publish_at(fixture, name, 1000, &count);
    return count;
}

static enum status want_only(void *context, int64_t now_ms, struct subscription *subscription)
{
    text_list_clear(&subscription->events);
    text_list_add(&subscription->events, context, strlen(context));
    return apply_nothing(NULL, now_ms, subscription);
}

static enum status want(struct fixture *fixture, const struct object_id *id, const char *event)
{
    struct change change = {.apply = want_only, .context = (void *)(uintptr_t)event};
    return store_subscription_update(fixture->store, &fixture->org, id, &change);
}

/* ---- what a change may be ---- */

static enum status limit_to_agent(void *context, int64_t now_ms, struct subscription *subscription)
{
    text_list_add(&subscription->agent_ids, context, strlen(context));
    return apply_nothing(NULL, now_ms, subscription);
}

static enum status limit_to_workspace(void *context, int64_t now_ms, struct subscription *subscription)
{
    text_list_clear(&subscription->agent_ids);
    text_list_add(&subscription->workspace_ids, context, strlen(context));
    return apply_nothing(NULL, now_ms, subscription);
}

static size_t reach_in(struct fixture *fixture, const char *agent_id, const char *workspace_id)
{
    struct event event = make_event(fixture, "A.B", 1000);
    event.agent_id = agent_id ? mem_strdup(agent_id) : NULL;
    event.workspace_id = workspace_id ? mem_strdup(workspace_id) : NULL;
    assert_int_equal(store_publish(fixture->store, &event, 1, NULL), STATUS_OK);
    size_t count = event.subscription_count;
    event_clear(&event);
    return count;
}

static void filters_and_scopes_decide(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    assert_int_equal(reach(fixture, "A.B"), 1);
    assert_int_equal(want(fixture, &id, "A.C"), STATUS_OK);
    assert_int_equal(reach(fixture, "A.B"), 0);
    assert_int_equal(reach(fixture, "A.C"), 1);
    assert_int_equal(want(fixture, &id, "A.*"), STATUS_OK);
    assert_int_equal(reach(fixture, "A.B"), 1);
    assert_int_equal(reach(fixture, "AA.B"), 0);
    struct change agent = {.apply = limit_to_agent, .context = (char[]){"x"}};
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, &id, &agent), STATUS_OK);
    assert_int_equal(reach(fixture, "A.B"), 0);
    assert_int_equal(reach_in(fixture, "x", NULL), 1);
    assert_int_equal(reach_in(fixture, "y", "x"), 0);
    struct change workspace = {.apply = limit_to_workspace, .context = (char[]){"x"}};
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, &id, &workspace), STATUS_OK);
    assert_int_equal(reach_in(fixture, "x", NULL), 0);
    assert_int_equal(reach_in(fixture, "y", "x"), 1);
}

static void pausing_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    change_subscription(fixture, &id, apply_pause);
    assert_int_equal(reach(fixture, "A.B"), 1);
    change_subscription(fixture, &id, apply_resume);
    assert_int_equal(reach(fixture, "A.B"), 1);
}

static void each_event_of_a_batch_is_matched_by_itself(void **state)
{
    struct fixture *fixture = *state;
    struct spec first = {.name = "first", .event = "A.B"};
    struct spec second = {.name = "second", .event = "A.C"};
    assert_int_equal(try_subscription(fixture, &first), STATUS_OK);
    assert_int_equal(try_subscription(fixture, &second), STATUS_OK);
    struct event events[] = {make_event(fixture, "A.C", 1000), make_event(fixture, "X.Y", 1000),
                             make_event(fixture, "A.B", 1000)};
    assert_int_equal(store_publish(fixture->store, events, 3, NULL), STATUS_OK);
    assert_int_equal(events[0].subscription_count, 1);
    assert_memory_equal(&events[0].subscriptions[0], &second.id, sizeof second.id);
    assert_int_equal(events[1].subscription_count, 0);
    assert_int_equal(events[2].subscription_count, 1);
    assert_memory_equal(&events[2].subscriptions[0], &first.id, sizeof first.id);
    for (int i = 0; i < 3; i++)
        event_clear(&events[i]);
}

/* ---- more filters than anybody keeps in memory ---- */

enum { MANY_FILTERS = 500, MANY_SUBSCRIPTIONS = 80 };

static enum status spec_with_many_filters(void *context, int64_t now_ms, struct subscription *subscription)
{
    struct spec *spec = context;
    for (int i = 0; i < MANY_FILTERS; i++) {
        char filter[64];
        snprintf(filter, sizeof filter, "Service_%s.Event_%d", spec->name, i);
        text_list_add(&subscription->events, filter, strlen(filter));
    }
    return spec_apply(context, now_ms, subscription);
}

static void very_many_filters_are_matched_as_well(void **state)
{
    struct fixture *fixture = *state;
    struct object_id last = {{0}};
    for (int i = 0; i < MANY_SUBSCRIPTIONS; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        struct spec spec = {.name = name, .event = "All.Want"};
        struct change change = {.apply = spec_with_many_filters, .context = &spec};
        assert_int_equal(store_subscription_create(fixture->store, &fixture->org, 10000, &change), STATUS_OK);
        last = spec.id;
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(reach(fixture, "Service_7.Event_499"), 1);
        assert_int_equal(reach(fixture, "Service_7.Event_500"), 0);
        assert_int_equal(reach(fixture, "All.Want"), MANY_SUBSCRIPTIONS);
    }
    change_subscription(fixture, &last, apply_delete);
    assert_int_equal(reach(fixture, "All.Want"), MANY_SUBSCRIPTIONS - 1);
}

/* ---- one process changes, another one publishes ---- */

enum { ROUNDS = 25 };

static int to_publisher[2]; /* one byte: how many subscriptions "A.B" reaches now */
static int to_changer[2];   /* one byte: it was so */

static bool tell(int fd, unsigned char byte)
{
    return write(fd, &byte, 1) == 1;
}

static bool hear(int fd, unsigned char *byte)
{
    return read(fd, byte, 1) == 1;
}

static bool is_seen(unsigned char reached)
{
    unsigned char answer;
    return tell(to_publisher[1], reached) && hear(to_changer[0], &answer) && answer == reached;
}

static int change_and_ask(struct fixture *fixture)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct object_id id = add_subscription(fixture, "s");
        if (!is_seen(1))
            return FAILED;
        if (want(fixture, &id, "A.C") != STATUS_OK || !is_seen(0))
            return FAILED;
        if (want(fixture, &id, "A.B") != STATUS_OK || !is_seen(1))
            return FAILED;
        change_subscription(fixture, &id, apply_delete);
        if (!is_seen(0))
            return FAILED;
    }
    return 1;
}

static int publish_and_answer(struct fixture *fixture)
{
    unsigned char expected;
    for (int i = 0; i < 4 * ROUNDS; i++)
        if (!hear(to_publisher[0], &expected) || !tell(to_changer[1], (unsigned char)reach(fixture, "A.B")))
            return FAILED;
    return 1;
}

static int change_or_publish(struct fixture *fixture, int index)
{
    alarm(60); /* where one gives up, the other must not wait for ever */
    return index == 0 ? change_and_ask(fixture) : publish_and_answer(fixture);
}

static void another_processs_change_is_seen_at_once(void **state)
{
    assert_int_equal(pipe(to_publisher), 0);
    assert_int_equal(pipe(to_changer), 0);
    assert_int_equal(run_children(*state, 2, change_or_publish), 2);
    for (int i = 0; i < 2; i++) {
        close(to_publisher[i]);
        close(to_changer[i]);
    }
}

/* ---- threads of one process ---- */

enum { THREADS = 4, CHANGES = 8 };

/* Each thread looks after a subscription of its own, and sees what it has changed, whatever the others do. */
struct keeper {
    struct fixture *fixture;
    int index;
    int wrong;
};

static void *keep_changing(void *argument)
{
    struct keeper *keeper = argument;
    char event[16];
    snprintf(event, sizeof event, "Own.E%d", keeper->index);
    struct spec spec = {.name = event, .event = event};
    keeper->wrong += try_subscription(keeper->fixture, &spec) != STATUS_OK;
    for (int i = 0; i < CHANGES; i++) {
        keeper->wrong += reach(keeper->fixture, event) != 1;
        keeper->wrong += want(keeper->fixture, &spec.id, "Other.Event") != STATUS_OK;
        keeper->wrong += reach(keeper->fixture, event) != 0;
        keeper->wrong += want(keeper->fixture, &spec.id, event) != STATUS_OK;
    }
    return NULL;
}

static void every_thread_sees_what_it_changed(void **state)
{
    pthread_t threads[THREADS];
    struct keeper keepers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        keepers[i] = (struct keeper){*state, i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, keep_changing, &keepers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(keepers[i].wrong, 0);
    }
}

int run_match_tests(void)
{
    const struct CMUnitTest tests[] = {
        SHARING_TEST(filters_and_scopes_decide),
        SHARING_TEST(pausing_changes_nothing),
        SHARING_TEST(each_event_of_a_batch_is_matched_by_itself),
        SHARING_TEST(very_many_filters_are_matched_as_well),
        SHARING_TEST(another_processs_change_is_seen_at_once),
        SHARING_TEST(every_thread_sees_what_it_changed),
    };
    return cmocka_run_group_tests_name("matching", tests, fixture_make, fixture_remove);
}
