/* An organization's subscriptions, oldest first, a page at a time. */
#include "api/call.h"
#include "api/handle.h"
#include "api/page.h"
#include "api/render_subscription.h"
#include "base/clock.h"

#define LIST "subscriptions"

struct listing {
    const struct call *call;
    struct success success;
    bool shows_headers;
    int64_t now_ms;
    enum status status; /* of the last one rendered */
    struct object_id last;
    bool is_begun;
};

static bool add(void *context, const struct subscription *subscription)
{
    struct listing *listing = context;
    if (listing->is_begun)
        buf_append_text(&listing->success.body, ",");
    listing->is_begun = true;
    listing->status = render_subscription(subscription, store_keyring(listing->call->store), listing->shows_headers,
                                          NULL, listing->now_ms, &listing->success);
    listing->last = subscription->id;
    return listing->status == STATUS_OK;
}

/* The ETag in there is the last element's: a page has none. */
static void end_page(struct listing *listing, bool has_more)
{
    struct buf *body = &listing->success.body;
    buf_append_text(body, "]");
    if (has_more) {
        char token[PAGE_TOKEN_TEXT];
        page_token_make(listing->call, LIST, &listing->last, token);
        buf_printf(body, ",\"next_page_token\":\"%s\"", token);
    }
    buf_append_text(body, "}");
    listing->success.etag[0] = '\0';
}

void handle_subscription_list(struct call *call)
{
    struct page page;
    if (!page_read(call, LIST, NULL, 0, NULL, &page))
        return;
    struct listing listing = {.call = call,
                              .success = {.status = 200},
                              .shows_headers = api_key_may(&call->key, API_SCOPE_MANAGE),
                              .now_ms = clock_now_ms(),
                              .status = STATUS_OK};
    bool has_more = false;
    buf_append_text(&listing.success.body, "{\"data\":[");
    enum status status = store_subscription_list(call->store, &call->key.organization_id, &page.after, page.size, add,
                                                 &listing, &has_more);
    if (status == STATUS_OK)
        status = listing.status;
    if (status == STATUS_OK) {
        end_page(&listing, has_more);
        success_send(&listing.success, call);
    } else {
        call_fail(call, status, NULL);
    }
    success_clear(&listing.success);
}
