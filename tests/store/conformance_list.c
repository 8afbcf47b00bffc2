/* Listing subscriptions: order, pages, and what comes and goes between two pages. */
#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED_MAX = 200, FAILED = 100 /* what run_children refuses */ };

struct listed {
    struct object_id ids[LISTED_MAX];
    size_t count;
    size_t stop_at; /* 0: never */
};

static bool note(void *context, const struct subscription *subscription)
{
    struct listed *listed = context;
    assert_false(subscription->is_deleted);
    assert_true(listed->count < LISTED_MAX);
    listed->ids[listed->count++] = subscription->id;
    return listed->count != listed->stop_at;
}

/* One page from behind what is listed already. */
static bool list_page(struct fixture *fixture, size_t max, struct listed *listed)
{
    bool has_more;
    struct object_id after = {{0}};
    if (listed->count > 0)
        after = listed->ids[listed->count - 1];
    assert_int_equal(store_subscription_list(fixture->store, &fixture->org, &after, max, note, listed, &has_more),
                     STATUS_OK);
    return has_more;
}

static void add_some(struct fixture *fixture, const char *prefix, size_t count, struct object_id *ids)
{
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s%zu", prefix, i);
        ids[i] = add_subscription(fixture, name);
    }
}

static void assert_listed(const struct listed *listed, const struct object_id *ids, size_t count)
{
    assert_int_equal(listed->count, count);
    assert_memory_equal(listed->ids, ids, count * sizeof *ids);
}

static void an_empty_organization_lists_nothing(void **state)
{
    struct listed listed = {.count = 0};
    assert_false(list_page(*state, 10, &listed));
    assert_int_equal(listed.count, 0);
}

static void they_come_oldest_first_and_the_last_page_says_so(void **state)
{
    struct fixture *fixture = *state;
    struct object_id ids[8];
    struct listed listed = {.count = 0};
    add_some(fixture, "s", 8, ids);
    assert_true(list_page(fixture, 3, &listed));
    assert_listed(&listed, ids, 3);
    assert_true(list_page(fixture, 3, &listed));
    assert_listed(&listed, ids, 6);
    assert_false(list_page(fixture, 2, &listed));
    assert_listed(&listed, ids, 8);
    assert_false(list_page(fixture, 1, &listed));
    assert_listed(&listed, ids, 8);
}

static void another_organizations_are_not_listed(void **state)
{
    struct fixture *fixture = *state;
    struct object_id ids[2];
    struct uuid before = {{0}};
    struct uuid behind;
    struct uuid own = fixture->org;
    struct listed listed = {.count = 0};
    memset(&behind, 0xff, sizeof behind);
    add_some(fixture, "s", 2, ids);
    fixture->org = before;
    add_subscription(fixture, "before");
    fixture->org = behind;
    add_subscription(fixture, "behind");
    fixture->org = own;
    assert_false(list_page(fixture, 10, &listed));
    assert_listed(&listed, ids, 2);
}

static void deleted_ones_are_passed_over(void **state)
{
    struct fixture *fixture = *state;
    struct object_id ids[6];
    struct listed listed = {.count = 0};
    add_some(fixture, "s", 6, ids);
    change_subscription(fixture, &ids[0], apply_delete);
    change_subscription(fixture, &ids[3], apply_delete);
    change_subscription(fixture, &ids[5], apply_delete);
    assert_false(list_page(fixture, 3, &listed));
    assert_listed(&listed, (struct object_id[]){ids[1], ids[2], ids[4]}, 3);
}

static void a_visitor_may_end_the_list(void **state)
{
    struct fixture *fixture = *state;
    struct object_id ids[3];
    struct listed listed = {.stop_at = 2};
    add_some(fixture, "s", 3, ids);
    assert_true(list_page(fixture, 10, &listed));
    assert_listed(&listed, ids, 2);
    listed.stop_at = 3;
    assert_false(list_page(fixture, 10, &listed));
    assert_listed(&listed, ids, 3);
}

static void what_goes_between_two_pages_moves_nobody(void **state)
{
    struct fixture *fixture = *state;
    struct object_id ids[8];
    struct object_id later;
    struct listed listed = {.count = 0};
    add_some(fixture, "s", 7, ids);
    assert_true(list_page(fixture, 3, &listed));
    change_subscription(fixture, &ids[2], apply_delete); /* the last one that was listed */
    change_subscription(fixture, &ids[3], apply_delete); /* the next one */
    add_some(fixture, "later", 1, &later);
    assert_false(list_page(fixture, 10, &listed));
    assert_listed(&listed, (struct object_id[]){ids[0], ids[1], ids[2], ids[4], ids[5], ids[6], later}, 7);
}

/* ---- several processes ---- */

enum { STAYING = 30, ROUNDS = 20 };

static struct object_id staying[STAYING]; /* made before the children are */

static int come_and_go(struct fixture *fixture, int index)
{
    for (int i = 0; i < ROUNDS; i++) {
        char name[32];
        snprintf(name, sizeof name, "guest %d %d", index, i);
        struct object_id id = add_subscription(fixture, name);
        change_subscription(fixture, &id, apply_delete);
    }
    return 0;
}

/* Each of those that stay is there once, in order. */
static bool has_all_that_stay(const struct listed *listed)
{
    size_t next = 0;
    for (size_t i = 0; i < listed->count; i++)
        if (next < STAYING && object_id_compare(&listed->ids[i], &staying[next]) == 0)
            next++;
    for (size_t i = 1; i < listed->count; i++)
        if (object_id_compare(&listed->ids[i - 1], &listed->ids[i]) >= 0)
            return false;
    return next == STAYING;
}

static int list_again_and_again(struct fixture *fixture)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct listed listed = {.count = 0};
        while (list_page(fixture, 7, &listed))
            ;
        if (!has_all_that_stay(&listed))
            return FAILED;
    }
    return 1;
}

static int list_or_come_and_go(struct fixture *fixture, int index)
{
    return index == 0 ? list_again_and_again(fixture) : come_and_go(fixture, index);
}

static void who_stays_is_listed_once_while_others_come_and_go(void **state)
{
    add_some(*state, "staying", STAYING, staying);
    assert_int_equal(run_children(*state, 3, list_or_come_and_go), 1);
}

int run_list_tests(void)
{
    const struct CMUnitTest tests[] = {
        SHARING_TEST(an_empty_organization_lists_nothing),
        SHARING_TEST(they_come_oldest_first_and_the_last_page_says_so),
        SHARING_TEST(another_organizations_are_not_listed),
        SHARING_TEST(deleted_ones_are_passed_over),
        SHARING_TEST(a_visitor_may_end_the_list),
        SHARING_TEST(what_goes_between_two_pages_moves_nobody),
        SHARING_TEST(who_stays_is_listed_once_while_others_come_and_go),
    };
    return cmocka_run_group_tests_name("listing", tests, fixture_make, fixture_remove);
}
