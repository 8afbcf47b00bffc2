/* What a client meets at --url: whether the web server hands requests over to hookturn as they are. Nothing is sent
 * anywhere else. What comes back was written by a stranger until it proves to be ours. */
#include "cmd/doctor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_scan.h"
#include "base/timestamp.h"
#include "cmd/family.h"
#include "config.h"
#include "delivery/web_check.h"
#include "store/worker_state.h"

/* ---- JSON answers ---- */

/* The text of a member of the outermost object, as it stands between its quotes; empty where there is no such text. */
static void append_member(struct slice json, const char *name, struct buf *out)
{
    struct json_scan scan;
    const char *message;
    if (json_scan(json, JSON_MAX_DEPTH, &scan, &message) != STATUS_OK)
        return;
    const struct json_span *span = scan.kind == JSON_OBJECT ? json_scan_find(&scan, name) : NULL;
    if (span && span->kind == JSON_STRING)
        buf_append(out, span->value.data + 1, span->value.length - 2);
    else if (span)
        buf_append_slice(out, span->value);
    json_scan_clear(&scan);
}

static bool has_member(const struct web_answer *answer, const char *name, const char *value)
{
    struct buf found = {0};
    append_member(buf_slice(&answer->body), name, &found);
    bool is_so = value ? strcmp(buf_text(&found), value) == 0 : found.length > 0;
    buf_clear(&found);
    return is_so;
}

static int64_t worker_time_ms(const struct web_answer *answer)
{
    struct buf worker = {0}, time = {0};
    int64_t time_ms = 0;
    append_member(buf_slice(&answer->body), "worker", &worker);
    append_member(buf_slice(&worker), "last_run_at", &time);
    if (timestamp_parse(buf_text(&time), &time_ms) != STATUS_OK)
        time_ms = 0;
    buf_clear(&worker);
    buf_clear(&time);
    return time_ms;
}

/* ---- what can be wrong ---- */

static const struct {
    enum attempt_error error;
    const char *remedy;
} silences[] = {
    {ATTEMPT_CONNECT, "start the web server, or correct the host and port of --url"},
    {ATTEMPT_DNS, "correct the host of --url, or its DNS record"},
    {ATTEMPT_TLS, "give the web server a certificate for this name with its whole chain, or use http:// where it "
                  "has none"},
    {ATTEMPT_TIMEOUT, "see the web server's error log: something holds requests up"},
    {ATTEMPT_PROTOCOL, "correct --url: what listens there does not speak HTTP"},
    {ATTEMPT_TOO_LARGE, "correct --url: what listens there is no web server of ours"},
};
enum { SILENCES = sizeof silences / sizeof silences[0] };

static void judge_silence(const struct web_answer *answer, const char *url, struct finding *finding)
{
    finding_set(finding, DOCTOR_PROBLEM, "%s gives no answer: %s", url, answer->why);
    for (size_t i = 0; i < SILENCES; i++)
        if (silences[i].error == answer->error)
            finding_advise(finding, "%s", silences[i].remedy);
}

/* Answers that are not ours. */
static const struct {
    int32_t first, last;
    const char *what;
    const char *remedy;
} strangers[] = {
    {200, 299, "something else than hookturn answers",
     "hand /v1 and /healthz over to hookturn.fcgi (see the examples in share/hookturn), or correct --url"},
    {300, 399, "the web server redirects", "give --url the address that it redirects to"},
    {401, 401, "the web server wants a login of its own", "exempt these paths from it: API keys are the login here"},
    {403, 403, "the web server refuses", "allow these paths, and that hookturn.fcgi is run (Apache: Options +ExecCGI)"},
    {404, 404, "the web server finds nothing",
     "hand /v1 and /healthz over to hookturn.fcgi: look at its rewrite rules and the path in --url"},
    {500, 599, "the web server cannot run hookturn.fcgi",
     "see the web server's error log: the program's path and permissions, its user, HOOKTURN_CONF"},
    {0, 999, "the answer is not hookturn's", "correct --url, or the web server's configuration"},
};

static void judge_stranger(const struct web_answer *answer, const char *url, struct finding *finding)
{
    size_t i = 0;
    struct buf location = {0};
    while (answer->status < strangers[i].first || answer->status > strangers[i].last)
        i++;
    web_answer_header(answer, "Location", &location);
    finding_set(finding, DOCTOR_PROBLEM, "%s at %s (status %d%s%.200s)", strangers[i].what, url, (int)answer->status,
                location.length > 0 ? ", " : "", buf_text(&location));
    finding_advise(finding, "%s", strangers[i].remedy);
    buf_clear(&location);
}

/* hookturn answers, but with an error of its own. */
static void judge_our_error(const struct web_answer *answer, const char *url, struct finding *finding)
{
    struct buf message = {0};
    append_member(buf_slice(&answer->body), "message", &message);
    finding_set(finding, DOCTOR_PROBLEM, "hookturn answers at %s with status %d: %.200s", url, (int)answer->status,
                buf_text(&message));
    if (answer->status == 404)
        finding_advise(finding, "correct the path in --url, or set base_path to what stands before /v1 there");
    else
        finding_advise(finding, "see its log; its user must own the data directory, and HOOKTURN_CONF name the "
                                "configuration");
    buf_clear(&message);
}

