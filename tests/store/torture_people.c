/* The people of the torture: writers and claimers, each a process. What was answered is written down. */
#include "torture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/secret.h"

static volatile sig_atomic_t ended;

struct person {
    struct store *store;
    int number;
    int thread;
    int acks;
    unsigned seed;
    struct object_id own; /* the subscription it made last */
    int rotations;
};

static void answered(struct person *person, enum status status)
{
    if (status != STATUS_OK) {
        if (status != STATUS_AGAIN && status != STATUS_UNAVAILABLE)
            fail("a verb returned", status_name(status));
        atomic_fetch_add(&stage->refusals, 1);
        clock_sleep_ms(20);
        return;
    }
    int64_t now_ms = clock_monotonic_ms();
    int64_t before_ms = atomic_exchange(&stage->answered_at_ms[person->number][person->thread], now_ms);
    int64_t longest_ms = atomic_load(&stage->longest_silence_ms);
    while (before_ms != 0 && now_ms - before_ms > longest_ms &&
           !atomic_compare_exchange_weak(&stage->longest_silence_ms, &longest_ms, now_ms - before_ms))
        continue;
    atomic_fetch_add(&stage->verbs, 1);
}

static void note(const struct person *person, const struct ack *ack)
{
    if (write(person->acks, ack, sizeof *ack) != (ssize_t)sizeof *ack)
        fail("cannot write an acknowledgement", strerror(errno));
}

struct signing {
    const struct keyring *keyring;
    const char *name; /* NULL: rotate */
    unsigned char digest[SHA256_BYTES];
    struct object_id id;
};

/* Creates or rotates, as the API does it. */
static enum status sign(void *context, int64_t now_ms, struct subscription *subscription)
{
    struct signing *signing = context;
    char text[SECRET_TEXT];
    char id[OBJECT_ID_TEXT];
    int64_t expires_at_ms = 0;
    struct secret fresh = {0};
    secret_make(text);
    object_id_format(&subscription->id, id);
    secret_seal(signing->keyring, id, text, now_ms, &fresh);
    memcpy(signing->digest, fresh.digest, sizeof fresh.digest);
    signing->id = subscription->id;
    if (signing->name == NULL)
        return secret_list_rotate(&subscription->secrets, &fresh, now_ms, INT64_C(72) * 3600 * 1000, &expires_at_ms);
    subscription->name = mem_strdup(signing->name);
    subscription->url = mem_strdup("http://127.0.0.1:9/");
    subscription->created_user_id = mem_strdup("torture");
    subscription->active = true;
    text_list_add(&subscription->events, "Order.Created", strlen("Order.Created"));
    subscription->secrets.items[0] = fresh;
    subscription->secrets.count = 1;
    return STATUS_OK;
}

static enum status create(struct person *person)
{
    char name[64];
    snprintf(name, sizeof name, "%d-%d-%" PRId64 "-%u", person->number, person->thread, clock_now_ms(),
             (unsigned)rand_r(&person->seed));
    struct signing signing = {.keyring = store_keyring(person->store), .name = name};
    struct change change = {.apply = sign, .context = &signing};
    enum status status = store_subscription_create(person->store, &organization, 1000000, &change);
    if (status == STATUS_OK) {
        struct ack ack = {.kind = ACK_CREATED, .subscription = signing.id};
        memcpy(ack.digest, signing.digest, sizeof ack.digest);
        note(person, &ack);
        person->own = signing.id;
        person->rotations = 1;
    }
    return status;
}

static enum status rotate(struct person *person)
{
    struct signing signing = {.keyring = store_keyring(person->store)};
    struct change change = {.apply = sign, .context = &signing};
    enum status status = store_subscription_update(person->store, &organization, &person->own, &change);
    if (status == STATUS_OK) {
        struct ack ack = {.kind = ACK_ROTATED, .subscription = signing.id};
        memcpy(ack.digest, signing.digest, sizeof ack.digest);
        note(person, &ack);
    }
    person->rotations++; /* also where the answer is not known: the secret may have been taken */
    return status;
}

/* Every tenth concerns the subscriptions that all share, the others nobody but one of them by scope. */
static enum status publish(struct person *person)
{
    struct event event = {.organization_id = organization, .created_at_ms = clock_now_ms()};
    store_event_id_make(person->store, event.created_at_ms, &event.id);
    bool is_wide = rand_r(&person->seed) % 10 == 0;
    event.name = mem_strdup(is_wide ? "Wide.Event" : "Narrow.Event");
    event.trace_id = mem_strdup("torture");
    event_compose_body(&event, slice_of("{\"n\":1}"));
    enum status status = store_publish(person->store, &event, 1, NULL);
    if (status == STATUS_OK) {
        struct ack ack = {.kind = ACK_PUBLISHED, .event = event.id, .deliveries = (uint32_t)event.subscription_count};
        note(person, &ack);
    }
    event_clear(&event);
    return status;
}

/* One is published for the own subscription, half of them are cancelled where no claimer was faster, and half of those
 * are revived. What is noted is the last that was answered. */
