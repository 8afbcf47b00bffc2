/* The temporary store, and short forms of the verbs for tests that are about something else. */
#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- life ---- */

int fixture_make(void **state)
{
    struct fixture *fixture = mem_calloc(1, sizeof *fixture);
    const char *base = getenv("TMPDIR");
    snprintf(fixture->data_dir, sizeof fixture->data_dir, "%.32s/hookturn-store-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(fixture->data_dir));
    snprintf(fixture->master_key_file, sizeof fixture->master_key_file, "%s/master.key", fixture->data_dir);
    fixture->conf.store = (char *)(uintptr_t)conformance_engine;
    fixture->conf.path = (char *)(uintptr_t) "";
    fixture->conf.data_dir = fixture->data_dir;
    fixture->conf.master_key_file = fixture->master_key_file;
    uuid_make(&fixture->org);
    struct failure failure = {""};
    if (store_create(&fixture->conf, &failure) != STATUS_OK)
        fail_msg("%s", failure.text);
    fixture_open(fixture);
    *state = fixture;
    return 0;
}

int fixture_remove(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    fixture_close(fixture);
    snprintf(command, sizeof command, "rm -rf %s", fixture->data_dir);
    free(fixture);
    return system(command);
}

int fixture_new_organization(void **state)
{
    struct fixture *fixture = *state;
    uuid_make(&fixture->org);
    return 0;
}

void fixture_close(struct fixture *fixture)
{
    store_close(fixture->store);
    fixture->store = NULL;
}

void fixture_open(struct fixture *fixture)
{
    struct failure failure = {""};
    if (store_open(&fixture->conf, STORE_FOR_COMMAND, &fixture->store, &failure) != STATUS_OK)
        fail_msg("%s", failure.text);
}

/* ---- subscriptions ---- */

enum status spec_apply(void *context, int64_t now_ms, struct subscription *subscription)
{
    struct spec *spec = context;
    (void)now_ms;
    subscription->name = mem_strdup(spec->name);
    subscription->url = mem_strdup("https://example.org/hook");
    subscription->created_user_id = mem_strdup("user");
    subscription->active = !spec->paused;
    if (spec->event)
        text_list_add(&subscription->events, spec->event, strlen(spec->event));
    spec->id = subscription->id;
    return STATUS_OK;
}

enum status try_subscription(struct fixture *fixture, struct spec *spec)
{
    struct change change = {.apply = spec_apply, .context = spec};
    return store_subscription_create(fixture->store, &fixture->org, 10000, &change);
}

struct object_id add_subscription(struct fixture *fixture, const char *name)
{
    struct spec spec = {.name = name};
    assert_int_equal(try_subscription(fixture, &spec), STATUS_OK);
    return spec.id;
}

enum status apply_nothing(void *context, int64_t now_ms, struct subscription *subscription)
{
    (void)context;
    subscription->updated_at_ms = now_ms;
    return STATUS_OK;
}

enum status apply_pause(void *context, int64_t now_ms, struct subscription *subscription)
{
    subscription->active = false;
    return apply_nothing(context, now_ms, subscription);
}

enum status apply_resume(void *context, int64_t now_ms, struct subscription *subscription)
{
    subscription->active = true;
    return apply_nothing(context, now_ms, subscription);
}

enum status apply_delete(void *context, int64_t now_ms, struct subscription *subscription)
{
    subscription->is_deleted = true;
    return apply_nothing(context, now_ms, subscription);
}

void change_subscription(struct fixture *fixture, const struct object_id *id,
                         enum status (*apply)(void *, int64_t, struct subscription *))
{
    struct change change = {.apply = apply};
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, id, &change), STATUS_OK);
}

/* ---- events ---- */

struct event make_event(struct fixture *fixture, const char *name, int64_t created_at_ms)
{
    struct event event = {.organization_id = fixture->org, .created_at_ms = created_at_ms};
    store_event_id_make(fixture->store, created_at_ms, &event.id);
    event.name = mem_strdup(name);
    event.trace_id = mem_strdup("trace");
    event_compose_body(&event, slice_of("{\"a\":1}"));
    return event;
}

struct object_id publish_at(struct fixture *fixture, const char *name, int64_t created_at_ms, size_t *count)
{
    struct event event = make_event(fixture, name, created_at_ms);
    assert_int_equal(store_publish(fixture->store, &event, 1, NULL), STATUS_OK);
    struct object_id id = event.id;
    if (count)
        *count = event.subscription_count;
    event_clear(&event);
    return id;
}

