/* The strict JSON scan: the published suite of texts, spans, names, limits, and that json-c reads all it accepts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/encoding.h"
#include "base/json_scan.h"
#include "random_bits.h"

/* Files of JSONTestSuite that our rules decide otherwise than by their first letter: what the grammar leaves open, and
 * names that must be unique and clean in the outermost object. */
static const struct {
    const char *file;
    bool is_accepted;
} decided[] = {
    {"i_number_double_huge_neg_exp.json", true},
    {"i_number_huge_exp.json", true},
    {"i_number_neg_int_huge_exp.json", true},
    {"i_number_pos_double_huge_exp.json", true},
    {"i_number_real_neg_overflow.json", true},
    {"i_number_real_pos_overflow.json", true},
    {"i_number_real_underflow.json", true},
    {"i_number_too_big_neg_int.json", true},
    {"i_number_too_big_pos_int.json", true},
    {"i_number_very_big_negative_int.json", true},
    {"i_object_key_lone_2nd_surrogate.json", false},
    {"i_string_1st_surrogate_but_2nd_missing.json", true},
    {"i_string_1st_valid_surrogate_2nd_invalid.json", true},
    {"i_string_UTF-16LE_with_BOM.json", false},
    {"i_string_UTF-8_invalid_sequence.json", false},
    {"i_string_UTF8_surrogate_U+D800.json", false},
    {"i_string_incomplete_surrogate_and_escape_valid.json", true},
    {"i_string_incomplete_surrogate_pair.json", true},
    {"i_string_incomplete_surrogates_escape_valid.json", true},
    {"i_string_invalid_lonely_surrogate.json", true},
    {"i_string_invalid_surrogate.json", true},
    {"i_string_invalid_utf-8.json", false},
    {"i_string_inverted_surrogates_U+1D11E.json", true},
    {"i_string_iso_latin_1.json", false},
    {"i_string_lone_second_surrogate.json", true},
    {"i_string_lone_utf8_continuation_byte.json", false},
    {"i_string_not_in_unicode_range.json", false},
    {"i_string_overlong_sequence_2_bytes.json", false},
    {"i_string_overlong_sequence_6_bytes.json", false},
    {"i_string_overlong_sequence_6_bytes_null.json", false},
    {"i_string_truncated-utf-8.json", false},
    {"i_string_utf16BE_no_BOM.json", false},
    {"i_string_utf16LE_no_BOM.json", false},
    {"i_structure_500_nested_arrays.json", false},
    {"i_structure_UTF-8_BOM_empty_object.json", false},
    {"y_object_duplicated_key.json", false},
    {"y_object_duplicated_key_and_value.json", false},
    {"y_object_escaped_null_in_key.json", false},
};

static bool is_expected(const char *file)
{
    for (size_t i = 0; i < sizeof decided / sizeof decided[0]; i++) {
        if (strcmp(decided[i].file, file) == 0) {
            return decided[i].is_accepted;
        }
    }
    assert_true(file[0] == 'y' || file[0] == 'n');
    return file[0] == 'y';
}

static void suite_directory(char *out, size_t size)
{
    const char *top = getenv("srcdir");
    snprintf(out, size, "%s/tests/data/JSONTestSuite", top == NULL ? "." : top);
}

static void read_file(const char *directory, const char *name, struct buf *out)
{
    char path[4096];
    char chunk[4096];
    size_t length;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    while ((length = fread(chunk, 1, sizeof chunk, file)) > 0) {
        buf_append(out, chunk, length);
    }
    fclose(file);
}

static enum status scan_bytes(const char *text, size_t length, int max_depth, struct json_scan *out)
{
    const char *message = NULL;
    /* Without a NUL behind it, so that a sanitizer sees every read beyond the end. */
    char *exact = malloc(length > 0 ? length : 1);
    assert_non_null(exact);
    memcpy(exact, text, length);
    struct json_scan scan;
    enum status status = json_scan((struct slice){exact, length}, max_depth, &scan, &message);
    if (status == STATUS_OK) {
        for (size_t i = 0; i < scan.count; i++) {
            scan.spans[i].value.data = text + (scan.spans[i].value.data - exact);
        }
        *out = scan;
    } else {
        assert_non_null(message);
    }
    free(exact);
    return status;
}