/* Whatever it is, it is not what was hoped for. */
static void judge_trouble(const struct web_answer *answer, const char *url, struct finding *finding)
{
    if (answer->status == 0 || answer->error != ATTEMPT_NO_ERROR)
        judge_silence(answer, url, finding);
    else if (has_member(answer, "trace_id", NULL))
        judge_our_error(answer, url, finding);
    else
        judge_stranger(answer, url, finding);
}

static bool is_whole(const struct web_answer *answer, int32_t status)
{
    return answer->status == status && answer->error == ATTEMPT_NO_ERROR;
}

static void judge_health(struct doctor *doctor, const struct web_answer *answer, struct finding *finding)
{
    struct buf version = {0};
    append_member(buf_slice(&answer->body), "version", &version);
    doctor->facts |= FACT_WEB;
    doctor->web_date_ms = answer->date_ms;
    doctor->web_last_run_at_ms = worker_time_ms(answer);
    if (strcmp(buf_text(&version), PACKAGE_VERSION) == 0) {
        finding_set(finding, DOCTOR_OK, "hookturn %s answers at %s", PACKAGE_VERSION, doctor->url);
    } else {
        finding_set(finding, DOCTOR_PROBLEM, "hookturn %.40s answers at %s, but this is %s", buf_text(&version),
                    doctor->url, PACKAGE_VERSION);
        finding_advise(finding, "install both from one version, and restart the web server's program");
    }
    buf_clear(&version);
}

static char *path_at(const struct doctor *doctor, const char *path)
{
    struct buf url = {0};
    buf_printf(&url, "%s%s", doctor->url, path);
    return url.data;
}

void doctor_web(struct doctor *doctor, struct finding *finding)
{
    struct web_answer answer;
    char *url = path_at(doctor, "/healthz");
    web_get(url, NULL, &family_stop, &answer);
    if (is_whole(&answer, 200) && has_member(&answer, "status", "ok") && has_member(&answer, "version", NULL))
        judge_health(doctor, &answer, finding);
    else
        judge_trouble(&answer, url, finding);
    web_answer_clear(&answer);
    free(url);
}

/* ---- Authorization ---- */

/* A worker leaves its last look in the data directory, and /healthz tells it: two that are far apart are two. */
static bool is_another_store(const struct doctor *doctor)
{
    const int64_t slack_ms = 30000;
    struct worker_state worker;
    worker_state_read(doctor->conf->data_dir, &worker);
    int64_t apart_ms = worker.last_run_at_ms - doctor->web_last_run_at_ms;
    return apart_ms > slack_ms || apart_ms < -slack_ms;
}

/* hookturn knows no such key. */
static void judge_refusal(const struct doctor *doctor, struct finding *finding)
{
    if (is_another_store(doctor)) {
        finding_set(finding, DOCTOR_PROBLEM, "the web server's program has another store than %s",
                    doctor->conf->data_dir);
        finding_advise(finding, "set HOOKTURN_CONF to %s in the web server's configuration",
                       doctor->conf->path[0] ? doctor->conf->path : "the configuration of this command");
    } else {
        finding_set(finding, DOCTOR_PROBLEM, "the web server does not hand over the Authorization header");
        finding_advise(finding, "Apache: `CGIPassAuth On` in the .htaccess or <Directory> of the program, or before "
                                "2.4.13 `RewriteRule .* - [E=HTTP_AUTHORIZATION:%%{HTTP:Authorization}]`; another "
                                "server or proxy: let the header through");
    }
}

void doctor_web_key(struct doctor *doctor, struct finding *finding)
{
    struct web_answer answer;
    char id[OBJECT_ID_TEXT];
    char *url = path_at(doctor, "/v1/whoami");
    object_id_format(&doctor->trial_key.id, id);
    web_get(url, doctor->trial_text, &family_stop, &answer);
    if (is_whole(&answer, 200) && has_member(&answer, "id", id))
        finding_set(finding, DOCTOR_OK, "arrives, and the web server's program has the same store");
    else if (is_whole(&answer, 401) && has_member(&answer, "error", "Authentication"))
        judge_refusal(doctor, finding);
    else
        judge_trouble(&answer, url, finding);
    web_answer_clear(&answer);
    free(url);
}

/* ---- time ---- */

void doctor_web_clock(struct doctor *doctor, struct finding *finding)
{
    const int64_t warning_ms = 5000, problem_ms = 60000;
    int64_t apart_ms = clock_now_ms() - doctor->web_date_ms;
    int64_t distance_ms = apart_ms < 0 ? -apart_ms : apart_ms;
    if (doctor->web_date_ms < 0) {
        finding_set(finding, DOCTOR_OK, "the web server does not tell its time");
    } else if (distance_ms <= warning_ms) {
        finding_set(finding, DOCTOR_OK, "the web server's clock shows the same");
    } else {
        finding_set(finding, distance_ms > problem_ms ? DOCTOR_PROBLEM : DOCTOR_WARNING,
                    "the web server's clock is %" PRId64 " s %s ours", distance_ms / 1000,
                    apart_ms > 0 ? "behind" : "ahead of");
        finding_advise(finding, "set the wrong one right: receivers refuse signatures of another time");
    }
}
