/* Bodies in: the members of a JSON object become typed values, and every member that is not allowed is named, all of
 * them at once. A message is a sentence for the client (static); NULL means that all is well. */
#ifndef HOOKTURN_API_INPUT_H
#define HOOKTURN_API_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/response.h"
#include "base/buf.h"
#include "base/json_scan.h"
#include "model/subscription.h"

/* One member that is looked at; others are ignored. */
struct input_field {
    const char *name; /* as details.fields names it; behind its last dot stands the member's own name */
    bool is_required;
    bool is_opaque; /* may hold whatever the grammar allows */
    const char *(*read)(void *context, const struct json_span *span);
};

/* Scans a body that must be an object; on success clear `out` with json_scan_clear. */
const char *input_scan(struct slice body, struct json_scan *out);
/* Calls each field's `read` with its member, in the table's order. A member that is null counts as left out. */
void input_read_fields(const struct json_scan *scan, const struct input_field *fields, size_t count, void *context,
                       struct field_errors *errors);

/* A rule for a text, as in model/subscription_check.h. */
typedef const char *(*input_check)(const char *text, size_t length);

/* These take a span that is neither null nor unclean. Outputs are set on success alone. */
const char *input_bool(const struct json_span *span, bool *out);
/* A JSON integer (no fraction, no exponent) from `min` to `max`; `message` says so. */
const char *input_integer(const struct json_span *span, int64_t min, int64_t max, const char *message, int64_t *out);
/* Appends the decoded text. */
const char *input_text(const struct json_span *span, struct buf *out);
/* *out is the caller's to free; a former value is freed. `check` may be NULL. */
const char *input_checked_text(const struct json_span *span, input_check check, char **out);
/* At most `max` texts; `message` says so. Appends to `out`, also what stands before a bad element. */
const char *input_text_array(const struct json_span *span, size_t max, const char *message, input_check check,
                             struct text_list *out);

#endif
