/* Which index is handed out, who loads it, and what is dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/match_cache.h"

/* What a store would be. */
struct source {
    uint64_t version;
    size_t subscriptions;
    int64_t takes_ms;
    bool is_too_large;
    enum status status;
    atomic_int loads;
};

static enum status load(void *context, const struct uuid *organization_id, size_t max_bytes, struct match_index **index,
                        uint64_t *version)
{
    struct source *source = context;
    (void)organization_id;
    (void)max_bytes;
    atomic_fetch_add(&source->loads, 1);
    *version = source->version;
    clock_sleep_ms(source->takes_ms);
    if (source->status != STATUS_OK)
        return source->status;
    *index = source->is_too_large ? NULL : match_index_new();
    for (size_t i = 0; i < source->subscriptions && *index; i++)
        match_index_add(*index, &(struct subscription){.active = true});
    return STATUS_OK;
}

enum { ROOMY = 1 << 20 };

static struct uuid organization(unsigned char number)
{
    return (struct uuid){{number}};
}

/* How many subscriptions the index that is handed out has. */
static size_t ask(struct match_cache *cache, unsigned char number, uint64_t version, struct source *source)
{
    struct uuid id = organization(number);
    struct match_view *view;
    struct event event = {.name = mem_strdup("A.B")};
    if (match_cache_hold(cache, &id, version, load, source, &view) != STATUS_OK)
        abort();
    if (view->index)
        match_index_find(view->index, &event);
    match_cache_release(cache, view);
    size_t count = event.subscription_count;
    event_clear(&event);
    return count;
}

static void an_index_is_loaded_once_for_a_version(void **state)
{
    (void)state;
    struct match_cache *cache = match_cache_new(ROOMY);
    struct source source = {.version = 5, .subscriptions = 1};
    assert_int_equal(ask(cache, 1, 5, &source), 1);
    source.subscriptions = 2;
    assert_int_equal(ask(cache, 1, 5, &source), 1);
    assert_int_equal(ask(cache, 1, 4, &source), 1); /* who has read an earlier one is served as well */
    assert_int_equal(source.loads, 1);
    source.version = 7;
    assert_int_equal(ask(cache, 1, 6, &source), 2);
    assert_int_equal(ask(cache, 1, 7, &source), 2);
    assert_int_equal(source.loads, 2);
    assert_int_equal(ask(cache, 2, 7, &source), 2); /* another organization */
    assert_int_equal(source.loads, 3);
    match_cache_free(cache);
}

static void a_failed_load_is_the_callers_and_is_tried_again(void **state)
{
    (void)state;
    struct match_cache *cache = match_cache_new(ROOMY);
    struct source source = {.version = 1, .subscriptions = 1, .status = STATUS_AGAIN};
    struct match_view *view;
    struct uuid id = organization(1);
    assert_int_equal(match_cache_hold(cache, &id, 1, load, &source, &view), STATUS_AGAIN);
    source.status = STATUS_OK;
    assert_int_equal(ask(cache, 1, 1, &source), 1);
    match_cache_free(cache);
}

static void a_view_that_is_held_outlives_its_place(void **state)
{
    (void)state;
    struct match_cache *cache = match_cache_new(ROOMY);
    struct source source = {.version = 1, .subscriptions = 1};
    struct match_view *held;
    struct uuid id = organization(1);
    struct event event = {.name = mem_strdup("A.B")};
    assert_int_equal(match_cache_hold(cache, &id, 1, load, &source, &held), STATUS_OK);
    source.version = 2;
    source.subscriptions = 3;
    assert_int_equal(ask(cache, 1, 2, &source), 3);
    match_index_find(held->index, &event);
    assert_int_equal(event.subscription_count, 1);
    match_cache_release(cache, held);
    event_clear(&event);
    match_cache_free(cache);
}

static void what_is_too_large_is_known_to_be(void **state)
{
    (void)state;
    struct match_cache *cache = match_cache_new(ROOMY);
    struct source source = {.version = 1, .is_too_large = true};
    struct match_view *view;
    struct uuid id = organization(1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(match_cache_hold(cache, &id, 1, load, &source, &view), STATUS_OK);
        assert_null(view->index);
        match_cache_release(cache, view);
    }
    assert_int_equal(source.loads, 1);
    match_cache_free(cache);
}

static void those_asked_for_longest_ago_go_first(void **state)
{
    enum { MANY = 100 };
    (void)state;
    struct match_cache *cache = match_cache_new(16 * 1024);
    struct source source = {.version = 1, .subscriptions = 20};
    for (unsigned char i = 0; i < MANY; i++) {
        assert_int_equal(ask(cache, i, 1, &source), 20);
        int loads = source.loads;
        assert_int_equal(ask(cache, 0, 1, &source), 20); /* the one that is always asked for stays */
        assert_int_equal(ask(cache, i, 1, &source), 20); /* as does the newest */
        assert_int_equal(source.loads, loads);
    }
    assert_int_equal(source.loads, MANY);
    ask(cache, 1, 1, &source);
    assert_int_equal(source.loads, MANY + 1);
    match_cache_free(cache);
}

static void one_that_is_larger_than_all_room_is_still_handed_out(void **state)
{
    (void)state;
    struct match_cache *cache = match_cache_new(1);
    struct source source = {.version = 1, .subscriptions = 3};
    assert_int_equal(ask(cache, 1, 1, &source), 3);
    assert_int_equal(ask(cache, 2, 1, &source), 3);
    match_cache_free(cache);
}

/* ---- threads ---- */

enum { THREADS = 8 };

struct asker {
    struct match_cache *cache;
    struct source *source;
    unsigned char number;
    size_t found;
};

static void *ask_in_a_thread(void *argument)
{
    struct asker *asker = argument;
    asker->found = ask(asker->cache, asker->number, 1, asker->source);
    return NULL;
}

static void one_loads_and_the_others_wait_for_it(void **state)
{
    (void)state;
    struct match_cache *cache = match_cache_new(ROOMY);
    struct source source = {.version = 1, .subscriptions = 4, .takes_ms = 100};
    struct asker askers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        askers[i] = (struct asker){cache, &source, 1, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_in_a_thread, &askers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(askers[i].found, 4);
    }
    assert_int_equal(source.loads, 1);
    match_cache_free(cache);
}

static void *ask_for_many(void *argument)
{
    const struct asker *asker = argument;
    for (int i = 0; i < 2000; i++)
        ask(asker->cache, (unsigned char)(asker->number * i), 1 + (uint64_t)(i / 200), asker->source);
    return NULL;
}

static void many_threads_come_along_with_little_room(void **state)
{
    (void)state;
    struct match_cache *cache = match_cache_new(16 * 1024);
    struct source source = {.version = 10, .subscriptions = 20};
    struct asker askers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        askers[i] = (struct asker){cache, &source, (unsigned char)(i + 1), 0};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_for_many, &askers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    match_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_is_loaded_once_for_a_version),
        cmocka_unit_test(a_failed_load_is_the_callers_and_is_tried_again),
        cmocka_unit_test(a_view_that_is_held_outlives_its_place),
        cmocka_unit_test(what_is_too_large_is_known_to_be),
        cmocka_unit_test(those_asked_for_longest_ago_go_first),
        cmocka_unit_test(one_that_is_larger_than_all_room_is_still_handed_out),
        cmocka_unit_test(one_loads_and_the_others_wait_for_it),
        cmocka_unit_test(many_threads_come_along_with_little_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
