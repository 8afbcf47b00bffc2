/* The strict scan that stands before every other use of a JSON text. One loop of small steps: each reads one token and
 * says what may follow it. The kinds of the open containers are bits of one number, so depth costs no stack. */
#include "base/json_scan.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json_text.h"
#include "base/mem.h"

enum expected { A_VALUE, A_VALUE_OR_END, A_NAME, A_NAME_OR_END, A_COMMA_OR_END, NOTHING };

struct scanner {
    struct json_cursor cursor;
    enum expected expected;
    int depth;
    int max_depth;
    uint64_t objects; /* the lowest bit: the innermost open container is an object */
    struct json_scan *out;
    size_t capacity; /* of out->spans */
};

static bool is_in_object(const struct scanner *scanner)
{
    return (scanner->objects & 1) != 0;
}

static struct json_span *current_span(const struct scanner *scanner)
{
    return &scanner->out->spans[scanner->out->count - 1];
}

static bool begin_span(struct scanner *scanner)
{
    struct json_scan *out = scanner->out;
    if (out->count == JSON_MAX_MEMBERS) {
        return json_refuse(&scanner->cursor, "the JSON has more than 65536 members at its top level");
    }
    if (out->count == scanner->capacity) {
        scanner->capacity = scanner->capacity == 0 ? 16 : scanner->capacity * 2;
        out->spans = mem_realloc(out->spans, scanner->capacity, sizeof *out->spans);
    }
    out->spans[out->count++] = (struct json_span){0};
    return true;
}

/* Notes where a value starts and what it is: the outermost one, or one directly in it. */
static bool begin_value(struct scanner *scanner, enum json_kind kind)
{
    if (scanner->depth == 0) {
        scanner->out->kind = kind;
    } else if (scanner->depth == 1) {
        if (!is_in_object(scanner) && !begin_span(scanner)) {
            return false;
        }
        current_span(scanner)->kind = kind;
        current_span(scanner)->value.data = scanner->cursor.at;
    }
    if (scanner->depth > 0) {
        current_span(scanner)->value_count++;
    }
    return true;
}

static bool end_value(struct scanner *scanner)
{
    if (scanner->depth == 1) {
        struct slice *value = &current_span(scanner)->value;
        value->length = (size_t)(scanner->cursor.at - value->data);
    }
    scanner->expected = scanner->depth == 0 ? NOTHING : A_COMMA_OR_END;
    return true;
}

static bool open_container(struct scanner *scanner, enum json_kind kind)
{
    if (scanner->depth == scanner->max_depth) {
        return json_refuse(&scanner->cursor, scanner->max_depth == JSON_MAX_DEPTH
                                                 ? "the JSON is nested deeper than 32 levels"
                                                 : "the JSON is nested too deeply");
    }
    scanner->cursor.at++;
    scanner->depth++;
    scanner->objects = scanner->objects << 1 | (kind == JSON_OBJECT ? 1U : 0U);
    scanner->expected = kind == JSON_OBJECT ? A_NAME_OR_END : A_VALUE_OR_END;
    return true;
}

static bool close_container(struct scanner *scanner)
{
    scanner->cursor.at++;
    scanner->depth--;
    scanner->objects >>= 1;
    return end_value(scanner);
}

static bool is_at_close(const struct scanner *scanner)
{
    return json_peek(&scanner->cursor) == (is_in_object(scanner) ? '}' : ']');
}

static bool *unclean_flag(struct scanner *scanner)
{
    return scanner->depth == 0 ? &scanner->out->is_unclean : &current_span(scanner)->is_unclean;
}

/* Which value a first byte announces; -1: none. */
static int kind_of(char first)
{
    static const char firsts[] = "{[\"-0123456789tfn";
    static const enum json_kind kinds[] = {
        JSON_OBJECT, JSON_ARRAY,  JSON_STRING, JSON_NUMBER, JSON_NUMBER, JSON_NUMBER,
        JSON_NUMBER, JSON_NUMBER, JSON_NUMBER, JSON_NUMBER, JSON_NUMBER, JSON_NUMBER,
        JSON_NUMBER, JSON_NUMBER, JSON_TRUE,   JSON_FALSE,  JSON_NULL,
    };
    const char *found = first == '\0' ? NULL : strchr(firsts, first);
    return found == NULL ? -1 : (int)kinds[found - firsts];
}

static bool read_scalar(struct scanner *scanner, enum json_kind kind)
{
    struct json_cursor *cursor = &scanner->cursor;
    switch (kind) {
    case JSON_STRING:
        return json_read_string(cursor, NULL, unclean_flag(scanner));
    case JSON_NUMBER:
        return json_read_number(cursor);
    case JSON_TRUE:
        return json_read_word(cursor, "true");
    case JSON_FALSE:
        return json_read_word(cursor, "false");
    default:
        return json_read_word(cursor, "null");
    }
}

static bool read_value(struct scanner *scanner)
{
    int kind = kind_of(json_peek(&scanner->cursor));
    if (kind < 0) {
        return json_refuse(&scanner->cursor, scanner->cursor.at == scanner->cursor.end
                                                 ? "the JSON is not valid: it ends too early"
                                                 : "the JSON is not valid: a value is expected");
    }
    if (!begin_value(scanner, (enum json_kind)kind)) {
        return false;
    }
    if (kind == JSON_OBJECT || kind == JSON_ARRAY) {
        return open_container(scanner, (enum json_kind)kind);
    }
    return read_scalar(scanner, (enum json_kind)kind) && end_value(scanner);
}

