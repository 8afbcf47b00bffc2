/* Torture of the store: writers and claimers work on one store while they are killed at random, one by one and all at
 * once. Whatever a verb acknowledged is written down by the writer, and must be there at the end; nobody may be without
 * an answered verb for longer than SILENCE_MAX_MS; and every event that was accepted must still find its way to a
 * claim.
 *
 *     torture [--seconds N] [--seed N] [--dir DIR]
 *
 * The seed decides when and whom we kill; it is printed, so that a bad run can be tried again. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/secret.h"
#include "store/store.h"

enum {
    WRITERS = 5,
    CLAIMERS = 2,
    PEOPLE = WRITERS + CLAIMERS,
    THREADS = 2, /* of each writer */
    SUBSCRIPTIONS_FIRST = 20,
    SILENCE_MAX_MS = 5000,
    CLAIMS = 64,
    ROTATIONS_MAX = 6 /* of one subscription; below the cap of valid secrets */
};

/* One acknowledged write, as a line of fixed size in its writer's file. */
enum ack_kind {
    ACK_CREATED = 1,
    ACK_ROTATED,
    ACK_PUBLISHED,
    ACK_SETTLED,
    ACK_FORCED,
    ACK_CANCELLED,
    ACK_PROBED,
    ACK_KINDS
};
struct ack {
    uint32_t kind;
    uint32_t deliveries; /* of ACK_PUBLISHED */
    int64_t at_ms;       /* of ACK_PROBED: when it was asked for */
    struct object_id subscription;
    struct object_id event;
    unsigned char digest[SHA256_BYTES]; /* of the secret that was returned */
};

/* Shared by all processes. */
struct stage {
    atomic_int_fast64_t answered_at_ms[PEOPLE][THREADS]; /* the last verb that succeeded, monotonic */
    atomic_int_fast64_t longest_silence_ms;
    atomic_uint_fast64_t verbs;
    atomic_uint_fast64_t refusals;
};

static struct stage *stage;
static struct conf conf;
static char ack_dir[512];
static volatile sig_atomic_t ended;

static const struct uuid organization = {{0x11, 0x22, 0x33}};

static void fail(const char *what, const char *detail)
{
    fprintf(stderr, "torture: FAILED: %s: %s\n", what, detail);
    exit(1);
}

/* ---- the people ---- */

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

static struct admission admit_some(void *context, const struct subscription *subscription)
{
    (void)context;
    (void)subscription;
    return (struct admission){.count = 8, .lease_ms = 2000};
}

static const struct claimer claimer = {.admit = admit_some};
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

