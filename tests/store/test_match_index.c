/* The index answers what event_matches() says of each subscription. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "store/match_index.h"

enum { SUBSCRIPTIONS = 150, ROUNDS = 40, EVENTS = 60 };

/* ---- a world of few words, so that they meet often ---- */

static const char *const filters[] = {
    "*", "A.*", "B.*", "A.B", "A.C", "B.B", "AB.B", "A.B.C", "A.BC", "Webhook.*", "Webhook.Failed", "*", ".*", "A."};
static const char *const names[] = {"A.B",          "A.C", "B.B", "B.C", "AB.B", "A.B.C", "A.BC", "Webhook.Failed",
                                    "Webhook.Gone", "C.C", ".B"};
static const char *const scope_ids[] = {"", "x", "y", "xy", "A.B", "*"};

#define ANY_OF(texts) (texts)[(size_t)rand() % (sizeof(texts) / sizeof(texts)[0])]

static struct subscription any_subscription(unsigned number)
{
    struct subscription subscription = {.active = rand() % 2 == 0, .is_deleted = rand() % 10 == 0};
    object_id_make(number, &subscription.id);
    for (int i = rand() % 4; i > 0; i--) {
        const char *filter = ANY_OF(filters);
        text_list_add(&subscription.events, filter, strlen(filter));
    }
    int scope = rand() % 3;
    struct text_list *list = scope == 1 ? &subscription.agent_ids : &subscription.workspace_ids;
    for (int i = scope == 0 ? 0 : 1 + rand() % 3; i > 0; i--) {
        const char *id = ANY_OF(scope_ids);
        text_list_add(list, id, strlen(id));
    }
    return subscription;
}

static struct event any_event(void)
{
    struct event event = {.name = mem_strdup(ANY_OF(names))};
    if (rand() % 2)
        event.agent_id = mem_strdup(ANY_OF(scope_ids));
    if (rand() % 2)
        event.workspace_id = mem_strdup(ANY_OF(scope_ids));
    return event;
}

static void assert_found_as_they_match(const struct event *event, const struct subscription *subscriptions)
{
    size_t next = 0;
    for (size_t i = 0; i < SUBSCRIPTIONS; i++) {
        if (!event_matches(event, &subscriptions[i]))
            continue;
        assert_true(next < event->subscription_count);
        assert_memory_equal(&event->subscriptions[next], &subscriptions[i].id, sizeof subscriptions[i].id);
        next++;
    }
    assert_int_equal(next, event->subscription_count);
}

static void the_index_finds_those_that_match_in_order(void **state)
{
    static struct subscription subscriptions[SUBSCRIPTIONS];
    (void)state;
    srand(1);
    for (int round = 0; round < ROUNDS; round++) {
        struct match_index *index = match_index_new();
        for (unsigned i = 0; i < SUBSCRIPTIONS; i++) {
            subscriptions[i] = any_subscription(i);
            match_index_add(index, &subscriptions[i]);
        }
        for (int i = 0; i < EVENTS; i++) {
            struct event event = any_event();
            match_index_find(index, &event);
            assert_found_as_they_match(&event, subscriptions);
            event_clear(&event);
        }
        for (size_t i = 0; i < SUBSCRIPTIONS; i++)
            subscription_clear(&subscriptions[i]);
        match_index_free(index);
    }
}

static void an_earlier_list_is_replaced(void **state)
{
    (void)state;
    struct match_index *index = match_index_new();
    struct event event = {.name = mem_strdup("A.B"),
                          .subscriptions = mem_calloc(3, sizeof *event.subscriptions),
                          .subscription_count = 3};
    match_index_find(index, &event);
    assert_int_equal(event.subscription_count, 0);
    event_clear(&event);
    match_index_free(index);
}

static void the_memory_that_it_takes_is_counted(void **state)
{
    enum { LENGTH = 1000 };
    char filter[LENGTH];
    (void)state;
    struct match_index *index = match_index_new();
    size_t before = match_index_bytes(index);
    memset(filter, 'a', sizeof filter);
    for (int i = 0; i < 10; i++) {
        struct subscription subscription = {.active = true};
        filter[0] = (char)('a' + i);
        text_list_add(&subscription.events, filter, sizeof filter);
        match_index_add(index, &subscription);
        subscription_clear(&subscription);
    }
    assert_true(match_index_bytes(index) > before + 10 * LENGTH);
    assert_true(match_index_bytes(index) < before + 20 * LENGTH);
    match_index_free(index);
    match_index_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_finds_those_that_match_in_order),
        cmocka_unit_test(an_earlier_list_is_replaced),
        cmocka_unit_test(the_memory_that_it_takes_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