static bool read_value_or_end(struct scanner *scanner)
{
    return is_at_close(scanner) ? close_container(scanner) : read_value(scanner);
}

/* The outermost object's names are kept; deeper ones only matter for what is unclean. */
static bool read_name_text(struct scanner *scanner)
{
    if (scanner->depth > 1) {
        return json_read_string(&scanner->cursor, NULL, unclean_flag(scanner));
    }
    bool is_unclean = false;
    if (!begin_span(scanner) || !json_read_string(&scanner->cursor, &current_span(scanner)->name, &is_unclean)) {
        return false;
    }
    return !is_unclean || json_refuse(&scanner->cursor, "a member name holds U+0000 or a lone surrogate");
}

static bool read_name(struct scanner *scanner)
{
    if (json_peek(&scanner->cursor) != '"') {
        return json_refuse(&scanner->cursor, "the JSON is not valid: a member name in double quotes is expected");
    }
    if (!read_name_text(scanner)) {
        return false;
    }
    json_skip_space(&scanner->cursor);
    if (json_peek(&scanner->cursor) != ':') {
        return json_refuse(&scanner->cursor, "the JSON is not valid: a ':' is expected behind a member name");
    }
    scanner->cursor.at++;
    scanner->expected = A_VALUE;
    return true;
}

static bool read_name_or_end(struct scanner *scanner)
{
    return is_at_close(scanner) ? close_container(scanner) : read_name(scanner);
}

static bool read_comma_or_end(struct scanner *scanner)
{
    if (is_at_close(scanner)) {
        return close_container(scanner);
    }
    if (json_peek(&scanner->cursor) != ',') {
        return json_refuse(&scanner->cursor, "the JSON is not valid: a ',' or the end of its container is expected");
    }
    scanner->cursor.at++;
    scanner->expected = is_in_object(scanner) ? A_NAME : A_VALUE;
    return true;
}

static bool read_all(struct scanner *scanner)
{
    static bool (*const steps[])(struct scanner *) = {
        [A_VALUE] = read_value,
        [A_VALUE_OR_END] = read_value_or_end,
        [A_NAME] = read_name,
        [A_NAME_OR_END] = read_name_or_end,
        [A_COMMA_OR_END] = read_comma_or_end,
    };
    do {
        json_skip_space(&scanner->cursor);
        if (!steps[scanner->expected](scanner)) {
            return false;
        }
    } while (scanner->expected != NOTHING);
    json_skip_space(&scanner->cursor);
    return scanner->cursor.at == scanner->cursor.end ||
           json_refuse(&scanner->cursor, "the JSON is not valid: something stands behind its end");
}

static int compare_names(const void *a, const void *b)
{
    const struct buf *left = &(*(const struct json_span *const *)a)->name;
    const struct buf *right = &(*(const struct json_span *const *)b)->name;
    if (left->length != right->length) {
        return left->length < right->length ? -1 : 1;
    }
    return memcmp(buf_text(left), buf_text(right), left->length);
}

/* By sorting, so that a body of ten thousand names costs no more than its size should. */
static bool has_duplicate_names(const struct json_scan *scan)
{
    bool found = false;
    if (scan->kind != JSON_OBJECT || scan->count < 2) {
        return false;
    }
    /* NOLINTBEGIN(bugprone-sizeof-expression): an array of pointers */
    const struct json_span **sorted = mem_calloc(scan->count, sizeof *sorted);
    for (size_t i = 0; i < scan->count; i++) {
        sorted[i] = &scan->spans[i];
    }
    qsort(sorted, scan->count, sizeof *sorted, compare_names);
    /* NOLINTEND(bugprone-sizeof-expression) */
    for (size_t i = 1; i < scan->count && !found; i++) {
        found = compare_names(&sorted[i - 1], &sorted[i]) == 0;
    }
    free(sorted);
    return found;
}

static bool scan_text(struct scanner *scanner, struct slice text)
{
    if (text.length == 0) {
        return json_refuse(&scanner->cursor, "the JSON is not valid: it is empty");
    }
    if (!utf8_is_valid(text.data, text.length)) {
        return json_refuse(&scanner->cursor, "the JSON is not valid UTF-8");
    }
    scanner->cursor = (struct json_cursor){.at = text.data, .end = text.data + text.length};
    if (!read_all(scanner)) {
        return false;
    }
    return !has_duplicate_names(scanner->out) ||
           json_refuse(&scanner->cursor, "a member name stands twice in the same object");
}

enum status json_scan(struct slice text, int max_depth, struct json_scan *out, const char **message)
{
    assert(max_depth > 0 && max_depth <= JSON_DEPTH_LIMIT);
    struct json_scan scan = {0};
    struct scanner scanner = {.max_depth = max_depth, .out = &scan};
    if (!scan_text(&scanner, text)) {
        *message = scanner.cursor.message;
        json_scan_clear(&scan);
        return STATUS_INVALID;
    }
    *out = scan;
    return STATUS_OK;
}

void json_scan_clear(struct json_scan *scan)
{
    for (size_t i = 0; i < scan->count; i++) {
        buf_clear(&scan->spans[i].name);
    }
    free(scan->spans);
    *scan = (struct json_scan){0};
}

const struct json_span *json_scan_find(const struct json_scan *scan, const char *name)
{
    for (size_t i = 0; i < scan->count; i++) {
        if (slice_equals(buf_slice(&scan->spans[i].name), name)) {
            return &scan->spans[i];
        }
    }
    return NULL;
}
