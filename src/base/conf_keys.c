/* Every configuration key once: its type, default, bounds, and what the sample says about it. */
#include "base/conf_keys.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

#define AT(member) offsetof(struct conf, member)
#define LONGEST "3650d"

static const struct conf_choice engines[] = {{"bdb", 0}, {NULL, 0}};
static const struct conf_choice switches[] = {{"on", 1},   {"off", 0},   {"yes", 1}, {"no", 0},
                                              {"true", 1}, {"false", 0}, {NULL, 0}};
static const struct conf_choice workers[] = {{"auto", 1}, {"manual", 0}, {NULL, 0}};
static const struct conf_choice strategies[] = {
    {"FIXED_DELAY", RETRY_FIXED_DELAY}, {"EXPONENTIAL_BACKOFF", RETRY_EXPONENTIAL_BACKOFF}, {NULL, 0}};
static const struct conf_choice levels[] = {{"error", LOG_LEVEL_ERROR},
                                            {"warn", LOG_LEVEL_WARN},
                                            {"info", LOG_LEVEL_INFO},
                                            {"debug", LOG_LEVEL_DEBUG},
                                            {NULL, 0}};

const struct conf_key conf_keys[] = {
    {"data_dir", CONF_PATH, AT(data_dir), "~/.hookturn", NULL, NULL, NULL,
     "The directory of the store, the master key, and the worker's lock and log.\n"
     "It belongs on a local disk (not NFS) and to the user that hookturn runs as.\n"},
    {"store", CONF_WORD, AT(store), "bdb", NULL, NULL, engines,
     "The storage engine. bdb is the embedded one, which needs no server.\n"},
    {"master_key_file", CONF_PATH, AT(master_key_file), "<data_dir>/master.key", NULL, NULL, NULL,
     "The key that encrypts signing secrets and subscribers' headers. Keep a copy\n"
     "of it elsewhere: without it they cannot be read. <data_dir> at the start of\n"
     "a path stands for the directory above.\n"},
    {"secret_grace", CONF_DURATION, AT(secret_grace_ms), "72h", "1ms", LONGEST, NULL,
     "How long a replaced signing secret keeps signing beside the new one: the time\n"
     "that receivers have for taking over the new one.\n"},
    {"request_timeout", CONF_DURATION, AT(request_timeout_ms), "15s", "100ms", "60s", NULL,
     "How long a receiver may take to answer, for subscriptions that set no time of\n"
     "their own (100ms to 60s).\n"},
    {"retry_strategy", CONF_CHOICE, AT(retry_strategy), "EXPONENTIAL_BACKOFF", NULL, NULL, strategies,
     "What follows a failed attempt, for subscriptions that set no policy of their\n"
     "own. EXPONENTIAL_BACKOFF waits 5s, 30s, 3m and so on up to retry_max_delay;\n"
     "FIXED_DELAY waits retry_max_delay each time.\n"},
    {"retry_attempts", CONF_INTEGER, AT(retry_attempts), "8", "0", "20", NULL,
     "How often a failed delivery is tried again (0 to 20).\n"},
    {"retry_max_delay", CONF_DURATION, AT(retry_max_delay_ms), "10h", "1s", "24h", NULL,
     "The longest wait between two attempts (1s to 24h).\n"},
    {"disable_after", CONF_DURATION, AT(disable_after_ms), "5d", "1ms", LONGEST, NULL,
     "A subscription whose deliveries did nothing but fail for so long is switched\n"
     "off, until somebody says `active: true` again.\n"},
    {"concurrency", CONF_INTEGER, AT(concurrency), "256", "1", "4096", NULL,
     "How many requests a worker has in flight at a time (1 to 4096). A quarter of\n"
     "them is kept for destinations that answer quickly.\n"},
    {"destination_concurrency", CONF_INTEGER, AT(destination_concurrency), "16", "1", "4096", NULL,
     "How many of them go to the same host and port, by all workers together. One\n"
     "that fails gets fewer for a while.\n"},
    {"allow_destinations", CONF_DESTINATIONS, AT(destinations), "", NULL, NULL, NULL,
     "Requests never reach loopback, private and other special addresses. Exempt\n"
     "from that are these CIDR blocks and host names, each optionally with a port:\n"
     "127.0.0.0/8:8080 [::1/128]:8080 hooks.example:8443\n"},
    {"deny_ports", CONF_PORTS, AT(destinations), "22 25 465 587 3306 5432 6379 11211", NULL, NULL, NULL,
     "Ports that are never connected to, whatever allow_destinations says.\n"},
    {"max_subscriptions", CONF_INTEGER, AT(max_subscriptions), "10000", "1", "1000000000", NULL,
     "How many subscriptions an organization may have.\n"},
    {"max_waiting", CONF_INTEGER, AT(max_waiting), "100000", "1", "1000000000", NULL,
     "How many deliveries may wait for one subscription; the oldest beyond that are\n"
     "cancelled within a minute.\n"},
    {"require_https", CONF_FLAG, AT(require_https), "off", NULL, NULL, switches,
     "Whether subscriptions with http:// URLs are refused (on or off).\n"},
    {"retention", CONF_DURATION, AT(retention_ms), "30d", "1ms", LONGEST, NULL,
     "How long finished deliveries, their attempts and their events are kept.\n"
     "What waits longer, for a subscription that is paused, say, is cancelled.\n"},
    {"worker", CONF_FLAG, AT(worker_is_auto), "auto", NULL, NULL, workers,
     "auto: publishing starts a delivery worker where none runs. manual: it never\n"
     "does; run `hookturn deliver` by a service manager or cron.\n"},
    {"worker_idle", CONF_DURATION, AT(worker_idle_ms), "60s", "1ms", LONGEST, NULL,
     "A worker that was started so ends when for so long nothing has been in flight\n"
     "and nothing waited for another try.\n"},
    {"base_path", CONF_BASE_PATH, AT(base_path), "", NULL, NULL, NULL,
     "What stands before /v1 in the paths that clients use, such as /hooks. Set it\n"
     "only where the web server does not tell; empty: it is found out.\n"},
    {"threads", CONF_INTEGER, AT(threads), "4", "1", "64", NULL,
     "How many requests one process of the FastCGI program answers at a time.\n"},
    {"max_body", CONF_SIZE, AT(max_body), "128k", "1k", "16m", NULL,
     "The largest request body (1k to 16m). A smaller limit of the web server's\n"
     "answers by itself.\n"},
    {"log_level", CONF_CHOICE, AT(log_level), "info", NULL, NULL, levels,
     "What is logged: error, warn, info or debug, each with those before it.\n"},
    {"log_file", CONF_PATH_OR_NONE, AT(log_file), "", NULL, NULL, NULL,
     "The file that log lines are appended to; empty: standard error.\n"},
    {NULL, CONF_WORD, 0, NULL, NULL, NULL, NULL, NULL},
};

static_assert(sizeof conf_keys / sizeof conf_keys[0] <= CONF_KEYS_MAX, "arrays beside the table are too short");

const char *conf_key_name(size_t index)
{
    return index < sizeof conf_keys / sizeof conf_keys[0] ? conf_keys[index].name : NULL;
}

int conf_key_find(const char *name)
{
    for (int i = 0; conf_keys[i].name != NULL; i++) {
        if (strcmp(conf_keys[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

static struct slice name_at(const void *context, size_t index)
{
    (void)context;
    const char *name = conf_key_name(index);
    return name != NULL ? slice_of(name) : (struct slice){NULL, 0};
}

const char *conf_key_suggest(const char *name)
{
    return text_nearest(name, name_at, NULL).data;
}
