/* A subscription's deliveries, newest first, a page at a time. */
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/handle.h"
#include "api/page.h"
#include "api/render_delivery.h"
#include "api/success.h"
#include "base/mem.h"
#include "base/timestamp.h"
#include "model/subscription_check.h"

struct filters {
    struct delivery_page *page;
    char event_name[EVENT_NAME_MAX + 1];
};

static const char *read_status(void *context, const char *value)
{
    const struct filters *filters = context;
    return delivery_status_parse(value, &filters->page->status) == STATUS_OK
               ? NULL
               : "must be WAITING, DELIVERED, FAILED or CANCELLED";
}

static const char *read_since(void *context, const char *value)
{
    const struct filters *filters = context;
    return timestamp_parse(value, &filters->page->since_ms) == STATUS_OK
               ? NULL
               : "must be a time of RFC 3339, such as 2026-06-12T10:15:00.000Z";
}

static const char *read_event_name(void *context, const char *value)
{
    struct filters *filters = context;
    size_t length = strlen(value);
    if (check_event_filter(value, length) != NULL || strchr(value, '*') != NULL)
        return "must be the whole name of an event, such as Order.Created";
    memcpy(filters->event_name, value, length + 1);
    filters->page->event_name = filters->event_name;
    return NULL;
}

static const struct query_field fields[] = {
    {"status", false, read_status},
    {"since", false, read_since},
    {"event_name", false, read_event_name},
};

/* A token is a place in one subscription's list. It is not bound to the filters: they say which of the deliveries
 * behind that place are shown. */
enum { LIST_NAME_SIZE = sizeof "deliveries:" + OBJECT_ID_TEXT };

static void name_list(const struct object_id *subscription_id, char out[LIST_NAME_SIZE])
{
    static const char prefix[] = "deliveries:";
    memcpy(out, prefix, sizeof prefix);
    object_id_format(subscription_id, out + strlen(prefix));
}

static void render(const struct call *call, const char *list, const struct delivery_page *page, struct buf *out)
{
    json_object *object = json_out_new();
    json_object *data = json_out_array(object, "data");
    for (size_t i = 0; i < page->count; i++)
        render_delivery(&page->entries[i], json_out_object(data, NULL));
    if (page->has_more) {
        char token[PAGE_TOKEN_TEXT];
        page_token_make(call, list, &page->behind, token);
        json_out_text(object, "next_page_token", token);
    }
    json_out_end(object, out);
}

static void list(struct call *call, const char *name, struct delivery_page *page)
{
    page->entries = mem_calloc(page->max, sizeof *page->entries);
    enum status status = store_delivery_list(call->store, page);
    if (status == STATUS_OK) {
        struct success success = {.status = 200};
        render(call, name, page, &success.body);
        success_send(&success, call);
        success_clear(&success);
    } else {
        call_fail(call, status, status == STATUS_NOT_FOUND ? "no such subscription" : NULL);
    }
    free(page->entries);
}

void handle_delivery_list(struct call *call)
{
    struct object_id id;
    if (!call_object_id(call, &id))
        return;
    char name[LIST_NAME_SIZE];
    struct page asked;
    struct delivery_page page = {
        .organization_id = &call->key.organization_id, .subscription_id = &id, .since_ms = INT64_MIN};
    struct filters filters = {.page = &page};
    name_list(&id, name);
    if (!page_read(call, name, fields, sizeof fields / sizeof fields[0], &filters, &asked))
        return;
    page.max = asked.size;
    page.behind = asked.after;
    list(call, name, &page);
}
