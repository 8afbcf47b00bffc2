/* The query's parameters: each that is looked at has a row in a table, as a body's members have. */
#ifndef HOOKTURN_API_QUERY_H
#define HOOKTURN_API_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "api/response.h"

/* One parameter that is looked at; others are ignored. */
struct query_field {
    const char *name;
    bool is_required;
    /* `value` is decoded, without a NUL before its end; NULL, or a sentence for the client (static). */
    const char *(*read)(void *context, const char *value);
};

/* Reads `query`, "a=1&b=2" undecoded, in which "+" is a space. Required ones that are absent, ones that stand twice and
 * broken escapes are added to `errors` by their names. At most 32 fields. */
void query_read(const char *query, const struct query_field *fields, size_t count, void *context,
                struct field_errors *errors);

#endif
