/* Torture of the store: writers and claimers work on one store while they are killed at random, one by one and all at
 * once. Whatever a verb acknowledged is written down by the writer, and must be there at the end; nobody may be without
 * an answered verb for longer than SILENCE_MAX_MS; and every event that was accepted must still find its way to a
 * claim.
 *
 *     torture [--seconds N] [--seed N] [--dir DIR]
 *
 * The seed decides when and whom we kill; it is printed, so that a bad run can be tried again.
 *
 * Here is the play: who is started, killed and looked after. torture_people.c has what they do, torture_reckoning.c
 * whether all of it is there at the end. */
#include "torture.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

struct stage *stage;
struct conf conf;
char ack_dir[512];
const struct uuid organization = {{0x11, 0x22, 0x33}};

void fail(const char *what, const char *detail)
{
    fprintf(stderr, "torture: FAILED: %s: %s\n", what, detail);
    exit(1);
}

struct store *open_store(enum store_role role)
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
