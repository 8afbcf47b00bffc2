/* Two questions decide whether a subscription gets an event: do its filters name it, and does its scope cover it. Each
 * answer is a union of a few lists that are kept by term (a filter's text, a scope's id); the event goes to those that
 * are in both. Built by the engine's match, kept by match_cache.c. */
#include "store/match_index.h"

#include <json-c/linkhash.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* What a term is about; its first character. */
enum kind { OF_FILTER = 'f', OF_AGENT = 'a', OF_WORKSPACE = 'w', OF_ORGANIZATION = 'o' };

#define FILTER_FOR_ALL "*"

/* Subscriptions by their place in `ids`, rising. */
struct posting {
    uint32_t *places;
    size_t count;
    size_t capacity;
};

struct match_index {
    struct object_id *ids;
    size_t count;
    size_t capacity;
    struct lh_table *terms; /* text -> struct posting */
    size_t bytes;
};

enum {
    FIRST_TERMS = 16,
    TERM_BYTES = sizeof(struct posting) + 3 * sizeof(struct lh_entry) + 64 /* the table is half empty; the heap's own */
};

/* ---- life ---- */

static void free_term(struct lh_entry *entry)
{
    struct posting *posting = (struct posting *)(uintptr_t)lh_entry_v(entry);
    free(posting->places);
    free(posting);
    free(lh_entry_k(entry));
}

struct match_index *match_index_new(void)
{
    struct match_index *index = mem_calloc(1, sizeof *index);
    index->terms = mem_check(lh_kchar_table_new(FIRST_TERMS, free_term));
    index->bytes = sizeof *index + sizeof *index->terms;
    return index;
}

void match_index_free(struct match_index *index)
{
    if (!index)
        return;
    lh_table_free(index->terms);
    free(index->ids);
    free(index);
}

size_t match_index_bytes(const struct match_index *index)
{
    return index->bytes;
}

/* ---- adding ---- */

static struct posting *look_up(const struct match_index *index, const struct buf *term)
{
    void *found = NULL;
    lh_table_lookup_ex(index->terms, buf_text(term), &found);
    return found;
}

static void set_term(struct buf *term, enum kind kind, const char *text, size_t length)
{
    const char first = (char)kind;
    buf_reset(term);
    buf_append(term, &first, 1);
    buf_append(term, text, length);
}

static struct posting *take_up(struct match_index *index, const struct buf *term)
{
    struct posting *posting = look_up(index, term);
    if (posting)
        return posting;
    posting = mem_calloc(1, sizeof *posting);
    if (lh_table_insert(index->terms, mem_strdup(buf_text(term)), posting) != 0)
        mem_check(NULL);
    index->bytes += TERM_BYTES + term->length;
    return posting;
}

static void post(struct match_index *index, uint32_t place, enum kind kind, const char *text)
{
    struct buf term = {0};
    set_term(&term, kind, text, strlen(text));
    struct posting *posting = take_up(index, &term);
    buf_clear(&term);
    if (posting->count > 0 && posting->places[posting->count - 1] == place)
        return; /* the same text twice */
    if (posting->count == posting->capacity) {
        size_t capacity = posting->capacity ? 2 * posting->capacity : 1;
        posting->places = mem_realloc(posting->places, capacity, sizeof *posting->places);
        index->bytes += (capacity - posting->capacity) * sizeof *posting->places;
        posting->capacity = capacity;
    }
    posting->places[posting->count++] = place;
}

static void post_all(struct match_index *index, uint32_t place, enum kind kind, const struct text_list *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        post(index, place, kind, texts->items[i]);
}

static uint32_t add_id(struct match_index *index, const struct object_id *id)
{
    if (index->count == index->capacity) {
        size_t capacity = index->capacity ? 2 * index->capacity : 4;
        index->ids = mem_realloc(index->ids, capacity, sizeof *index->ids);
        index->bytes += (capacity - index->capacity) * sizeof *index->ids;
        index->capacity = capacity;
    }
    index->ids[index->count] = *id;
    return (uint32_t)index->count++;
}

