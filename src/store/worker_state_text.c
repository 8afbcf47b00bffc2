/* The workers' figures as arithmetic and as text. The file `worker.state` holds one figure a line, in this order:
 *
 *     hookturn-worker-state 1
 *     last_run_at_ms, oldest_due_seconds, since_ms, then the counts, each with its number
 *     backlog <counted at> <due> <later> <held>            once something was counted
 *     destination <due> <host>                             the worst, at most WORKER_DESTINATIONS
 *     failing <failures in a row> <window> <host:port>     likewise
 *     minute <minute since 1970> <succeeded> <failed>      for each minute in which something was attempted
 *
 * Whatever is not exactly that counts as not known, and the next worker begins anew: figures are worth less than a
 * worker that runs. */
#include "store/worker_state.h"

#include <inttypes.h>
#include <string.h>

#define HEAD "hookturn-worker-state 1"
#define MINUTE_MS INT64_C(60000)

static const char *const count_names[] = {
    [WORKER_ATTEMPTS_DELIVERED] = "attempts_delivered",
    [WORKER_ATTEMPTS_STATUS] = "attempts_status",
    [WORKER_ATTEMPTS_TIMEOUT] = "attempts_timeout",
    [WORKER_ATTEMPTS_CONNECT] = "attempts_connect",
    [WORKER_ATTEMPTS_DNS] = "attempts_dns",
    [WORKER_ATTEMPTS_TLS] = "attempts_tls",
    [WORKER_ATTEMPTS_BLOCKED] = "attempts_blocked",
    [WORKER_ATTEMPTS_TOO_LARGE] = "attempts_too_large",
    [WORKER_ATTEMPTS_PROTOCOL] = "attempts_protocol",
    [WORKER_DELIVERIES_DELIVERED] = "deliveries_delivered",
    [WORKER_DELIVERIES_FAILED] = "deliveries_failed",
    [WORKER_DURATIONS] = "within_10ms",
    "within_25ms",
    "within_50ms",
    "within_100ms",
    "within_250ms",
    "within_500ms",
    "within_1s",
    "within_2.5s",
    "within_5s",
    "within_10s",
    "within_30s",
    "within_60s",
    "longer",
    [WORKER_DURATION_SUM_MS] = "duration_sum_ms",
};
_Static_assert(sizeof count_names / sizeof count_names[0] == WORKER_COUNTS, "each count has a name");
_Static_assert(WORKER_ATTEMPTS_PROTOCOL - WORKER_ATTEMPTS_STATUS == ATTEMPT_PROTOCOL, "the order of attempt_error");

static const int64_t duration_bounds_ms[] = {10,   25,   50,    100,   250,   500,      1000,
                                             2500, 5000, 10000, 30000, 60000, INT64_MAX};
_Static_assert(sizeof duration_bounds_ms / sizeof duration_bounds_ms[0] == WORKER_DURATION_BUCKETS,
               "each bucket has a bound");

int64_t worker_duration_bound_ms(int bucket)
{
    return duration_bounds_ms[bucket];
}

const char *worker_count_name(enum worker_count count)
{
    return count_names[count];
}

/* ---- counting ---- */

static void count_duration(struct worker_counts *counts, int64_t duration_ms)
{
    int bucket = 0;
    while (duration_ms > duration_bounds_ms[bucket])
        bucket++;
    counts->of[WORKER_DURATIONS + bucket]++;
    counts->of[WORKER_DURATION_SUM_MS] += duration_ms > 0 ? (uint64_t)duration_ms : 0;
}

void worker_counts_attempt(struct worker_counts *counts, const struct attempt *attempt, enum delivery_status next)
{
    bool is_taken = next == DELIVERY_DELIVERED;
    counts->of[is_taken ? WORKER_ATTEMPTS_DELIVERED : WORKER_ATTEMPTS_STATUS + (int)attempt->error]++;
    count_duration(counts, attempt->duration_ms);
    if (is_taken)
        counts->of[WORKER_DELIVERIES_DELIVERED]++;
    else if (next == DELIVERY_FAILED)
        counts->of[WORKER_DELIVERIES_FAILED]++;
}

static struct worker_minute *slot_of(struct worker_state *state, int64_t minute)
{
    return &state->minutes[minute % WORKER_MINUTES];
}

