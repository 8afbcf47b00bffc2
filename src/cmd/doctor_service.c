/* What makes the service: the store, its keys, the worker. */
#include "cmd/doctor.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "store/worker_start.h"
#include "store/worker_state.h"

/* ---- the store ---- */

struct key_survey {
    const struct doctor *doctor;
    struct store_facts *facts;
    int64_t now_ms;
};

static bool visit_key(void *context, const struct api_key *key)
{
    struct key_survey *survey = context;
    if (object_id_compare(&key->id, &survey->doctor->trial_key.id) == 0)
        return true;
    if (api_key_is_valid(key, survey->now_ms))
        survey->facts->valid_keys++;
    if (key->created_at_ms > survey->facts->newest_ms)
        survey->facts->newest_ms = key->created_at_ms;
    return true;
}

static void pass_over(void *context, const struct store_concern *concern)
{
    (void)context;
    (void)concern;
}

/* Everything is looked at once: a table that nobody can read shows here, not first with a request that needs it. */
static enum status read_facts(struct doctor *doctor, struct store *store)
{
    struct store_overview overview;
    struct store_facts facts = {.format = store_format(store)};
    struct key_survey survey = {doctor, &facts, clock_now_ms()};
    enum status status = store_key_walk(store, visit_key, &survey);
    if (status == STATUS_OK)
        status = store_statistics(store, survey.now_ms, &facts.statistics);
    if (status == STATUS_OK)
        status = store_overview(store, survey.now_ms, pass_over, NULL, &overview);
    if (status == STATUS_OK)
        doctor->store = facts;
    return status;
}

/* A child before this one may have put it. */
static enum status put_trial_key(struct doctor *doctor, struct store *store)
{
    if (!doctor->url)
        return STATUS_OK;
    enum status status = store_key_put(store, &doctor->trial_key);
    return status == STATUS_EXISTS ? STATUS_OK : status;
}

/* Opened for a moment: nobody shall have to wait for what the other checks wait for. */
void doctor_store(struct doctor *doctor, struct finding *finding)
{
    struct failure failure;
    struct store *store;
    if (store_open(doctor->conf, STORE_FOR_COMMAND, &store, &failure) != STATUS_OK) {
        finding_set(finding, DOCTOR_PROBLEM, "%s", failure.text);
        return;
    }
    enum status status = read_facts(doctor, store);
    if (status == STATUS_OK)
        status = put_trial_key(doctor, store);
    if (status == STATUS_OK) {
        doctor->facts |= FACT_STORE;
        finding_set(finding, DOCTOR_OK, "opens (%s, format %d)", store_engine(store), doctor->store.format);
    } else {
        doctor->is_leaving = status == STATUS_UNAVAILABLE;
        finding_set(finding, DOCTOR_PROBLEM, "it opens, but cannot be read (%s)", status_name(status));
        finding_advise(finding, "see the lines above and the log; restore a backup where it is damaged");
    }
    store_close(store);
}

void doctor_keys(struct doctor *doctor, struct finding *finding)
{
    if (doctor->store.valid_keys > 0) {
        finding_set(finding, DOCTOR_OK, "%" PRIu64 " valid", doctor->store.valid_keys);
        return;
    }
    finding_set(finding, DOCTOR_WARNING, "there is no valid API key yet");
    finding_advise(finding, "hookturn key create --organization \"$(cat /proc/sys/kernel/random/uuid)\"");
}

/* ---- the worker ---- */

/* "* * * * * /usr/local/bin/hookturn -c /…/hookturn.conf deliver --for 55s >/dev/null 2>&1": cron mails what it sees */
static void append_cron_line(const struct conf *conf, struct buf *out)
{
    char *program = worker_start_program(conf);
    buf_append_text(out, "* * * * * ");
    text_append_shell_word(program ? program : "hookturn", out);
    if (conf->path[0] != '\0') {
        buf_append_text(out, " -c ");
        text_append_shell_word(conf->path, out);
    }
    buf_append_text(out, " deliver --for 55s >/dev/null 2>&1");
    free(program);
}

static void advise_worker(const struct conf *conf, struct finding *finding)
{
    struct buf line = {0};
    append_cron_line(conf, &line);
    finding_advise(finding, "%s`crontab -e`: %s",
                   conf->worker_is_auto
                       ? "publishing starts one (worker = auto); for what is due later, let cron look: "
                       : "keep `hookturn deliver` running, or let cron start it: ",
                   buf_text(&line));
    buf_clear(&line);
}

void doctor_worker(struct doctor *doctor, struct finding *finding)
{
    const int64_t silent_ms = 60000;
    struct worker_state worker;
    worker_state_read(doctor->conf->data_dir, &worker);
    int64_t age_ms = clock_now_ms() - worker.last_run_at_ms;
    if (!worker.is_running) {
        char text[TIMESTAMP_SIZE] = "";
        if (worker.last_run_at_ms != 0)
            timestamp_format(worker.last_run_at_ms, text);
        finding_set(finding, DOCTOR_WARNING, "none runs%s%s", text[0] ? ", the last one looked at " : "", text);
        advise_worker(doctor->conf, finding);
    } else if (worker.last_run_at_ms != 0 && age_ms > silent_ms) {
        finding_set(finding, DOCTOR_WARNING, "one runs, but has not looked for %" PRId64 " s", age_ms / 1000);
        finding_advise(finding, "see its log; end it with SIGTERM and start it again");
    } else {
        finding_set(finding, DOCTOR_OK, "running");
    }
}

/* What publishing would start. */
void doctor_worker_program(struct doctor *doctor, struct finding *finding)
{
    if (!doctor->conf->worker_is_auto) {
        finding_set(finding, DOCTOR_OK, "not started by publishing (worker = manual)");
        return;
    }
    char *program = worker_start_program(doctor->conf);
    if (program) {
        finding_set(finding, DOCTOR_OK, "publishing starts %s", program);
    } else {
        finding_set(finding, DOCTOR_PROBLEM, "publishing finds no program to start (worker = auto)");
        finding_advise(finding, "run `hookturn deliver --once` once, which leaves a note of where it is");
    }
    free(program);
}

void doctor_backlog(struct doctor *doctor, struct finding *finding)
{
    const int64_t late_ms = 300000;
    struct worker_state worker;
    int64_t since_ms = doctor->store.statistics.oldest_due_ms;
    int64_t waits_ms = since_ms > 0 ? clock_now_ms() - since_ms : 0;
    if (waits_ms <= late_ms) {
        finding_set(finding, DOCTOR_OK, "nothing is due for long");
        return;
    }
    worker_state_read(doctor->conf->data_dir, &worker);
    finding_set(finding, DOCTOR_WARNING, "the oldest delivery that is due has waited for %" PRId64 " min",
                waits_ms / 60000);
    if (worker.is_running)
        finding_advise(finding, "`hookturn status` shows for whom; another `hookturn deliver` beside shares the work");
    else
        finding_advise(finding, "hookturn deliver --once");
}