static enum status by_hand(struct person *person)
{
    struct event event = {.organization_id = organization, .created_at_ms = clock_now_ms()};
    struct ack ack = {.kind = ACK_FORCED, .subscription = person->own};
    struct delivery_entry entry;
    store_event_id_make(person->store, event.created_at_ms, &event.id);
    event.name = mem_strdup(EVENT_NAME_TEST);
    event.trace_id = mem_strdup("torture");
    event_compose_body(&event, slice_of("{\"n\":1}"));
    ack.event = event.id;
    enum status status = store_publish_forced(person->store, &person->own, &event, NULL);
    event_clear(&event);
    if (status == STATUS_OK && rand_r(&person->seed) % 2 == 0) {
        status = store_delivery_cancel(person->store, &organization, &ack.subscription, &ack.event, clock_now_ms(),
                                       &entry, NULL);
        ack.kind = status == STATUS_OK ? ACK_CANCELLED : ACK_FORCED;
        status = status == STATUS_CONFLICT ? STATUS_OK : status;
    }
    if (status == STATUS_OK && ack.kind == ACK_CANCELLED && rand_r(&person->seed) % 2 == 0) {
        status = store_delivery_retry(person->store, &organization, &ack.subscription, &ack.event, clock_now_ms(),
                                      &entry, NULL);
        ack.kind = ACK_FORCED;
    }
    if (status == STATUS_OK)
        note(person, &ack);
    return status;
}

static enum status probe(struct person *person)
{
    struct probe pending = {.generation = 0};
    enum status status = store_probe_request(person->store, &organization, &person->own, &pending, NULL);
    if (status == STATUS_OK) {
        struct ack ack = {.kind = ACK_PROBED, .subscription = person->own, .at_ms = pending.requested_at_ms};
        note(person, &ack);
    }
    return status;
}

static void *write_on(void *context)
{
    struct person *person = context;
    while (!ended) {
        int dice = rand_r(&person->seed) % 10;
        if (person->rotations == 0 || (dice == 0 && person->rotations >= ROTATIONS_MAX))
            answered(person, create(person));
        else if (dice < 3 && person->rotations < ROTATIONS_MAX)
            answered(person, rotate(person));
        else if (dice < 5)
            answered(person, by_hand(person));
        else if (dice == 5)
            answered(person, probe(person));
        else
            answered(person, publish(person));
    }
    return NULL;
}

static const struct claimer hasty_claimer = {.admit = admit_some, .is_hasty = true};

static void settle(struct person *person, const struct claim *claims, size_t count)
{
    struct settlement settlements[CLAIMS];
    int64_t now_ms = clock_now_ms();
    for (size_t i = 0; i < count; i++)
        settlements[i] = (struct settlement){
            .claim = claims[i],
            .status = DELIVERY_DELIVERED,
            .attempt = {.number = claims[i].attempt_count + 1, .started_at_ms = now_ms, .response_status = 200}};
    enum status status = store_settle(person->store, now_ms, settlements, count);
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        if (settlements[i].was_applied) {
            struct ack ack = {
                .kind = ACK_SETTLED, .subscription = claims[i].subscription_id, .event = claims[i].event_id};
            note(person, &ack);
        }
    answered(person, status);
}

static void *claim_on(void *context)
{
    struct person *person = context;
    while (!ended) {
        struct claim claims[CLAIMS];
        size_t count = 0;
        int64_t next_due_ms;
        enum status status =
            store_claim(person->store, clock_now_ms(), CLAIMS, &hasty_claimer, claims, &count, &next_due_ms);
        answered(person, status);
        if (status == STATUS_OK && count > 0 && rand_r(&person->seed) % 8 == 0)
            answered(person, store_release(person->store, clock_now_ms(), claims, count));
        else if (status == STATUS_OK && count > 0)
            settle(person, claims, count);
        else
            clock_sleep_ms(5);
        status = make_probe(person->store, clock_now_ms(), (unsigned)rand_r(&person->seed));
        answered(person, status == STATUS_NOT_FOUND ? STATUS_OK : status);
    }
    return NULL;
}

static void on_end(int signal_number)
{
    (void)signal_number;
    ended = 1;
}

static int be_person(int number, unsigned seed)
{
    struct person persons[THREADS];
    pthread_t threads[THREADS];
    int count = number < WRITERS ? THREADS : 1;
    struct store *store = open_store(STORE_FOR_REQUEST);
    for (int i = 0; i < count; i++) {
        char path[600];
        snprintf(path, sizeof path, "%s/%d-%d", ack_dir, number, i);
        persons[i] = (struct person){.store = store, .number = number, .thread = i, .seed = seed + (unsigned)i};
        persons[i].acks = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (pthread_create(&threads[i], NULL, number < WRITERS ? write_on : claim_on, &persons[i]) != 0)
            fail("pthread_create", strerror(errno));
    }
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    store_close(store);
    return 0;
}

pid_t start_person(int number, unsigned seed)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    signal(SIGTERM, on_end);
    _exit(be_person(number, seed));
}
