/* What a test of the worker stands on: the fake store with deliveries in it, a receiver, a configuration. */
#include "worker_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

char data_directory[] = "/tmp/hookturn-worker-XXXXXX";

int make_data_directory(void **state)
{
    (void)state;
    return mkdtemp(data_directory) ? 0 : -1;
}

int remove_data_directory(void **state)
{
    static const char *const names[] = {"worker.lock", "worker.slots"};
    char path[64];
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", data_directory, names[i]);
        (void)unlink(path);
    }
    return rmdir(data_directory);
}

static void make_subscription(struct fixture *fixture)
{
    struct subscription *subscription = &fixture->store.subscription;
    char id[OBJECT_ID_TEXT];
    char secret[SECRET_TEXT];
    char url[64];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/in", (unsigned)fixture->server.port);
    object_id_make(clock_now_ms(), &subscription->id);
    object_id_format(&subscription->id, id);
    subscription->created_user_id = strdup("u");
    subscription->name = strdup("n");
    subscription->url = strdup(url);
    subscription->active = true;
    secret_make(secret);
    secret_seal(fixture->store.keyring, id, secret, 1, &subscription->secrets.items[0]);
    subscription->secrets.count = 1;
}

static void make_deliveries(struct fixture *fixture, size_t count)
{
    struct store *store = &fixture->store;
    store->event.name = strdup("A.B");
    store->event.trace_id = strdup("trace");
    buf_append_text(&store->event.body, "{\"payload\":{}}");
    store->has_event = true;
    store->delivery_count = count;
    for (size_t i = 0; i < count; i++) {
        store->deliveries[i].status = DELIVERY_WAITING;
        store->deliveries[i].claim.subscription_id = store->subscription.id;
        object_id_make(clock_now_ms(), &store->deliveries[i].claim.event_id);
    }
}

static void make_keyring(struct fixture *fixture)
{
    struct failure failure;
    (void)snprintf(fixture->key_path, sizeof(fixture->key_path), "/tmp/test_worker.%ld.key", (long)getpid());
    assert_int_equal(keyring_create(fixture->key_path, &failure), STATUS_OK);
    assert_int_equal(keyring_open(fixture->key_path, &fixture->store.keyring, &failure), STATUS_OK);
    assert_int_equal(unlink(fixture->key_path), 0);
}

struct fixture *fixture_new(const char *answer, enum script_end then, size_t deliveries)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    assert_int_equal(destination_rule_parse("127.0.0.0/8", &fixture->allow[0]), STATUS_OK);
    fixture->conf = (struct conf){
        .data_dir = data_directory,
        .request_timeout_ms = 5000,
        .retry_strategy = RETRY_FIXED_DELAY,
        .retry_attempts = 8,
        .retry_max_delay_ms = 60000,
        .concurrency = 8,
        .destination_concurrency = 2,
        .destinations = {.allow = fixture->allow, .allow_count = 1},
    };
    server_start(&fixture->server, (struct script){.answer = answer, .then = then});
    make_keyring(fixture);
    make_subscription(fixture);
    make_deliveries(fixture, deliveries);
    return fixture;
}

void fixture_free(struct fixture *fixture)
{
    server_stop(&fixture->server);
    subscription_clear(&fixture->store.subscription);
    event_clear(&fixture->store.event);
    keyring_free(fixture->store.keyring);
    destination_rule_clear(&fixture->allow[0]);
    free(fixture);
}

void run_once(struct fixture *fixture, enum status expected)
{
    const struct worker_options options = {.lock_fd = -1, .once = true};
    assert_int_equal(worker_run(&fixture->store, &fixture->conf, &options, NULL), expected);
}

size_t count_of(const struct fixture *fixture, enum delivery_status status)
{
    size_t count = 0;
    for (size_t i = 0; i < fixture->store.delivery_count; i++)
        count += fixture->store.deliveries[i].status == status && !fixture->store.deliveries[i].is_leased;
    return count;
}
