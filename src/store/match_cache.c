/* Which index is kept for which organization, and who loads it. Publishing holds a view while it matches; a view that
 * was replaced or dropped meanwhile lives until the last one lets it go. */
#include "store/match_cache.h"

#include <pthread.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/mem.h"

struct cached {
    struct uuid organization_id; /* first: what the tree compares */
    struct match_view *view;     /* NULL: none yet */
    size_t bytes;
    bool is_loading; /* somebody works on it without the lock: it stays */
    TAILQ_ENTRY(cached) links;
};

TAILQ_HEAD(cached_list, cached);

struct match_cache {
    pthread_mutex_t mutex; /* for all members, and all views' holders */
    pthread_cond_t loaded;
    void *tree;                /* of tsearch, by organization */
    struct cached_list by_use; /* the one asked for last is first */
    size_t bytes;
    size_t max_bytes;
};

enum { ENTRY_BYTES = sizeof(struct cached) + sizeof(struct match_view) + 96 /* the tree's node; the heap's own */ };

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct uuid));
}

/* ---- views ---- */

static void let_go(struct match_view *view)
{
    if (!view || --view->holders > 0)
        return;
    match_index_free(view->index);
    free(view);
}

static struct match_view *view_new(struct match_index *index, uint64_t version)
{
    struct match_view *view = mem_calloc(1, sizeof *view);
    *view = (struct match_view){index, version, 1};
    return view;
}

/* ---- cached_list ---- */

static struct cached *find_or_add(struct match_cache *cache, const struct uuid *organization_id)
{
    struct cached **node = tfind(organization_id, &cache->tree, compare);
    if (node)
        return *node;
    struct cached *entry = mem_calloc(1, sizeof *entry);
    entry->organization_id = *organization_id;
    entry->bytes = ENTRY_BYTES;
    mem_check(tsearch(entry, &cache->tree, compare));
    TAILQ_INSERT_HEAD(&cache->by_use, entry, links);
    cache->bytes += entry->bytes;
    return entry;
}

static void drop(struct match_cache *cache, struct cached *entry)
{
    tdelete(entry, &cache->tree, compare);
    TAILQ_REMOVE(&cache->by_use, entry, links);
    cache->bytes -= entry->bytes;
    let_go(entry->view);
    free(entry);
}

static void touch(struct match_cache *cache, struct cached *entry)
{
    TAILQ_REMOVE(&cache->by_use, entry, links);
    TAILQ_INSERT_HEAD(&cache->by_use, entry, links);
}

/* Drops those that were asked for longest ago; never `kept`. */
static void make_room(struct match_cache *cache, const struct cached *kept)
{
    struct cached *entry = TAILQ_LAST(&cache->by_use, cached_list);
    while (entry && cache->bytes > cache->max_bytes) {
        struct cached *newer = TAILQ_PREV(entry, cached_list, links);
        if (entry != kept && !entry->is_loading)
            drop(cache, entry);
        entry = newer;
    }
}

static void put_view(struct match_cache *cache, struct cached *entry, struct match_view *view)
{
    let_go(entry->view);
    entry->view = view;
    cache->bytes -= entry->bytes;
    entry->bytes = ENTRY_BYTES + (view->index ? match_index_bytes(view->index) : 0);
    cache->bytes += entry->bytes;
    make_room(cache, entry);
}

/* ---- the cache ---- */

struct match_cache *match_cache_new(size_t max_bytes)
{
    struct match_cache *cache = mem_calloc(1, sizeof *cache);
    pthread_mutex_init(&cache->mutex, NULL);
    pthread_cond_init(&cache->loaded, NULL);
    TAILQ_INIT(&cache->by_use);
    cache->max_bytes = max_bytes;
    return cache;
}

void match_cache_free(struct match_cache *cache)
{
    struct cached *entry;
    while ((entry = TAILQ_FIRST(&cache->by_use)))
        drop(cache, entry);
    pthread_cond_destroy(&cache->loaded);
    pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

/* Called and left with the lock held; reads without it. */
static enum status load_entry(struct match_cache *cache, struct cached *entry, match_load load, void *context)
{
    struct match_index *index;
    uint64_t version;
    entry->is_loading = true;
    pthread_mutex_unlock(&cache->mutex);
    enum status status = load(context, &entry->organization_id, cache->max_bytes, &index, &version);
    pthread_mutex_lock(&cache->mutex);
    entry->is_loading = false;
    pthread_cond_broadcast(&cache->loaded);
    if (status == STATUS_OK)
        put_view(cache, entry, view_new(index, version));
    return status;
}

enum status match_cache_hold(struct match_cache *cache, const struct uuid *organization_id, uint64_t version,
                             match_load load, void *context, struct match_view **out)
{
    enum status status = STATUS_OK;
    pthread_mutex_lock(&cache->mutex);
    while (status == STATUS_OK) {
        struct cached *entry = find_or_add(cache, organization_id);
        touch(cache, entry);
        if (entry->view && entry->view->version >= version) {
            entry->view->holders++;
            *out = entry->view;
            break;
        }
        if (entry->is_loading)
            pthread_cond_wait(&cache->loaded, &cache->mutex);
        else
            status = load_entry(cache, entry, load, context);
    }
    pthread_mutex_unlock(&cache->mutex);
    return status;
}

void match_cache_release(struct match_cache *cache, struct match_view *view)
{
    pthread_mutex_lock(&cache->mutex);
    let_go(view);
    pthread_mutex_unlock(&cache->mutex);
}