/* Some end, some are handed back, of some the claim is forgotten. */
static enum status make_probe(struct store *store, int64_t now_ms, unsigned dice)
{
    struct probe_settlement settlement = {.replies = {{.response_status = 200}, {.response_status = 401}}};
    struct subscription subscription;
    struct object_id after = {{0}};
    int64_t next_due_ms = INT64_MAX;
    enum status status = store_probe_claim(store, now_ms, &after, admit_some, NULL, &settlement.claim, &next_due_ms);
    if (status != STATUS_OK || dice % 8 == 0)
        return status;
    if (dice % 8 == 1)
        return store_probe_release(store, now_ms, &settlement.claim);
    status = store_subscription_get(store, &organization, &settlement.claim.subscription_id, &subscription);
    if (status != STATUS_OK)
        return status;
    settlement.version = subscription.version;
    subscription_clear(&subscription);
    return store_probe_finish(store, now_ms, &settlement);
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

static struct store *open_store(enum store_role role)
{
    struct failure failure = {""};
    struct store *store = NULL;
    enum status status = store_open(&conf, role, &store, &failure);
    if (status == STATUS_UNAVAILABLE)
        _exit(STORE_EXIT_LEFT);
    if (status != STATUS_OK)
        fail("store_open", failure.text);
    return store;
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

static pid_t start_person(int number, unsigned seed)
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

/* ---- the play ---- */

static int in_child(void (*work)(void))
{
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        work();
        exit(0);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* The subscriptions that every event reaches; the ones the writers make get only events nobody publishes. */
static enum status make_first(void *context, int64_t now_ms, struct subscription *subscription)
{
    int number = *(int *)context;
    char name[32];
    (void)now_ms;
    snprintf(name, sizeof name, "first %d", number);
    subscription->name = mem_strdup(name);
    subscription->url = mem_strdup("http://127.0.0.1:9/");
    subscription->created_user_id = mem_strdup("torture");
    subscription->active = true;
    text_list_add(&subscription->events, "Wide.Event", strlen("Wide.Event"));
    if (number == 0)
        text_list_add(&subscription->events, "Narrow.*", strlen("Narrow.*"));
    return STATUS_OK;
}

static void prepare(void)
{
    struct failure failure = {""};
    if (store_create(&conf, &failure) != STATUS_OK)
        fail("store_create", failure.text);
    struct store *store = open_store(STORE_FOR_COMMAND);
    for (int i = 0; i < SUBSCRIPTIONS_FIRST; i++) {
        struct change change = {.apply = make_first, .context = &i};
        enum status status = store_subscription_create(store, &organization, 1000, &change);
        if (status != STATUS_OK)
            fail("create", status_name(status));
    }
    store_close(store);
}

struct toll {
    unsigned kills;
    unsigned massacres;
    unsigned leaves;
};

static void reap(pid_t *pids, unsigned *seed, struct toll *toll)
{
    int status;
    for (pid_t pid = waitpid(-1, &status, WNOHANG); pid > 0; pid = waitpid(-1, &status, WNOHANG))
        for (int i = 0; i < PEOPLE; i++)
            if (pids[i] == pid) {
                if (WIFEXITED(status) && WEXITSTATUS(status) != STORE_EXIT_LEFT)
                    fail("a process ended", WEXITSTATUS(status) == 0 ? "too early" : "with an error");
                toll->leaves += WIFEXITED(status);
                pids[i] = start_person(i, (unsigned)rand_r(seed));
            }
}

static void check_silence(void)
{
    int64_t now_ms = clock_monotonic_ms();
    for (int i = 0; i < PEOPLE; i++)
        for (int j = 0; j < (i < WRITERS ? THREADS : 1); j++) {
            int64_t at_ms = atomic_load(&stage->answered_at_ms[i][j]);
            if (now_ms - at_ms > SILENCE_MAX_MS) {
                char who[96];
                snprintf(who, sizeof who, "process %d, thread %d, for %" PRId64 " ms", i, j, now_ms - at_ms);
                fail("silent", who);
            }
        }
}

static void strike(const pid_t *pids, unsigned *seed, struct toll *toll)
{
    bool all = rand_r(seed) % 10 == 0;
    int one = rand_r(seed) % PEOPLE;
    for (int i = 0; i < PEOPLE; i++)
        if (all || i == one)
            kill(pids[i], SIGKILL);
    toll->massacres += all;
    toll->kills += all ? PEOPLE : 1;
}

static struct toll play(int64_t seconds, unsigned seed)
{
    pid_t pids[PEOPLE];
    struct toll toll = {0};
    int64_t end_ms = clock_monotonic_ms() + seconds * 1000;
    for (int i = 0; i < PEOPLE; i++) {
        for (int j = 0; j < THREADS; j++)
            atomic_store(&stage->answered_at_ms[i][j], clock_monotonic_ms());
        pids[i] = start_person(i, (unsigned)rand_r(&seed));
    }
    for (int64_t next_ms = clock_monotonic_ms() + 500; clock_monotonic_ms() < end_ms;) {
        reap(pids, &seed, &toll);
        check_silence();
        if (clock_monotonic_ms() >= next_ms) {
            strike(pids, &seed, &toll);
            next_ms = clock_monotonic_ms() + 50 + rand_r(&seed) % 1200;
        }
        clock_sleep_ms(5);
    }
    for (int i = 0; i < PEOPLE; i++)
        kill(pids[i], SIGTERM);
    for (int i = 0; i < PEOPLE; i++)
        waitpid(pids[i], NULL, 0);
    return toll;
}

/* ---- the reckoning ---- */

static void expect_secret(struct store *store, const struct ack *ack)
{
    struct subscription subscription = {0};
    enum status status = store_subscription_get(store, &organization, &ack->subscription, &subscription);
    if (status != STATUS_OK)
        fail("an acknowledged subscription", status_name(status));
    if (secret_list_find(&subscription.secrets, ack->digest, clock_now_ms()) == NULL)
        fail("an acknowledged secret", "is not among the valid ones");
    subscription_clear(&subscription);
}

static void expect_event(struct store *store, const struct ack *ack)
{
    struct event event = {0};
    enum status status = store_event_get(store, &ack->event, &event);
    if (status != STATUS_OK || event.subscription_count != ack->deliveries)
        fail("an acknowledged event", status_name(status));
    for (size_t i = 0; i < event.subscription_count; i++) {
        struct delivery delivery = {0};
        status = store_delivery_get(store, &organization, &event.subscriptions[i], &ack->event, &delivery);
        if (status != STATUS_OK || delivery.status != DELIVERY_DELIVERED)
            fail("an accepted delivery never reached a claim", status_name(status));
    }
    event_clear(&event);
}

static void expect_settlement(struct store *store, const struct ack *ack)
{
    struct delivery delivery = {0};
    struct attempt attempt = {0};
    enum status status = store_delivery_get(store, &organization, &ack->subscription, &ack->event, &delivery);
    if (status != STATUS_OK || delivery.status != DELIVERY_DELIVERED || delivery.attempt_count != 1)
        fail("an acknowledged settlement", status_name(status));
    if (store_attempt_get(store, &ack->subscription, &ack->event, 1, &attempt) != STATUS_OK)
        fail("an acknowledged settlement", "has no attempt");
    attempt_clear(&attempt);
}

static void expect_by_hand(struct store *store, const struct ack *ack)
{
    struct delivery delivery = {0};
    enum delivery_status expected = ack->kind == ACK_CANCELLED ? DELIVERY_CANCELLED : DELIVERY_DELIVERED;
    enum status status = store_delivery_get(store, &organization, &ack->subscription, &ack->event, &delivery);
    if (status != STATUS_OK || delivery.status != expected)
        fail("what was done by hand",
             status == STATUS_OK ? delivery_status_name(delivery.status) : status_name(status));
}

/* The one that was asked for, or a later one; and it was found by whoever looked for what is pending. */
static void expect_probe(struct store *store, const struct ack *ack)
{
    struct probe found = {.generation = 0};
    enum status status = store_probe_get(store, &organization, &ack->subscription, &found);
    if (status != STATUS_OK || found.requested_at_ms < ack->at_ms)
        fail("an acknowledged probe", status_name(status));
    if (found.status != PROBE_DONE)
        fail("an acknowledged probe", "never reached a claim");
}

/* Everything that waits, an hour later: no lease holds it any more. */
static void drain(struct store *store)
{
    int64_t later_ms = clock_now_ms() + 3600 * 1000;
    for (size_t count = 1; count > 0;) {
        struct claim claims[CLAIMS];
        struct settlement settlements[CLAIMS];
        int64_t next_due_ms;
        enum status status = store_claim(store, later_ms, CLAIMS, &claimer, claims, &count, &next_due_ms);
        for (size_t i = 0; status == STATUS_OK && i < count; i++)
            settlements[i] = (struct settlement){
                .claim = claims[i], .status = DELIVERY_DELIVERED, .attempt = {.number = claims[i].attempt_count + 1}};
        if (status == STATUS_OK)
            status = store_settle(store, later_ms, settlements, count);
        if (status != STATUS_OK)
            fail("draining", status_name(status));
    }
    enum status status = STATUS_OK;
    while (status == STATUS_OK)
        status = make_probe(store, later_ms, 2);
    if (status != STATUS_NOT_FOUND)
        fail("draining probes", status_name(status));
}

static unsigned long reckoned[ACK_KINDS];

static void reckon_file(struct store *store, const char *path)
{
    struct ack ack;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && read(fd, &ack, sizeof ack) == (ssize_t)sizeof ack) {
        if (ack.kind == ACK_CREATED || ack.kind == ACK_ROTATED)
            expect_secret(store, &ack);
        else if (ack.kind == ACK_PUBLISHED)
            expect_event(store, &ack);
        else if (ack.kind == ACK_PROBED)
            expect_probe(store, &ack);
        else if (ack.kind == ACK_SETTLED)
            expect_settlement(store, &ack);
        else
            expect_by_hand(store, &ack);
        reckoned[ack.kind]++;
    }
    if (fd >= 0)
        close(fd);
}

static void reckon(void)
{
    struct store *store = open_store(STORE_FOR_COMMAND);
    drain(store);
    for (int i = 0; i < PEOPLE; i++)
        for (int j = 0; j < THREADS; j++) {
            char path[600];
            snprintf(path, sizeof path, "%s/%d-%d", ack_dir, i, j);
            reckon_file(store, path);
        }
    store_close(store);
    printf("torture: found again: %lu subscriptions, %lu rotations, %lu events, %lu settlements, %lu forced, %lu "
           "cancelled, %lu probes\n",
           reckoned[ACK_CREATED], reckoned[ACK_ROTATED], reckoned[ACK_PUBLISHED], reckoned[ACK_SETTLED],
           reckoned[ACK_FORCED], reckoned[ACK_CANCELLED], reckoned[ACK_PROBED]);
    for (int kind = ACK_CREATED; kind < ACK_KINDS; kind++)
        if (reckoned[kind] == 0)
            fail("nothing was acknowledged", "of at least one kind");
    struct failure failure = {""};
    if (store_check(&conf, &failure) != STATUS_OK)
        fail("store_check", failure.text);
}

static void set_up(const char *dir)
{
    struct failure failure = {""};
    char data_dir[512];
    snprintf(data_dir, sizeof data_dir, "%s/data", dir);
    snprintf(ack_dir, sizeof ack_dir, "%s/acks", dir);
    if (mkdir(data_dir, 0700) != 0 || mkdir(ack_dir, 0700) != 0)
        fail(data_dir, strerror(errno));
    setenv("HOOKTURN_DATA_DIR", data_dir, 1);
    if (conf_load("/dev/null", NULL, &conf, &failure) != STATUS_OK)
        fail("conf_load", failure.text);
    stage = mmap(NULL, sizeof *stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stage == MAP_FAILED || log_open(LOG_LEVEL_ERROR, NULL, NULL) != STATUS_OK)
        fail("mmap", strerror(errno));
    if (in_child(prepare) != 0)
        exit(1);
}

int main(int argc, char **argv)
{
    int64_t seconds = 10;
    unsigned seed = (unsigned)(clock_now_ms() ^ getpid());
    char made[] = "/tmp/hookturn-torture-XXXXXX";
    const char *dir = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seconds") == 0)
            seconds = strtoll(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            seed = (unsigned)strtoul(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--dir") == 0)
            dir = argv[i + 1];
    }
    if (dir == NULL && (dir = mkdtemp(made)) == NULL)
        fail("mkdtemp", strerror(errno));
    printf("torture: %" PRId64 " s, --seed %u, in %s\n", seconds, seed, dir);
    fflush(stdout);
    set_up(dir);
    struct toll toll = play(seconds, seed);
    printf("torture: %u killed, %u times all at once, %u left for a recovery; %" PRIuFAST64 " verbs, %" PRIuFAST64
           " refused; longest silence %" PRIdFAST64 " ms\n",
           toll.kills, toll.massacres, toll.leaves, atomic_load(&stage->verbs), atomic_load(&stage->refusals),
           atomic_load(&stage->longest_silence_ms));
    if (in_child(reckon) != 0)
        return 1;
    printf("torture: nothing acknowledged is missing\n");
    return 0;
}