static void add_to_minute(struct worker_state *state, int64_t minute, const struct worker_counts *counts)
{
    struct worker_minute *slot = slot_of(state, minute);
    if (slot->minute != minute)
        *slot = (struct worker_minute){.minute = minute};
    slot->succeeded += counts->of[WORKER_ATTEMPTS_DELIVERED];
    for (int i = WORKER_ATTEMPTS_STATUS; i <= WORKER_ATTEMPTS_PROTOCOL; i++)
        slot->failed += counts->of[i];
}

void worker_state_add(struct worker_state *state, int64_t now_ms, const struct worker_counts *counts)
{
    if (state->since_ms == 0)
        state->since_ms = now_ms;
    for (int i = 0; i < WORKER_COUNTS; i++)
        state->counts.of[i] += counts->of[i];
    if (now_ms >= 0)
        add_to_minute(state, now_ms / MINUTE_MS, counts);
}

/* ---- rates ---- */

/* Of the `minutes` before now_ms. A minute that is yet to come was counted by a clock that has been set back since. */
static void sum_up(const struct worker_state *state, int64_t now_ms, int64_t minutes, uint64_t *succeeded,
                   uint64_t *failed)
{
    const int64_t present = now_ms / MINUTE_MS;
    const uint64_t part_ms = (uint64_t)(MINUTE_MS - now_ms % MINUTE_MS);
    *succeeded = 0;
    *failed = 0;
    for (int i = 0; i < WORKER_MINUTES; i++) {
        const struct worker_minute *slot = &state->minutes[i];
        int64_t age = present - slot->minute;
        if (age < 0 || age > minutes)
            continue;
        *succeeded += age < minutes ? slot->succeeded : slot->succeeded * part_ms / (uint64_t)MINUTE_MS;
        *failed += age < minutes ? slot->failed : slot->failed * part_ms / (uint64_t)MINUTE_MS;
    }
}

struct worker_rates worker_state_rates(const struct worker_state *state, int64_t now_ms)
{
    struct worker_rates rates = {0};
    if (now_ms < 0)
        return rates;
    sum_up(state, now_ms, 1, &rates.minute_succeeded, &rates.minute_failed);
    sum_up(state, now_ms, WORKER_MINUTES - 1, &rates.hour_succeeded, &rates.hour_failed);
    return rates;
}

/* ---- text ---- */

static void encode_backlog(const struct worker_backlog *backlog, struct buf *out)
{
    if (backlog->counted_at_ms <= 0)
        return;
    buf_printf(out, "backlog %" PRId64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", backlog->counted_at_ms, backlog->due,
               backlog->later, backlog->held);
    for (size_t i = 0; i < backlog->destination_count; i++)
        buf_printf(out, "destination %" PRIu64 " %s\n", backlog->destinations[i].due, backlog->destinations[i].host);
}

static void encode_failing(const struct worker_failing *failing, struct buf *out)
{
    for (size_t i = 0; i < failing->count; i++)
        buf_printf(out, "failing %" PRIu64 " %" PRIu64 " %s\n", failing->items[i].failures, failing->items[i].window,
                   failing->items[i].name);
}

void worker_state_encode(const struct worker_state *state, struct buf *out)
{
    buf_append_text(out, HEAD "\n");
    buf_printf(out, "last_run_at_ms %" PRId64 "\n", state->last_run_at_ms);
    buf_printf(out, "oldest_due_seconds %" PRId64 "\n", state->oldest_due_seconds);
    buf_printf(out, "since_ms %" PRId64 "\n", state->since_ms);
    for (int i = 0; i < WORKER_COUNTS; i++)
        buf_printf(out, "%s %" PRIu64 "\n", count_names[i], state->counts.of[i]);
    encode_backlog(&state->backlog, out);
    encode_failing(&state->failing, out);
    for (int i = 0; i < WORKER_MINUTES; i++) {
        const struct worker_minute *slot = &state->minutes[i];
        if (slot->succeeded > 0 || slot->failed > 0)
            buf_printf(out, "minute %" PRId64 " %" PRIu64 " %" PRIu64 "\n", slot->minute, slot->succeeded,
                       slot->failed);
    }
}

/* Reads on where `text` begins so, and only then moves it. */
static bool take_word(struct slice *text, const char *word)
{
    size_t length = strlen(word);
    if (text->length < length || memcmp(text->data, word, length) != 0)
        return false;
    text->data += length;
    text->length -= length;
    return true;
}

