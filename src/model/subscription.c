/* A subscription's memory and what is read off it. Decoded by the store, filled in by the API, read by the worker. */
#include "model/subscription.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The lists keep no capacity: they are full whenever their count is 0 or a power of two, and double then. */
static bool is_full(size_t count)
{
    return (count & (count - 1)) == 0;
}

static size_t doubled(size_t count)
{
    return count == 0 ? 1 : 2 * count;
}

void text_list_add(struct text_list *list, const char *text, size_t length)
{
    if (is_full(list->count))
        list->items = mem_realloc(list->items, doubled(list->count), sizeof *list->items);
    list->items[list->count++] = mem_strndup(text, length);
}

void text_list_clear(struct text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    memset(list, 0, sizeof *list);
}

void text_list_copy(const struct text_list *list, struct text_list *out)
{
    text_list_clear(out);
    for (size_t i = 0; i < list->count; i++)
        text_list_add(out, list->items[i], strlen(list->items[i]));
}

bool text_list_equals(const struct text_list *a, const struct text_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

void header_list_add(struct header_list *list, const char *name, const char *value)
{
    if (is_full(list->count))
        list->items = mem_realloc(list->items, doubled(list->count), sizeof *list->items);
    list->items[list->count++] = (struct header){mem_strdup(name), mem_strdup(value)};
}

void header_list_clear(struct header_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].name);
        mem_free_cleansed_text(list->items[i].value);
    }
    free(list->items);
    memset(list, 0, sizeof *list);
}

/* A URL often carries a token in its path or query, so the texts are cleansed with the rest. */
void subscription_clear(struct subscription *subscription)
{
    mem_free_cleansed_text(subscription->created_user_id);
    mem_free_cleansed_text(subscription->name);
    mem_free_cleansed_text(subscription->url);
    mem_free_cleansed_text(subscription->description);
    text_list_clear(&subscription->events);
    text_list_clear(&subscription->agent_ids);
    text_list_clear(&subscription->workspace_ids);
    buf_clear(&subscription->sealed_headers);
    secret_list_clear(&subscription->secrets);
    memset(subscription, 0, sizeof *subscription);
}

enum subscription_scope subscription_scope(const struct subscription *subscription)
{
    if (subscription->agent_ids.count > 0)
        return SCOPE_AGENT;
    if (subscription->workspace_ids.count > 0)
        return SCOPE_WORKSPACE;
    return SCOPE_ORGANIZATION;
}

void subscription_etag(const struct subscription *subscription, int64_t now_ms, char out[SUBSCRIPTION_ETAG])
{
    subscription_etag_of(subscription, subscription->version, now_ms, out);
}

void subscription_etag_of(const struct subscription *subscription, uint64_t version, int64_t now_ms,
                          char out[SUBSCRIPTION_ETAG])
{
    snprintf(out, SUBSCRIPTION_ETAG, "\"%" PRIu64 "-%zu\"", version,
             secret_list_previous_count(&subscription->secrets, now_ms));
}
