/* Object ids and UUIDs. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "base/id.h"

static void object_ids_go_round_as_24_digits(void **state)
{
    (void)state;
    struct object_id id, again;
    char text[OBJECT_ID_TEXT];
    object_id_make(INT64_C(0x0123456789ab), &id);
    object_id_format(&id, text);
    assert_int_equal(strlen(text), 24);
    assert_memory_equal(text, "0123456789ab", 12);
    assert_int_equal(object_id_parse(text, &again), STATUS_OK);
    assert_int_equal(object_id_compare(&id, &again), 0);
}

static void what_is_no_object_id_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "0123456789abcdef0123456",
                                        "0123456789abcdef012345678",
                                        "0123456789ABCDEF01234567",
                                        "0123456789abcdef0123456g",
                                        "0123456789abcdef0123456 "};
    struct object_id id;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(object_id_parse(wrong[i], &id), STATUS_INVALID);
}

static void later_ids_sort_behind_earlier_ones(void **state)
{
    (void)state;
    struct object_id early, late;
    object_id_make(1000, &early);
    object_id_make(1001, &late);
    assert_true(object_id_compare(&early, &late) < 0);
}

static void ids_of_a_lane_carry_lane_and_time(void **state)
{
    (void)state;
    struct object_id id;
    object_id_make_lane(15, INT64_C(0x0123456789ab), &id);
    assert_memory_equal(id.bytes, "\x0f\x01\x23\x45\x67\x89\xab", 7);
    struct object_id other;
    object_id_make_lane(15, INT64_C(0x0123456789ab), &other);
    assert_int_not_equal(object_id_compare(&id, &other), 0);
}

static void ids_made_one_after_another_sort_so_within_a_millisecond_whatever_their_lanes(void **state)
{
    (void)state;
    struct object_id before = {{0}}, id;
    int64_t now_ms = clock_now_ms();
    for (unsigned lane = OBJECT_ID_LANES; lane-- > 0;) {
        int64_t now_us = clock_now_us();
        while (clock_now_us() == now_us)
            continue;
        object_id_make_lane(lane, now_ms, &id);
        assert_int_equal(object_id_lane_time_ms(&id), now_ms);
        id.bytes[8] &= 0xc0; /* the rest is random */
        assert_true(memcmp(before.bytes + 1, id.bytes + 1, 8) <= 0);
        before = id;
    }
    object_id_make_lane(0, now_ms - 5, &id);
    assert_int_equal(id.bytes[7], 0xff); /* its millisecond is over */
    object_id_make_lane(0, now_ms + 1000000, &id);
    assert_int_equal(id.bytes[7], 0); /* it has not begun */
}

static void incrementing_carries(void **state)
{
    (void)state;
    struct object_id id;
    assert_int_equal(object_id_parse("0000000000000000000000ff", &id), STATUS_OK);
    object_id_increment(&id);
    char text[OBJECT_ID_TEXT];
    object_id_format(&id, text);
    assert_string_equal(text, "000000000000000000000100");
}

/* Time first, then what makes ids of one millisecond different, then the lane. */
static void ids_of_all_lanes_have_one_order_by_time(void **state)
{
    (void)state;
    static const char *const in_order[] = {
        "0f0000000003e80000000001", "010000000003e80000000002", "020000000003e80000000002",
        "0e0000000003e80000000003", "000000000003e90000000000", "0a0000000100000000000000",
    };
    enum { COUNT = sizeof in_order / sizeof in_order[0] };
    struct object_id ids[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(object_id_parse(in_order[i], &ids[i]), STATUS_OK);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t j = 0; j < COUNT; j++) {
            int order = object_id_compare_time(&ids[i], &ids[j]);
            assert_true(i < j ? order < 0 : i > j ? order > 0 : order == 0);
        }
    assert_int_equal(object_id_lane_time_ms(&ids[0]), 1000);
    assert_int_equal(object_id_lane_time_ms(&ids[5]), 0x10000);
}

static void uuids_go_round_in_either_case(void **state)
{
    (void)state;
    struct uuid uuid;
    char text[UUID_TEXT];
    assert_int_equal(uuid_parse("F81D4FAE-7dec-11D0-A765-00a0c91e6bf6", &uuid), STATUS_OK);
    uuid_format(&uuid, text);
    assert_string_equal(text, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
}

static void what_is_no_uuid_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "f81d4fae7dec11d0a76500a0c91e6bf6",
                                        "f81d4fae-7dec-11d0-a765-00a0c91e6bf",
                                        "f81d4fae-7dec-11d0-a765-00a0c91e6bf66",
                                        "f81d4fae-7dec-11d0-a765-00a0c91e6bg6",
                                        "f81d4fae-7dec-11d0-a76-500a0c91e6bf6",
                                        "{81d4fae-7dec-11d0-a765-00a0c91e6bf}"};
    struct uuid uuid;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(uuid_parse(wrong[i], &uuid), STATUS_INVALID);
}

static void made_uuids_are_version_4(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct uuid uuid;
        char text[UUID_TEXT];
        uuid_make(&uuid);
        uuid_format(&uuid, text);
        assert_int_equal(text[14], '4');
        assert_non_null(strchr("89ab", text[19]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(object_ids_go_round_as_24_digits),
        cmocka_unit_test(what_is_no_object_id_is_refused),
        cmocka_unit_test(later_ids_sort_behind_earlier_ones),
        cmocka_unit_test(ids_of_a_lane_carry_lane_and_time),
        cmocka_unit_test(ids_made_one_after_another_sort_so_within_a_millisecond_whatever_their_lanes),
        cmocka_unit_test(incrementing_carries),
        cmocka_unit_test(ids_of_all_lanes_have_one_order_by_time),
        cmocka_unit_test(uuids_go_round_in_either_case),
        cmocka_unit_test(what_is_no_uuid_is_refused),
        cmocka_unit_test(made_uuids_are_version_4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