static enum status scan_text(const char *text, struct json_scan *out)
{
    return scan_bytes(text, strlen(text), JSON_MAX_DEPTH, out);
}

static void assert_refused(const char *text, const char *reason)
{
    struct json_scan scan;
    const char *message = NULL;
    if (json_scan(slice_of(text), JSON_MAX_DEPTH, &scan, &message) != STATUS_INVALID) {
        fail_msg("%s is accepted", text);
    }
    if (strstr(message, reason) == NULL) {
        fail_msg("%s: %s", text, message);
    }
}

static void the_suite_is_decided_as_it_says(void **state)
{
    char path[2048];
    size_t count = 0;
    (void)state;
    suite_directory(path, sizeof path);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (strstr(entry->d_name, ".json") == NULL) {
            continue;
        }
        struct buf text = {0};
        struct json_scan scan;
        read_file(path, entry->d_name, &text);
        bool accepted = scan_bytes(buf_text(&text), text.length, JSON_MAX_DEPTH, &scan) == STATUS_OK;
        if (accepted != is_expected(entry->d_name)) {
            fail_msg("%s is %s", entry->d_name, accepted ? "accepted" : "refused");
        }
        if (accepted) {
            json_scan_clear(&scan);
        }
        buf_clear(&text);
        count++;
    }
    closedir(directory);
    assert_int_equal(count, 318);
}

static void members_are_spans_of_their_bytes(void **state)
{
    (void)state;
    struct json_scan scan;
    assert_int_equal(
        scan_text(" { \"a\" : 1.50 ,\"b\\u00e9\\n\":{ \"x\" : [ ] } , \"c\":\"q\\\"\", \"\":null,\"t\":true,"
                  "\"f\":false , \"l\":[1 ,2]\n} ",
                  &scan),
        STATUS_OK);
    static const struct {
        const char *name;
        const char *value;
        enum json_kind kind;
    } rows[] = {
        {"a", "1.50", JSON_NUMBER},      {"b\xc3\xa9\n", "{ \"x\" : [ ] }", JSON_OBJECT},
        {"c", "\"q\\\"\"", JSON_STRING}, {"", "null", JSON_NULL},
        {"t", "true", JSON_TRUE},        {"f", "false", JSON_FALSE},
        {"l", "[1 ,2]", JSON_ARRAY},
    };
    assert_int_equal(scan.kind, JSON_OBJECT);
    assert_int_equal(scan.count, sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < scan.count; i++) {
        assert_string_equal(buf_text(&scan.spans[i].name), rows[i].name);
        assert_true(slice_equals(scan.spans[i].value, rows[i].value));
        assert_int_equal(scan.spans[i].kind, rows[i].kind);
        assert_false(scan.spans[i].is_unclean);
    }
    assert_ptr_equal(json_scan_find(&scan, "c"), &scan.spans[2]);
    assert_ptr_equal(json_scan_find(&scan, ""), &scan.spans[3]);
    assert_null(json_scan_find(&scan, "x"));
    json_scan_clear(&scan);
    assert_int_equal(scan.count, 0);
    json_scan_clear(&scan);
}

static void elements_are_spans_of_their_bytes(void **state)
{
    (void)state;
    struct json_scan scan;
    assert_int_equal(scan_text("[ {\"a\":[]} ,[[1]], -0.1e+7 , \"\" ]", &scan), STATUS_OK);
    static const char *const values[] = {"{\"a\":[]}", "[[1]]", "-0.1e+7", "\"\""};
    assert_int_equal(scan.kind, JSON_ARRAY);
    assert_int_equal(scan.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(slice_equals(scan.spans[i].value, values[i]));
        assert_int_equal(scan.spans[i].name.length, 0);
    }
    json_scan_clear(&scan);
}

