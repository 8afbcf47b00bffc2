/* `hookturn doctor`: the table of checks, run in order in a child (one of them opens the store), and the report. With
 * --url a key is made for a minute; the parent takes it back, whatever became of the child. */
#include "cmd/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json_out.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/url.h"
#include "cmd/command.h"
#include "cmd/family.h"

static const struct check {
    const char *name;
    unsigned needs; /* enum doctor_fact, or-ed */
    void (*run)(struct doctor *doctor, struct finding *finding);
} checks[] = {
    {"configuration", 0, doctor_configuration},
    {"configuration file", FACT_CONF, doctor_configuration_file},
    {"settings", FACT_CONF, doctor_settings},
    {"log file", FACT_CONF, doctor_log_file},
    {"data directory", FACT_CONF, doctor_data_directory},
    {"space", FACT_CONF | FACT_DATA, doctor_space},
    {"permissions", FACT_CONF | FACT_DATA, doctor_permissions},
    {"master key", FACT_CONF | FACT_DATA, doctor_master_key},
    {"setup file", FACT_CONF | FACT_DATA, doctor_setup_file},
    {"store", FACT_CONF | FACT_DATA, doctor_store},
    {"API keys", FACT_STORE, doctor_keys},
    {"worker", FACT_CONF | FACT_DATA, doctor_worker},
    {"worker program", FACT_CONF | FACT_DATA, doctor_worker_program},
    {"backlog", FACT_STORE, doctor_backlog},
    {"clock", 0, doctor_clock},
    {"clock source", 0, doctor_clock_source},
    {"libcurl", 0, doctor_libcurl},
    {"TLS trust", FACT_CURL, doctor_trust},
    {"open files", FACT_CONF, doctor_descriptors},
    {"limits", 0, doctor_limits},
    {"web server", FACT_URL | FACT_CURL, doctor_web},
    {"web server clock", FACT_WEB, doctor_web_clock},
    {"Authorization", FACT_WEB | FACT_STORE, doctor_web_key},
};
enum { CHECKS = sizeof checks / sizeof checks[0] };

/* ---- findings ---- */

/* What others wrote (an answer, a path) shall break neither the line nor the JSON. */
static void PRINTF_LIKE(2, 0) replace_text(struct buf *out, const char *format, va_list arguments)
{
    struct failure text;
    vsnprintf(text.text, sizeof text.text, format, arguments);
    buf_reset(out);
    text_append_printable(text.text, out);
}

void finding_set(struct finding *finding, enum doctor_state state, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    replace_text(&finding->message, format, arguments);
    va_end(arguments);
    finding->state = state;
}

void finding_advise(struct finding *finding, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    replace_text(&finding->remedy, format, arguments);
    va_end(arguments);
}

static const char *const states[] = {[DOCTOR_OK] = "ok", [DOCTOR_WARNING] = "warning", [DOCTOR_PROBLEM] = "problem"};

static void print_line(const struct check *check, const struct finding *finding, struct buf *out)
{
    buf_printf(out, "%-8s %s: %s", states[finding->state], check->name, buf_text(&finding->message));
    if (finding->remedy.length > 0)
        buf_printf(out, "; %s", buf_text(&finding->remedy));
    buf_append_text(out, "\n");
}

static void add_object(json_object *array, const struct check *check, const struct finding *finding)
{
    json_object *object = json_out_object(array, NULL);
    json_out_text(object, "name", check->name);
    json_out_text(object, "state", states[finding->state]);
    json_out_text(object, "message", buf_text(&finding->message));
    if (finding->remedy.length > 0)
        json_out_text(object, "remedy", buf_text(&finding->remedy));
}

/* ---- the examination, in the child ---- */

struct examination {
    struct doctor *doctor;
    bool is_json;
};

static bool run_check(struct doctor *doctor, const struct check *check, struct finding *out)
{
    *out = (struct finding){.state = DOCTOR_OK};
    if ((doctor->facts & check->needs) != check->needs || family_stop)
        return false;
    check->run(doctor, out);
    return true;
}

static int report(const struct examination *examination, json_object *array, struct buf *text)
{
    struct doctor *doctor = examination->doctor;
    int exit_status = EXIT_DONE;
    for (size_t i = 0; i < CHECKS; i++) {
        struct finding finding;
        if (!run_check(doctor, &checks[i], &finding))
            continue;
        print_line(&checks[i], &finding, text);
        add_object(array, &checks[i], &finding);
        if (finding.state == DOCTOR_PROBLEM)
            exit_status = EXIT_FAILED;
        buf_clear(&finding.message);
        buf_clear(&finding.remedy);
    }
    return exit_status;
}

static int examine(void *context)
{
    const struct examination *examination = context;
    struct doctor *doctor = examination->doctor;
    struct buf text = {0};
    json_object *array = mem_check(json_object_new_array());
    int exit_status = report(examination, array, &text);
    if (examination->is_json) {
        buf_reset(&text);
        json_out_end(array, &text);
        buf_append_text(&text, "\n");
    } else {
        json_out_wipe(array);
    }
    if (doctor->is_leaving)
        exit_status = STORE_EXIT_LEFT; /* the next child says it all again */
    else if (family_stop)
        exit_status = command_fail("it was stopped before it came to its end");
    else if (command_print(&text) != EXIT_DONE)
        exit_status = EXIT_FAILED;
    buf_clear(&text);
    return exit_status;
}

