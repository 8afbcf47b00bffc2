/* Lists in pages: how many, and from where on. */
#ifndef HOOKTURN_API_PAGE_H
#define HOOKTURN_API_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "api/call.h"
#include "api/query.h"
#include "base/id.h"

struct page {
    size_t size;
    struct object_id after; /* the last item of the page before; all zero: from the start */
};

/* Reads page_size and page_token from the query, and the list's own parameters: `fields` with their `context` (`count`
 * 0: none). `list` names what is listed: a token of another list or organization is none. False: something is not
 * valid, and the request was answered with 400. */
bool page_read(struct call *call, const char *list, const struct query_field *fields, size_t count, void *context,
               struct page *out);

enum { PAGE_TOKEN_TEXT = 61 };
/* The token of the page behind `last`. */
void page_token_make(const struct call *call, const char *list, const struct object_id *last,
                     char out[PAGE_TOKEN_TEXT]);

#endif