static void the_values_of_a_span_are_counted_at_any_depth(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":1,\"b\":[],\"c\":[1,{\"d\":[2,\"3\"],\"e\":null}],\"f\":true}";
    static const size_t counts[] = {1, 1, 7, 1};
    struct json_scan scan;
    assert_int_equal(scan_bytes(text, sizeof text - 1, JSON_MAX_DEPTH, &scan), STATUS_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(scan.spans[i].value_count, counts[i]);
    json_scan_clear(&scan);
    assert_int_equal(scan_bytes("[[1,2],3]", 9, JSON_MAX_DEPTH, &scan), STATUS_OK);
    assert_int_equal(scan.spans[0].value_count, 3);
    assert_int_equal(scan.spans[1].value_count, 1);
    json_scan_clear(&scan);
}

static void a_scalar_alone_has_no_spans(void **state)
{
    static const struct {
        const char *text;
        enum json_kind kind;
    } rows[] = {{"0", JSON_NUMBER},     {" true\n", JSON_TRUE}, {"false", JSON_FALSE}, {"null\t", JSON_NULL},
                {"\"x\"", JSON_STRING}, {"{}", JSON_OBJECT},    {"[ ]", JSON_ARRAY}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_scan scan;
        assert_int_equal(scan_text(rows[i].text, &scan), STATUS_OK);
        assert_int_equal(scan.kind, rows[i].kind);
        assert_int_equal(scan.count, 0);
        assert_false(scan.is_unclean);
        json_scan_clear(&scan);
    }
}

static void what_is_no_json_gets_a_reason(void **state)
{
    (void)state;
    assert_refused("", "empty");
    assert_refused(" \n", "ends too early");
    assert_refused("{\"a\":", "ends too early");
    assert_refused("[1,]", "a value is expected");
    assert_refused("{\"a\":1,}", "name in double quotes");
    assert_refused("{'a':1}", "name in double quotes");
    assert_refused("{\"a\" 1}", "':'");
    assert_refused("[1 2]", "','");
    assert_refused("[1}", "','");
    assert_refused("{} {}", "behind its end");
    assert_refused("1\f", "behind its end");
    assert_refused("\xef\xbb\xbf{}", "value is expected");
    assert_refused("01", "behind its end");
    assert_refused("1.", "number");
    assert_refused("-", "number");
    assert_refused("1e+", "number");
    assert_refused("nul", "word");
    assert_refused("NaN", "value is expected");
    assert_refused("\"a", "does not end");
    assert_refused("\"\\", "escape");
    assert_refused("\"\\x41\"", "escape");
    assert_refused("\"\\u12G4\"", "four hex digits");
    assert_refused("\"\t\"", "control characters");
    assert_refused("\"\xff\"", "UTF-8");
    assert_refused("\"\xc0\x80\"", "UTF-8");
    assert_refused("\"\xed\xa0\x80\"", "UTF-8");
    assert_refused("\"\xf4\x90\x80\x80\"", "UTF-8");
    assert_refused("{\"a\":1,\"b\":2,\"a\":3}", "twice");
}

static void names_are_compared_unescaped(void **state)
{
    (void)state;
    assert_refused("{\"name\":1,\"n\\u0061me\":2}", "twice");
    assert_refused("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", "twice");
    assert_refused("{\"\\/\":1,\"/\":2}", "twice");
    assert_refused("{\"\":1,\"\":2}", "twice");
    struct json_scan scan;
    assert_int_equal(scan_text("{\"a\":{\"b\":1,\"b\":2},\"A\":[{\"c\":1,\"c\":1}],\"aa\":0}", &scan), STATUS_OK);
    json_scan_clear(&scan);
}

static void unclean_names_of_the_outermost_object_are_refused(void **state)
{
    (void)state;
    assert_refused("{\"a\\u0000b\":1}", "U+0000");
    assert_refused("{\"\\ud800\":1}", "surrogate");
    assert_refused("{\"\\udc00\\ud800\":1}", "surrogate");
}

static void unclean_strings_are_marked_where_they_stand(void **state)
{
    (void)state;
    struct json_scan scan;
    assert_int_equal(
        scan_text("{\"a\":\"\\u0000\",\"b\":[[\"\\ud800\"]],\"c\":{\"\\udfff\":1},\"d\":\"\\ud83d\\ude00\","
                  "\"e\":\"\\ud800\\u0041\",\"f\":\"\\ud800\\ud800\\udc00\",\"g\":\"\\\\u0000\"}",
                  &scan),
        STATUS_OK);
    static const bool unclean[] = {true, true, true, false, true, true, false};
    assert_int_equal(scan.count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(scan.spans[i].is_unclean, unclean[i]);
    }
    assert_false(scan.is_unclean);
    json_scan_clear(&scan);
    assert_int_equal(scan_text("\"\\u0000\"", &scan), STATUS_OK);
    assert_true(scan.is_unclean);
    json_scan_clear(&scan);
}

static enum status scan_nested(int depth, int max_depth)
{
    struct buf text = {0};
    struct json_scan scan;
    for (int i = 0; i < depth; i++) {
        buf_append_text(&text, i % 2 == 0 ? "[" : "{\"a\":");
    }
    buf_append_text(&text, "1");
    for (int i = depth - 1; i >= 0; i--) {
        buf_append_text(&text, i % 2 == 0 ? "]" : "}");
    }
    enum status status = scan_bytes(buf_text(&text), text.length, max_depth, &scan);
    if (status == STATUS_OK) {
        json_scan_clear(&scan);
    }
    buf_clear(&text);
    return status;
}

static void depth_is_counted_by_containers(void **state)
{
    (void)state;
    assert_int_equal(scan_nested(0, 1), STATUS_OK);
    assert_int_equal(scan_nested(1, 1), STATUS_OK);
    assert_int_equal(scan_nested(2, 1), STATUS_INVALID);
    assert_int_equal(scan_nested(32, JSON_MAX_DEPTH), STATUS_OK);
    assert_int_equal(scan_nested(33, JSON_MAX_DEPTH), STATUS_INVALID);
    assert_int_equal(scan_nested(64, JSON_DEPTH_LIMIT), STATUS_OK);
    assert_int_equal(scan_nested(65, JSON_DEPTH_LIMIT), STATUS_INVALID);
    assert_int_equal(scan_nested(200000, JSON_DEPTH_LIMIT), STATUS_INVALID);
    assert_refused("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "deeper than 32 levels");
}

static void many_members_are_compared_quickly(void **state)
{
    (void)state;
    struct buf text = {0};
    struct json_scan scan;
    for (int i = 0; i < 60000; i++) {
        buf_printf(&text, "%s\"k%d\":0", i == 0 ? "{" : ",", i);
    }
    size_t unique = text.length;
    buf_append_text(&text, "}");
    assert_int_equal(scan_bytes(buf_text(&text), text.length, 1, &scan), STATUS_OK);
    assert_int_equal(scan.count, 60000);
    json_scan_clear(&scan);
    text.length = unique;
    buf_append_text(&text, ",\"k0\":0}");
    assert_int_equal(scan_bytes(buf_text(&text), text.length, 1, &scan), STATUS_INVALID);
    buf_clear(&text);
}

static void members_are_bounded(void **state)
{
    (void)state;
    struct buf text = {0};
    struct json_scan scan;
    buf_append_text(&text, "[1");
    for (int i = 1; i < JSON_MAX_MEMBERS; i++) {
        buf_append_text(&text, ",1");
    }
    size_t most = text.length;
    buf_append_text(&text, "]");
    assert_int_equal(scan_bytes(buf_text(&text), text.length, 1, &scan), STATUS_OK);
    json_scan_clear(&scan);
    text.length = most;
    buf_append_text(&text, ",1]");
    assert_int_equal(scan_bytes(buf_text(&text), text.length, 1, &scan), STATUS_INVALID);
    buf_clear(&text);
}

static bool json_c_reads(const char *text, size_t length)
{
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_LIMIT + 2);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *object = json_tokener_parse_ex(tokener, text, (int)length + 1);
    bool is_read = json_tokener_get_error(tokener) == json_tokener_success;
    json_object_put(object);
    json_tokener_free(tokener);
    return is_read;
}

static void random_token(uint32_t *seed, struct buf *out)
{
    static const char *const tokens[] = {
        "{",  "}",    "[",       "]",   ",",    ":",    "\"a\"", "\"b\"", "\"\\u00e9\"", "\"\xc3\xa9\"",
        "1",  "-0.5", "1e9",     "0",   "true", "null", " ",     "\n",    "\"\\ud800\"", "\"",
        "\\", "\xff", "{\"k\":", "[1,", "},",   "]}",   "[]",    "{}",    ",\"z\":",     "false"};
    buf_append_text(out, tokens[next_random(seed) % (sizeof tokens / sizeof tokens[0])]);
}

/* A text of the grammar, so that enough of what is compared is accepted. */
static void random_value(uint32_t *seed, int depth, struct buf *out)
{
    static const char *const scalars[] = {"1", "-2.5E-3", "\"x\\n\"", "true", "null", "\"\\ud83d\\ude00\"", "0"};
    uint32_t choice = next_random(seed) % 4;
    if (depth == 0 || choice < 2) {
        buf_append_text(out, scalars[next_random(seed) % (sizeof scalars / sizeof scalars[0])]);
        return;
    }
    uint32_t count = next_random(seed) % 4;
    buf_append_text(out, choice == 2 ? "[" : "{ ");
    for (uint32_t i = 0; i < count; i++) {
        buf_append_text(out, i == 0 ? "" : " ,");
        if (choice == 3) {
            buf_printf(out, "\"m%u\": ", i);
        }
        random_value(seed, depth - 1, out);
    }
    buf_append_text(out, choice == 2 ? " ]" : "}");
}

static void damage(uint32_t *seed, struct buf *text)
{
    if (text->length > 0 && next_random(seed) % 2 == 0) {
        text->data[next_random(seed) % text->length] = (char)next_random(seed);
    }
}

static void json_c_reads_whatever_is_accepted(void **state)
{
    uint32_t seed = 362436069u;
    unsigned accepted = 0;
    (void)state;
    for (int i = 0; i < 40000; i++) {
        struct buf text = {0};
        struct json_scan scan;
        if (i % 2 == 0) {
            for (uint32_t count = next_random(&seed) % 12; count > 0; count--) {
                random_token(&seed, &text);
            }
        } else {
            random_value(&seed, 5, &text);
        }
        damage(&seed, &text);
        if (scan_bytes(buf_text(&text), text.length, JSON_DEPTH_LIMIT, &scan) == STATUS_OK) {
            accepted++;
            if (!json_c_reads(buf_text(&text), text.length)) {
                fail_msg("json-c refuses %s", buf_text(&text));
            }
            json_scan_clear(&scan);
        }
        buf_clear(&text);
    }
    assert_true(accepted > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_suite_is_decided_as_it_says),
        cmocka_unit_test(members_are_spans_of_their_bytes),
        cmocka_unit_test(elements_are_spans_of_their_bytes),
        cmocka_unit_test(the_values_of_a_span_are_counted_at_any_depth),
        cmocka_unit_test(a_scalar_alone_has_no_spans),
        cmocka_unit_test(what_is_no_json_gets_a_reason),
        cmocka_unit_test(names_are_compared_unescaped),
        cmocka_unit_test(unclean_names_of_the_outermost_object_are_refused),
        cmocka_unit_test(unclean_strings_are_marked_where_they_stand),
        cmocka_unit_test(depth_is_counted_by_containers),
        cmocka_unit_test(many_members_are_compared_quickly),
        cmocka_unit_test(members_are_bounded),
        cmocka_unit_test(json_c_reads_whatever_is_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
