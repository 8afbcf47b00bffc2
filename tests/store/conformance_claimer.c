/* What a claimer is asked and told, and what haste may leave for later. */
#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct diary {
    struct object_id avoided; /* passed over */
    size_t count;             /* admitted of each */
    size_t asked;
    size_t admitted;
    size_t told; /* how often what was claimed was told */
    size_t claimed;
};

static bool avoid(void *context, const struct object_id *subscription_id)
{
    struct diary *diary = context;
    diary->asked++;
    return object_id_compare(&diary->avoided, subscription_id) == 0;
}

static struct admission admit(void *context, const struct subscription *subscription)
{
    struct diary *diary = context;
    assert_int_not_equal(object_id_compare(&diary->avoided, &subscription->id), 0);
    diary->admitted++;
    return (struct admission){diary->count, LEASE_MS};
}

static void take_note(void *context, size_t count)
{
    struct diary *diary = context;
    diary->told++;
    diary->claimed += count;
}

static void claim_with(struct fixture *fixture, struct diary *diary, bool is_hasty, struct claims *claims)
{
    const struct claimer claimer = {
        .context = diary, .is_hasty = is_hasty, .passes_over = avoid, .admit = admit, .claimed = take_note};
    assert_int_equal(
        store_claim(fixture->store, 5000, CLAIMS_MAX, &claimer, claims->items, &claims->count, &claims->next_due_ms),
        STATUS_OK);
}

static void what_is_passed_over_is_neither_claimed_nor_asked_about_further(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct diary diary = {.count = SIZE_MAX};
    diary.avoided = add_subscription(fixture, "s");
    struct object_id served = add_subscription(fixture, "t");
    publish_at(fixture, "A.B", 1000, NULL);
    claim_with(fixture, &diary, false, claims);
    assert_int_equal(claims->count, 1);
    assert_int_equal(object_id_compare(&claims->items[0].subscription_id, &served), 0);
    assert_int_equal(diary.asked, 2);
    diary.avoided = served;
    claim_with(fixture, &diary, false, claims);
    assert_int_equal(claims->count, 1);
    free(claims);
}

static void the_claimer_is_told_how_many_of_the_admitted_were_there(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct diary diary = {.count = 16};
    struct object_id events[20];
    add_subscription(fixture, "s");
    publish_many(fixture, "A.B", 1000, 20, events);
    claim_with(fixture, &diary, false, claims);
    assert_int_equal(diary.claimed, 16);
    claim_with(fixture, &diary, false, claims);
    assert_int_equal(diary.claimed, 20);
    assert_int_equal(diary.told, 2);
    assert_int_equal(diary.admitted, 2);
    free(claims);
}

/* More than are looked at in haste, each with deliveries that cannot start, and one that comes later. */
static void in_haste_new_work_is_found_at_once_and_old_work_in_time(void **state)
{
    enum { WAITING = 1100, DEADLINE_MS = 20000 };
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct diary diary = {.count = 0};
    char name[32];
    for (int i = 0; i < WAITING; i++) {
        (void)snprintf(name, sizeof name, "s%d", i);
        struct spec spec = {.name = name, .event = "A.Old"};
        assert_int_equal(try_subscription(fixture, &spec), STATUS_OK);
    }
    struct spec late = {.name = "late", .event = "A.New"};
    assert_int_equal(try_subscription(fixture, &late), STATUS_OK);
    publish_at(fixture, "A.Old", 1000, NULL);
    claim_with(fixture, &diary, false, claims);
    claim_with(fixture, &diary, false, claims);
    assert_int_equal(diary.admitted, 2 * WAITING);
    assert_true(claims->next_due_ms == INT64_MAX);
    diary = (struct diary){.count = 1};
    publish_at(fixture, "A.New", 1000, NULL);
    claim_with(fixture, &diary, true, claims);
    assert_true(claims->count > 0);
    bool is_found = false;
    for (size_t i = 0; i < claims->count; i++)
        is_found |= object_id_compare(&claims->items[i].subscription_id, &late.id) == 0;
    assert_true(is_found);
    assert_true(claims->next_due_ms < INT64_MAX); /* not everything was looked at */
    int64_t until_ms = clock_monotonic_ms() + DEADLINE_MS;
    while (diary.claimed < WAITING + 1 && clock_monotonic_ms() < until_ms)
        claim_with(fixture, &diary, true, claims);
    assert_int_equal(diary.claimed, WAITING + 1);
    free(claims);
}

int run_claimer_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(what_is_passed_over_is_neither_claimed_nor_asked_about_further),
        CONFORMANCE_TEST(the_claimer_is_told_how_many_of_the_admitted_were_there),
        CONFORMANCE_TEST(in_haste_new_work_is_found_at_once_and_old_work_in_time),
    };
    return cmocka_run_group_tests_name("claimers", tests, NULL, NULL);
}