/* Digits, at least one; INT64_MAX at most, which no count of ours reaches. */
static bool take_number(struct slice *text, int64_t *out)
{
    int64_t number = 0;
    size_t digits = 0;
    for (; digits < text->length && text->data[digits] >= '0' && text->data[digits] <= '9'; digits++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, text->data[digits] - '0', &number))
            return false;
    text->data += digits;
    text->length -= digits;
    *out = number;
    return digits > 0;
}

static bool take_count(struct slice *text, uint64_t *out)
{
    int64_t number;
    if (!take_word(text, " ") || !take_number(text, &number))
        return false;
    *out = (uint64_t)number;
    return true;
}

static bool take_time(struct slice *text, const char *name, int64_t *out)
{
    if (!take_word(text, name) || !take_word(text, " "))
        return false;
    if (take_word(text, "-1\n")) {
        *out = -1;
        return true;
    }
    return take_number(text, out) && take_word(text, "\n");
}

static bool take_minute(struct slice *text, struct worker_state *state)
{
    struct worker_minute found;
    if (!take_word(text, "minute ") || !take_number(text, &found.minute) || !take_count(text, &found.succeeded) ||
        !take_count(text, &found.failed) || !take_word(text, "\n"))
        return false;
    *slot_of(state, found.minute) = found;
    return true;
}

static bool take_counts(struct slice *text, struct worker_counts *out)
{
    for (int i = 0; i < WORKER_COUNTS; i++)
        if (!take_word(text, count_names[i]) || !take_count(text, &out->of[i]) || !take_word(text, "\n"))
            return false;
    return true;
}

/* What a URL's host can be, and a port; it ends up in other people's texts. */
static bool take_host(struct slice *text, char *out, size_t size)
{
    size_t length = 0;
    while (length < text->length && text->data[length] != '\n')
        length++;
    if (length == text->length || length >= size ||
        strspn(text->data, "abcdefghijklmnopqrstuvwxyz0123456789.-_:[]") < length) /* the line's end ends that */
        return false;
    memcpy(out, text->data, length);
    out[length] = '\0';
    text->data += length;
    text->length -= length;
    return true;
}

static bool take_destination(struct slice *text, struct worker_backlog *backlog)
{
    struct worker_destination *out = &backlog->destinations[backlog->destination_count];
    if (backlog->destination_count == WORKER_DESTINATIONS)
        return false;
    backlog->destination_count++;
    return take_count(text, &out->due) && take_word(text, " ") && take_host(text, out->host, sizeof out->host) &&
           take_word(text, "\n");
}

static bool take_backlog(struct slice *text, struct worker_backlog *out)
{
    if (!take_word(text, "backlog "))
        return true;
    if (!take_number(text, &out->counted_at_ms) || out->counted_at_ms == 0 || !take_count(text, &out->due) ||
        !take_count(text, &out->later) || !take_count(text, &out->held) || !take_word(text, "\n"))
        return false;
    while (take_word(text, "destination"))
        if (!take_destination(text, out))
            return false;
    return true;
}

static bool take_failing(struct slice *text, struct worker_failing *out)
{
    while (take_word(text, "failing")) {
        if (out->count == WORKER_DESTINATIONS)
            return false;
        size_t at = out->count++;
        if (!take_count(text, &out->items[at].failures) || !take_count(text, &out->items[at].window) ||
            !take_word(text, " ") || !take_host(text, out->items[at].name, sizeof out->items[at].name) ||
            !take_word(text, "\n"))
            return false;
    }
    return true;
}

bool worker_state_decode(struct slice text, struct worker_state *out)
{
    struct worker_state state = {.is_running = out->is_running};
    if (!take_word(&text, HEAD "\n") || !take_time(&text, "last_run_at_ms", &state.last_run_at_ms) ||
        !take_time(&text, "oldest_due_seconds", &state.oldest_due_seconds) ||
        !take_time(&text, "since_ms", &state.since_ms) || !take_counts(&text, &state.counts) ||
        !take_backlog(&text, &state.backlog) || !take_failing(&text, &state.failing))
        return false;
    for (int i = 0; i < WORKER_MINUTES && text.length > 0; i++)
        if (!take_minute(&text, &state))
            return false;
    if (text.length > 0)
        return false;
    *out = state;
    return true;
}
