/* Match indexes by organization, for one process. An index is exact for one version of the organization's
 * subscriptions: whoever asks says which version he has read, and gets an index of that one or of a later one. */
#ifndef HOOKTURN_STORE_MATCH_CACHE_H
#define HOOKTURN_STORE_MATCH_CACHE_H

#include <stdint.h>

#include "base/id.h"
#include "base/status.h"
#include "store/match_index.h"

struct match_cache;

/* `max_bytes`: of all indexes together; those that nobody asked for the longest go first. */
struct match_cache *match_cache_new(size_t max_bytes);
/* Nobody holds a view any more. */
void match_cache_free(struct match_cache *cache);

/* An index as it is kept; nobody changes it. */
struct match_view {
    struct match_index *index; /* NULL: too large to be kept, read the subscriptions themselves */
    uint64_t version;
    unsigned holders; /* the cache's */
};

/* Reads the organization's version, then its subscriptions, into a new index, which is the cache's; *index is NULL
 * where it grows beyond max_bytes. */
typedef enum status (*match_load)(void *context, const struct uuid *organization_id, size_t max_bytes,
                                  struct match_index **index, uint64_t *version);

/* A view of `version` or later, loaded where the cache has none; one thread loads, the others wait for it. The caller
 * gives it back with match_cache_release. Errors are those of `load`. */
enum status match_cache_hold(struct match_cache *cache, const struct uuid *organization_id, uint64_t version,
                             match_load load, void *context, struct match_view **out) MUST_USE;
void match_cache_release(struct match_cache *cache, struct match_view *view);

#endif