/* ---- the trial key ---- */

/* One that may do least, for no organization that exists, and not for long. */
static void make_trial_key(struct doctor *doctor)
{
    struct api_key *key = &doctor->trial_key;
    *key = (struct api_key){.scopes = API_SCOPE_READ, .created_at_ms = clock_now_ms()};
    key->expires_at_ms = key->created_at_ms + 60000;
    object_id_make(key->created_at_ms, &key->id);
    uuid_make(&key->organization_id);
    key->created_user_id = mem_strdup("doctor");
    key->name = mem_strdup("doctor");
    api_key_make(doctor->trial_text);
    crypto_sha256(doctor->trial_text, strlen(doctor->trial_text), key->digest);
}

static int forget_trial_key(void *context)
{
    const struct doctor *doctor = context;
    struct failure failure;
    struct store *store;
    if (store_open(doctor->conf, STORE_FOR_COMMAND, &store, &failure) != STATUS_OK)
        return EXIT_DONE; /* then there was no key to be put, or it ends by itself */
    enum status status = store_key_delete(store, &doctor->trial_key.id);
    store_close(store);
    return status == STATUS_UNAVAILABLE ? STORE_EXIT_LEFT : EXIT_DONE;
}

/* ---- the command ---- */

/* As every command does, but without leaving a log file; what is wrong here, the checks say. */
static int become_owner(const struct doctor *doctor)
{
    struct stat info;
    (void)log_open(LOG_LEVEL_ERROR, NULL, NULL);
    if (doctor->conf_status != STATUS_OK || geteuid() != 0 || stat(doctor->conf->data_dir, &info) != 0)
        return EXIT_DONE;
    return command_become_owner(doctor->conf->data_dir);
}

static int run_checks(struct doctor *doctor, bool is_json)
{
    struct examination examination = {doctor, is_json};
    bool uses_key = doctor->url && doctor->conf_status == STATUS_OK;
    int exit_status = become_owner(doctor);
    if (exit_status != EXIT_DONE)
        return exit_status;
    if (doctor->url)
        make_trial_key(doctor);
    exit_status = family_run(examine, &examination, false);
    if (uses_key)
        (void)family_run(forget_trial_key, doctor, false);
    api_key_clear(&doctor->trial_key);
    crypto_cleanse(doctor->trial_text, sizeof doctor->trial_text);
    return exit_status;
}

enum { URL, JSON };

static int take_url(const struct command *command, const char *text, char **out)
{
    struct url url;
    const char *message;
    if (url_parse(text, strlen(text), &url, &message) != STATUS_OK || strchr(text, '?'))
        return command_misused(command, "--url needs an http or https URL such as https://hooks.example.com");
    size_t length = strlen(text);
    while (text[length - 1] == '/')
        length--;
    *out = mem_strndup(text, length);
    return EXIT_DONE;
}

static int run(const struct command *command, const struct command_line *line)
{
    struct conf conf;
    struct doctor doctor = {.conf = &conf, .web_date_ms = -1};
    int exit_status = line->values[URL] ? take_url(command, line->values[URL], &doctor.url) : EXIT_DONE;
    if (exit_status != EXIT_DONE)
        return exit_status;
    doctor.conf_status = conf_load(line->conf_path, HOOKTURN_SYSCONF, &conf, &doctor.conf_failure);
    doctor.facts = (doctor.conf_status == STATUS_OK ? FACT_CONF : 0) | (doctor.url ? FACT_URL : 0);
    exit_status = run_checks(&doctor, line->values[JSON]);
    conf_clear(&conf);
    free(doctor.url);
    return exit_status;
}

const struct command command_doctor = {
    .name = "doctor",
    .summary = "Checks the installation, and says what to do",
    .details =
        "One line a check: ok, warning or problem, what was found, and what to do about it. It ends with 1 where "
        "there is a problem; warnings, a missing worker among them, do not count. Nothing is changed. A check that "
        "makes no sense after a problem above it is left out.\n"
        "With --url it also asks the web server as a client does: for URL/healthz, and for URL/v1/whoami with an API "
        "key that is made for this, expires within a minute, and is taken back. Nothing is sent anywhere else.\n"
        "--json prints an array of {name, state, message, remedy}; remedy is left out where there is nothing to do.",
    .examples = "hookturn doctor --url https://hooks.example.com\n"
                "hookturn doctor --json | jq -r '.[] | select(.state != \"ok\") | .message'\n",
    .options = {[URL] = {.name = "--url",
                         .value = "URL",
                         .help = "where clients reach the service: what stands "
                                 "before /v1"},
                [JSON] = {.name = "--json", .help = "print an array of objects instead of lines"}},
    .run = run,
};
