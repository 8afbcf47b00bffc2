/* A batch of events: every mistake in it has its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "api/input_event.h"

/* The names of all offending members in order, separated by spaces; the message where there are none to name. */
static void check(const char *body, const char *expected)
{
    struct event_inputs inputs;
    struct field_errors errors = {0};
    struct buf names = {0};
    const char *message = event_input_read_batch(slice_of(body), &inputs, &errors);
    for (size_t i = 0; i < errors.count; i++)
        buf_printf(&names, "%s%s", i > 0 ? " " : "", errors.items[i].field);
    if (message != NULL && errors.count == 0)
        buf_append_text(&names, message);
    assert_string_equal(buf_text(&names), expected);
    buf_clear(&names);
    field_errors_clear(&errors);
    event_inputs_clear(&inputs);
}

#define FINE "{\"event_name\":\"A.B\",\"payload\":{}}"

static void a_batch_keeps_its_order_and_its_payloads_bytes(void **state)
{
    (void)state;
    struct event_inputs inputs;
    struct field_errors errors = {0};
    assert_null(event_input_read_batch(
        slice_of("[ {\"event_name\":\"A.B\",\"payload\": { \"x\" : 1.0 } } ,{\"payload\":{},\"event_name\":\"C.D\"} ]"),
        &inputs, &errors));
    assert_int_equal(inputs.count, 2);
    assert_string_equal(inputs.items[0].event_name, "A.B");
    assert_true(slice_equals(inputs.items[0].payload, "{ \"x\" : 1.0 }"));
    assert_string_equal(inputs.items[1].event_name, "C.D");
    event_inputs_clear(&inputs);
}

static void every_mistake_is_named_by_its_index_and_member(void **state)
{
    (void)state;
    check("[" FINE "]", "");
    check("[" FINE ",{}," FINE ",{\"event_name\":\"Webhook.Test\",\"payload\":[],\"trace_id\":\"\"}]",
          "1.event_name 1.payload 3.event_name 3.payload 3.trace_id");
    check("[null,1,\"x\",[]," FINE "]", "0 1 2 3");
}

static void a_member_that_stands_twice_is_its_events_mistake(void **state)
{
    (void)state;
    check("[" FINE ",{\"event_name\":\"A.B\",\"payload\":{},\"event_name\":\"A.B\"},{}]", "1 2.event_name 2.payload");
    check("[{\"event_name\":\"A.B\",\"payload\":{\"a\":1,\"a\":2}}]", "");
}

static void a_batch_is_an_array_of_1_to_1000(void **state)
{
    (void)state;
    static const char message[] = "the body must be an array of 1 to 1000 events";
    check("[]", message);
    check("{}", message);
    check(FINE, message);
    check("null", message);
    struct buf body = {0};
    buf_append_text(&body, "[" FINE);
    for (int i = 1; i < 1000; i++)
        buf_append_text(&body, "," FINE);
    buf_append_text(&body, "]");
    check(buf_text(&body), "");
    body.length--;
    buf_append_text(&body, "," FINE "]");
    check(buf_text(&body), message);
    buf_clear(&body);
}

static void the_array_is_the_first_level(void **state)
{
    (void)state;
    for (int levels = 30; levels <= 31; levels++) { /* beside the array's and the event's */
        struct buf body = {0};
        buf_append_text(&body, "[{\"event_name\":\"A.B\",\"payload\":");
        for (int i = 0; i < levels; i++)
            buf_append_text(&body, i == 0 ? "{\"a\":" : "[");
        buf_append_text(&body, "1");
        for (int i = levels; i > 0; i--)
            buf_append_text(&body, i == 1 ? "}" : "]");
        buf_append_text(&body, "}]");
        check(buf_text(&body), levels == 30 ? "" : "the JSON is nested deeper than 32 levels");
        buf_clear(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_keeps_its_order_and_its_payloads_bytes),
        cmocka_unit_test(every_mistake_is_named_by_its_index_and_member),
        cmocka_unit_test(a_member_that_stands_twice_is_its_events_mistake),
        cmocka_unit_test(a_batch_is_an_array_of_1_to_1000),
        cmocka_unit_test(the_array_is_the_first_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