void match_index_add(struct match_index *index, const struct subscription *subscription)
{
    if (subscription->is_deleted)
        return;
    uint32_t place = add_id(index, &subscription->id);
    if (subscription->events.count == 0)
        post(index, place, OF_FILTER, FILTER_FOR_ALL);
    post_all(index, place, OF_FILTER, &subscription->events);
    switch (subscription_scope(subscription)) {
    case SCOPE_ORGANIZATION:
        post(index, place, OF_ORGANIZATION, "");
        break;
    case SCOPE_WORKSPACE:
        post_all(index, place, OF_WORKSPACE, &subscription->workspace_ids);
        break;
    case SCOPE_AGENT:
        post_all(index, place, OF_AGENT, &subscription->agent_ids);
        break;
    }
}

/* ---- finding ---- */

/* What is known of each subscription while one event is looked at. */
enum mark { UNKNOWN, NAMED, NAMED_AND_COVERED };

struct search {
    const struct match_index *index;
    unsigned char *marks; /* heap; NULL until the first one is marked */
    size_t found;         /* marked NAMED_AND_COVERED */
    struct buf term;
};

/* Raises those of the term's list that are at `from` to the next mark. */
static void raise_marks(struct search *search, enum mark from, enum kind kind, const char *text, size_t length)
{
    set_term(&search->term, kind, text, length);
    const struct posting *posting = look_up(search->index, &search->term);
    if (!posting)
        return;
    if (!search->marks)
        search->marks = mem_calloc(search->index->count, sizeof *search->marks);
    for (size_t i = 0; i < posting->count; i++) {
        unsigned char *mark = &search->marks[posting->places[i]];
        if (*mark != from)
            continue;
        *mark = (unsigned char)(from + 1);
        search->found += *mark == NAMED_AND_COVERED;
    }
}

static void mark_named(struct search *search, const char *name)
{
    raise_marks(search, UNKNOWN, OF_FILTER, name, strlen(name));
    if (event_name_is_own(name))
        return;
    raise_marks(search, UNKNOWN, OF_FILTER, FILTER_FOR_ALL, strlen(FILTER_FOR_ALL));
    struct buf service = {0};
    for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
        if (dot == name)
            continue; /* a service without a name has no wildcard */
        buf_reset(&service);
        buf_append(&service, name, (size_t)(dot - name) + 1);
        buf_append_text(&service, "*");
        raise_marks(search, UNKNOWN, OF_FILTER, buf_text(&service), service.length);
    }
    buf_clear(&service);
}

static void mark_covered(struct search *search, const struct event *event)
{
    raise_marks(search, NAMED, OF_ORGANIZATION, "", 0);
    if (event->workspace_id)
        raise_marks(search, NAMED, OF_WORKSPACE, event->workspace_id, strlen(event->workspace_id));
    if (event->agent_id)
        raise_marks(search, NAMED, OF_AGENT, event->agent_id, strlen(event->agent_id));
}

static void collect(const struct search *search, struct event *event)
{
    event->subscriptions = mem_calloc(search->found, sizeof *event->subscriptions);
    for (size_t place = 0; event->subscription_count < search->found; place++)
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): who has found something has marks */
        if (search->marks[place] == NAMED_AND_COVERED)
            event->subscriptions[event->subscription_count++] = search->index->ids[place];
}

void match_index_find(const struct match_index *index, struct event *event)
{
    struct search search = {.index = index};
    free(event->subscriptions);
    event->subscriptions = NULL;
    event->subscription_count = 0;
    mark_named(&search, event->name);
    if (search.marks)
        mark_covered(&search, event);
    if (search.found > 0)
        collect(&search, event);
    buf_clear(&search.term);
    free(search.marks);
}
