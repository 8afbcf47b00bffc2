/* How long a claim takes beside many subscriptions of dead destinations: one subscription gets an event, which is
 * claimed and settled, CALLS times. Prints the mean microseconds of a claim, by itself and with DEAD subscriptions that
 * have ROWS deliveries each waiting and are passed over.
 *
 *     claim DIRECTORY DEAD ROWS CALLS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store.h"

struct spec {
    char name[32];
    const char *event_name;
    struct object_id id; /* out */
};

struct bench {
    struct store *store;
    struct uuid organization_id;
    struct object_id live;
};

static void must(enum status status, const char *what)
{
    if (status == STATUS_OK)
        return;
    (void)fprintf(stderr, "claim: %s: %s\n", what, status_name(status));
    exit(EXIT_FAILURE);
}

static double now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* ---- what is there ---- */

static enum status fill_in(void *context, int64_t now_ms, struct subscription *subscription)
{
    struct spec *spec = context;
    (void)now_ms;
    spec->id = subscription->id;
    subscription->name = mem_strdup(spec->name);
    subscription->url = mem_strdup("https://hooks.example.com/in");
    subscription->created_user_id = mem_strdup("bench");
    subscription->active = true;
    text_list_add(&subscription->events, spec->event_name, strlen(spec->event_name));
    return STATUS_OK;
}

static struct object_id subscribe(struct bench *bench, size_t number, const char *event_name)
{
    struct spec spec = {.event_name = event_name};
    struct change change = {.apply = fill_in, .context = &spec};
    (void)snprintf(spec.name, sizeof(spec.name), "%zu", number);
    must(store_subscription_create(bench->store, &bench->organization_id, SIZE_MAX, &change), "create");
    return spec.id;
}

static void publish(struct bench *bench, const char *name, size_t count)
{
    struct event *events = mem_calloc(count, sizeof(*events));
    for (size_t i = 0; i < count; i++) {
        events[i].created_at_ms = clock_now_ms();
        events[i].organization_id = bench->organization_id;
        events[i].name = mem_strdup(name);
        events[i].trace_id = mem_strdup("bench");
        store_event_id_make(bench->store, events[i].created_at_ms, &events[i].id);
        buf_append_text(&events[i].body, "{\"payload\":{}}");
    }
    must(store_publish(bench->store, events, count, NULL), "publish");
    for (size_t i = 0; i < count; i++)
        event_clear(&events[i]);
    free(events);
}

static struct store *open_store(char *directory)
{
    struct failure failure;
    struct store *store;
    struct buf key_file = {0};
    buf_printf(&key_file, "%s/master.key", directory);
    struct conf conf = {.store = (char *)"bdb", .data_dir = directory, .master_key_file = key_file.data};
    if (store_create(&conf, &failure) != STATUS_OK ||
        store_open(&conf, STORE_FOR_COMMAND, &store, &failure) != STATUS_OK) {
        (void)fprintf(stderr, "claim: %s\n", failure.text);
        exit(EXIT_FAILURE);
    }
    buf_clear(&key_file);
    return store;
}

/* ---- what is measured ---- */

static bool is_dead(void *context, const struct object_id *subscription_id)
{
    const struct bench *bench = context;
    return object_id_compare(&bench->live, subscription_id) != 0;
}

static struct admission admit(void *context, const struct subscription *subscription)
{
    (void)context;
    (void)subscription;
    return (struct admission){.count = 16, .lease_ms = 60000};
}

/* The first claim takes over what came in, so it is made until nothing is left to take over. */
static void settle_down(struct bench *bench)
{
    size_t count;
    int64_t next_due_ms = 0;
    while (next_due_ms <= clock_now_ms())
        must(store_claim(bench->store, clock_now_ms(), 0, NULL, NULL, &count, &next_due_ms), "take over");
}

static double measure(struct bench *bench, size_t calls)
{
    const struct claimer claimer = {.context = bench, .is_hasty = true, .passes_over = is_dead, .admit = admit};
    double spent_us = 0;
    for (size_t i = 0; i < calls; i++) {
        struct claim claims[16];
        size_t count = 0;
        int64_t next_due_ms;
        publish(bench, "Live.Event", 1);
        double before_us = now_us();
        must(store_claim(bench->store, clock_now_ms(), 16, &claimer, claims, &count, &next_due_ms), "claim");
        spent_us += now_us() - before_us;
        struct settlement settlements[16];
        for (size_t j = 0; j < count; j++)
            settlements[j] = (struct settlement){
                .claim = claims[j], .status = DELIVERY_DELIVERED, .attempt = {.number = 1, .response_status = 200}};
        must(store_settle(bench->store, clock_now_ms(), settlements, count), "settle");
    }
    return spent_us / (double)calls;
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    if (argc != 5)
        return EXIT_FAILURE;
    size_t dead = strtoul(argv[2], NULL, 10), rows = strtoul(argv[3], NULL, 10), calls = strtoul(argv[4], NULL, 10);
    bench.store = open_store(argv[1]);
    uuid_make(&bench.organization_id);
    bench.live = subscribe(&bench, dead, "Live.Event");
    double alone_us = measure(&bench, calls);
    for (size_t i = 0; i < dead; i++)
        (void)subscribe(&bench, i, "Dead.Event");
    publish(&bench, "Dead.Event", rows);
    settle_down(&bench);
    printf("%.1f %.1f\n", alone_us, measure(&bench, calls));
    store_close(bench.store);
    return EXIT_SUCCESS;
}