void publish_many(struct fixture *fixture, const char *name, int64_t created_at_ms, size_t count, struct object_id *ids)
{
    struct event *events = mem_calloc(count, sizeof *events);
    for (size_t i = 0; i < count; i++) {
        events[i] = make_event(fixture, name, created_at_ms + (int64_t)i);
        ids[i] = events[i].id;
    }
    assert_int_equal(store_publish(fixture->store, events, count, NULL), STATUS_OK);
    for (size_t i = 0; i < count; i++)
        event_clear(&events[i]);
    free(events);
}

/* ---- deliveries ---- */

struct claims *claims_new(void)
{
    return mem_calloc(1, sizeof(struct claims));
}

static struct admission admit_count(void *context, const struct subscription *subscription)
{
    const size_t *count = context;
    assert_true(subscription->active);
    assert_false(subscription->is_deleted);
    return (struct admission){*count, LEASE_MS};
}

void claim_some(struct fixture *fixture, int64_t now_ms, size_t max, size_t count, struct claims *out)
{
    assert_true(max <= CLAIMS_MAX);
    const struct claimer claimer = {.context = &count, .admit = admit_count};
    assert_int_equal(store_claim(fixture->store, now_ms, max, &claimer, out->items, &out->count, &out->next_due_ms),
                     STATUS_OK);
}

void claim_all(struct fixture *fixture, int64_t now_ms, size_t max, struct claims *out)
{
    claim_some(fixture, now_ms, max, SIZE_MAX, out);
}

bool settle_one(struct fixture *fixture, const struct claim *claim, int64_t now_ms, enum delivery_status status,
                int64_t due_at_ms)
{
    struct settlement settlement = {.claim = *claim, .status = status, .due_at_ms = due_at_ms};
    settlement.attempt.number = claim->attempt_count + 1;
    settlement.attempt.started_at_ms = now_ms;
    settlement.attempt.response_status = status == DELIVERY_DELIVERED ? 200 : 500;
    assert_int_equal(store_settle(fixture->store, now_ms, &settlement, 1), STATUS_OK);
    return settlement.was_applied;
}

struct delivery get_delivery(struct fixture *fixture, const struct object_id *subscription_id,
                             const struct object_id *event_id)
{
    struct delivery delivery = {.generation = 0};
    assert_int_equal(store_delivery_get(fixture->store, &fixture->org, subscription_id, event_id, &delivery),
                     STATUS_OK);
    return delivery;
}

struct claim claim_at(struct fixture *fixture, int64_t now_ms)
{
    struct claims *claims = claims_new();
    claim_all(fixture, now_ms, 10, claims);
    assert_true(claims->count <= 1);
    struct claim claim = claims->count == 1 ? claims->items[0] : (struct claim){.generation = 0};
    free(claims);
    return claim;
}

struct delivery retry_delivery(struct fixture *fixture, const struct object_id *subscription_id,
                               const struct object_id *event_id, int64_t now_ms)
{
    struct delivery_entry entry;
    assert_int_equal(
        store_delivery_retry(fixture->store, &fixture->org, subscription_id, event_id, now_ms, &entry, NULL),
        STATUS_OK);
    return entry.delivery;
}

/* ---- processes ---- */

static pid_t start_child(struct fixture *fixture, int index, int (*work)(struct fixture *, int))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid != 0)
        return pid;
    struct failure failure = {""};
    if (store_open(&fixture->conf, STORE_FOR_COMMAND, &fixture->store, &failure) != STATUS_OK) {
        fprintf(stderr, "child: %s\n", failure.text);
        _exit(100);
    }
    int result = work(fixture, index);
    store_close(fixture->store);
    _exit(result);
}

int run_children(struct fixture *fixture, int count, int (*work)(struct fixture *, int))
{
    pid_t children[16];
    int sum = 0;
    assert_true(count <= 16);
    fixture_close(fixture);
    for (int i = 0; i < count; i++)
        children[i] = start_child(fixture, i, work);
    for (int i = 0; i < count; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_true(WEXITSTATUS(status) < 100);
        sum += WEXITSTATUS(status);
    }
    fixture_open(fixture);
    return sum;
}

/* ---- long work ---- */

struct place place_of(const struct fixture *fixture, const char *name)
{
    struct place place;
    snprintf(place.path, sizeof place.path, "%s/%s", fixture->data_dir, name);
    return place;
}

bool go_on(void *context, const char *step, uint64_t done, uint64_t total)
{
    int *stop_after = context;
    assert_non_null(step);
    assert_true(total == 0 || done <= total);
    return !stop_after || (*stop_after)-- > 0;
}

const struct store_progress never_stops = {go_on, NULL};
