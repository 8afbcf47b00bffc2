/* page_size and page_token. A token is the last id of a page, sealed under the master key for its list and
 * organization: no client can make one up or come to depend on what is in it, and any process can read it. */
#include "api/page.h"

#include <assert.h>
#include <string.h>

#include "base/encoding.h"
#include "base/keyring.h"

enum { PAGE_SIZE_MAX = 100, TOKEN_BYTES = (PAGE_TOKEN_TEXT - 1) / 4 * 3 };

struct reader {
    const struct call *call;
    const char *list;
    struct page *page;
};

/* What binds a token to its place; as associated data. */
static void write_place(const struct call *call, const char *list, struct buf *out)
{
    buf_printf(out, "page_token:%s:", list);
    buf_append(out, call->key.organization_id.bytes, UUID_BYTES);
}

static const char *read_size(void *context, const char *value)
{
    static const char message[] = "must be a number from 1 to 100";
    size_t size = 0;
    if (value[0] == '\0')
        return message;
    for (const char *at = value; *at != '\0'; at++) {
        if (*at < '0' || *at > '9')
            return message;
        size = size * 10 + (size_t)(*at - '0');
        if (size > PAGE_SIZE_MAX)
            return message;
    }
    ((struct reader *)context)->page->size = size;
    return size > 0 ? NULL : message;
}

static enum status open_token(const struct reader *reader, const char *token, struct object_id *out)
{
    unsigned char sealed[TOKEN_BYTES];
    size_t length;
    if (strlen(token) != PAGE_TOKEN_TEXT - 1 ||
        base64url_decode(token, strlen(token), sealed, sizeof sealed, &length) != STATUS_OK)
        return STATUS_INVALID;
    struct buf place = {0};
    struct buf plain = {0};
    write_place(reader->call, reader->list, &place);
    enum status status = keyring_unseal(store_keyring(reader->call->store), buf_slice(&place),
                                        (struct slice){(const char *)sealed, length}, &plain);
    if (status == STATUS_OK && plain.length != OBJECT_ID_BYTES)
        status = STATUS_INVALID;
    if (status == STATUS_OK)
        memcpy(out->bytes, plain.data, OBJECT_ID_BYTES);
    buf_clear(&plain);
    buf_clear(&place);
    return status;
}

static const char *read_token(void *context, const char *value)
{
    const struct reader *reader = context;
    if (open_token(reader, value, &reader->page->after) == STATUS_OK)
        return NULL;
    return "must be the next_page_token of this list's page before, unchanged; leave it out for the first page";
}

static const struct query_field page_fields[] = {
    {"page_size", true, read_size},
    {"page_token", false, read_token},
};

bool page_read(struct call *call, const char *list, const struct query_field *fields, size_t count, void *context,
               struct page *out)
{
    *out = (struct page){0};
    struct reader reader = {call, list, out};
    struct field_errors errors = {0};
    query_read(call->request->query, page_fields, sizeof page_fields / sizeof page_fields[0], &reader, &errors);
    query_read(call->request->query, fields, count, context, &errors);
    bool is_valid = errors.count == 0;
    if (!is_valid)
        call_invalid(call, "the query has parameters that are missing or not valid", &errors);
    field_errors_clear(&errors);
    return is_valid;
}

void page_token_make(const struct call *call, const char *list, const struct object_id *last, char out[PAGE_TOKEN_TEXT])
{
    struct buf place = {0};
    struct buf sealed = {0};
    write_place(call, list, &place);
    keyring_seal(store_keyring(call->store), buf_slice(&place),
                 (struct slice){(const char *)last->bytes, OBJECT_ID_BYTES}, &sealed);
    assert(sealed.length == TOKEN_BYTES);
    base64url_encode(sealed.data, sealed.length, out);
    buf_clear(&sealed);
    buf_clear(&place);
}
