/* `hookturn publish`: an event without HTTP, for shell scripts and cron. The parent reads and checks everything and
 * makes the event with its id; a child puts it into the store. So a child that starts anew repeats the same event. */
#include "cmd/command.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/json_scan.h"
#include "base/mem.h"
#include "cmd/family.h"
#include "model/subscription_check.h"
#include "store/worker_lock.h"
#include "store/worker_start.h"

struct publication {
    const struct conf *conf;
    struct event event;
    bool is_json;
};

/* ---- what is printed ---- */

static void append_text(const struct publication *publication, struct buf *out)
{
    const struct event *event = &publication->event;
    char id[OBJECT_ID_TEXT];
    object_id_format(&event->id, id);
    buf_printf(out, "event       %s\ntrace       %s\ndeliveries  %zu\n", id, event->trace_id,
               event->subscription_count);
    const struct conf *conf = publication->conf;
    if (event->subscription_count > 0 && !conf->worker_is_auto && !worker_lock_is_held(conf->data_dir))
        buf_append_text(out, "No worker is running: `hookturn deliver` sends what waits.\n");
}

static int print_accepted(const struct publication *publication)
{
    struct buf text = {0};
    if (publication->is_json) {
        event_append_accepted(&publication->event, &text);
        buf_append_text(&text, "\n");
    } else {
        append_text(publication, &text);
    }
    int error = command_write(&text);
    buf_clear(&text);
    if (error == 0)
        return EXIT_DONE;
    char id[OBJECT_ID_TEXT];
    object_id_format(&publication->event.id, id);
    return command_fail(
        "event %s was published, but that cannot be written to the standard output: %s; do not repeat it", id,
        strerror(error));
}

static int publish(void *context)
{
    struct publication *publication = context;
    struct store *store;
    int exit_status = command_open_store(publication->conf, &store);
    if (exit_status != EXIT_DONE)
        return exit_status;
    enum status status = store_publish(store, &publication->event, 1, NULL);
    store_close(store);
    if (status != STATUS_OK)
        return command_fail_verb(status, "publish the event");
    exit_status = print_accepted(publication);
    if (publication->event.subscription_count > 0)
        worker_start_if_none(publication->conf);
    return exit_status;
}

/* ---- the event's members ---- */

enum { ORGANIZATION, AGENT, WORKSPACE, TRACE, JSON };
enum { EVENT_NAME, FILE_OPERAND };

typedef const char *(*check)(const char *text, size_t length);

/* NULL where `text` is allowed or absent; the checks expect valid UTF-8. */
static const char *complaint(const char *text, check allows)
{
    if (!text)
        return NULL;
    size_t length = strlen(text);
    return utf8_is_valid(text, length) ? allows(text, length) : "must be valid UTF-8";
}

static int check_members(const struct command *command, const struct command_line *line)
{
    const struct {
        const char *name;
        const char *text;
        check allows;
    } members[] = {{"EVENT_NAME", line->operands[EVENT_NAME], check_event_name},
                   {"--agent", line->values[AGENT], check_scope_id},
                   {"--workspace", line->values[WORKSPACE], check_scope_id},
                   {"--trace", line->values[TRACE], check_trace_id}};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const char *message = complaint(members[i].text, members[i].allows);
        if (message)
            return command_misused(command, "%s: %s", members[i].name, message);
    }
    return EXIT_DONE;
}

static int fill_event(const struct command *command, const struct command_line *line, struct event *out)
{
    const char *trace = line->values[TRACE], *agent = line->values[AGENT], *workspace = line->values[WORKSPACE];
    if (uuid_parse(line->values[ORGANIZATION], &out->organization_id) != STATUS_OK)
        return command_misused(command, "--organization needs a UUID such as 01234567-89ab-4def-8123-456789abcdef");
    int exit_status = check_members(command, line);
    if (exit_status != EXIT_DONE)
        return exit_status;
    out->name = mem_strdup(line->operands[EVENT_NAME]);
    out->trace_id = trace ? mem_strdup(trace) : event_trace_id_make();
    out->agent_id = agent ? mem_strdup(agent) : NULL;
    out->workspace_id = workspace ? mem_strdup(workspace) : NULL;
    return EXIT_DONE;
}

/* ---- the payload ---- */

/* Reads to the end, but no more than one byte beyond `max`. False: errno says why. */
static bool read_up_to(int fd, size_t max, struct buf *out)
{
    while (out->length <= max) {
        enum { STEP = 65536 };
        size_t wanted = max + 1 - out->length < STEP ? max + 1 - out->length : STEP;
        buf_reserve(out, wanted);
        ssize_t got = read(fd, out->data + out->length, wanted);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        out->length += (size_t)got;
        out->data[out->length] = '\0';
    }
    return true;
}

static int read_payload(const char *file, size_t max, struct buf *out)
{
    const char *name = file ? file : "the standard input";
    int fd = file ? open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY) : STDIN_FILENO;
    if (fd < 0)
        return command_fail("cannot open %s: %s", name, strerror(errno));
    bool worked = read_up_to(fd, max, out);
    int reason = errno;
    if (file)
        close(fd);
    if (!worked)
        return command_fail("cannot read %s: %s", name, strerror(reason));
    if (out->length > max)
        return command_fail("%s is larger than %zu bytes; raise `max_body`, or send less", name, max);
    return EXIT_DONE;
}

/* The text must be one JSON object, whatever the grammar allows within. It is scanned as a member, where it will stand:
 * at the depth that it will have, and by a rule that leaves the payload's own members alone. */
static int compose_body(struct slice text, struct event *event)
{
    struct json_scan scan;
    const char *message;
    struct buf member = {0};
    buf_append_text(&member, "{\"payload\":");
    buf_append_slice(&member, text);
    buf_append_text(&member, "}");
    if (json_scan(buf_slice(&member), JSON_MAX_DEPTH, &scan, &message) != STATUS_OK) {
        buf_clear(&member);
        return command_fail("the payload cannot be read as JSON: %s", message);
    }
    int exit_status = EXIT_DONE;
    if (scan.count == 1 && scan.spans[0].kind == JSON_OBJECT)
        event_compose_body(event, scan.spans[0].value);
    else
        exit_status = command_fail("the payload must be one JSON object");
    json_scan_clear(&scan);
    buf_clear(&member);
    return exit_status;
}

/* The time and the id are taken when the payload is there: a pipe may have been long. The lane is any: this process
 * writes one event. */
static int complete_event(const char *file, const struct conf *conf, struct event *event)
{
    struct buf payload = {0};
    int exit_status = read_payload(file, (size_t)conf->max_body, &payload);
    if (exit_status == EXIT_DONE) {
        unsigned char lane;
        crypto_random(&lane, sizeof lane);
        event->created_at_ms = clock_now_ms();
        object_id_make_lane(lane % OBJECT_ID_LANES, event->created_at_ms, &event->id);
        exit_status = compose_body(buf_slice(&payload), event);
    }
    buf_clear(&payload);
    return exit_status;
}

static int run(const struct command *command, const struct command_line *line)
{
    struct conf conf;
    struct publication publication = {.is_json = line->values[JSON]};
    const char *file = line->operands[FILE_OPERAND];
    if (file && file[0] == '\0')
        return command_misused(command, "FILE is the path of a payload");
    int exit_status = fill_event(command, line, &publication.event);
    if (exit_status == EXIT_DONE) {
        exit_status = command_prepare(command, line->conf_path, &conf);
        publication.conf = &conf;
        if (exit_status == EXIT_DONE)
            exit_status = complete_event(file && strcmp(file, "-") != 0 ? file : NULL, &conf, &publication.event);
        if (exit_status == EXIT_DONE)
            exit_status = family_run(publish, &publication, false);
        conf_clear(&conf);
    }
    event_clear(&publication.event);
    return exit_status;
}

const struct command command_publish = {
    .name = "publish",
    .summary = "Publishes an event without HTTP",
    .details = "The payload, one JSON object, is read from FILE, or from the standard input where there is none or "
               "FILE is -. When the command ends with 0, the event and the list of its deliveries are on disk.",
    .examples = "echo '{\"order_id\": 4711}' | hookturn publish --organization $UUID Order.Created\n",
    .options = {[ORGANIZATION] = {.name = "--organization",
                                  .value = "UUID",
                                  .help = "whose subscriptions it goes to",
                                  .is_required = true},
                [AGENT] = {.name = "--agent", .value = "ID", .help = "also to subscriptions of that agent"},
                [WORKSPACE] = {.name = "--workspace", .value = "ID", .help = "also to subscriptions of that workspace"},
                [TRACE] = {.name = "--trace",
                           .value = "ID",
                           .help = "1 to 128 of A-Z a-z 0-9 _ - (default: a new UUID); receivers may take a second "
                                   "event with the same one for a repetition and drop it"},
                [JSON] = {.name = "--json", .help = "print the answer of the API's operation"}},
    .operands = {[EVENT_NAME] = {.name = "EVENT_NAME", .help = "Service.Event, such as Order.Created"},
                 [FILE_OPERAND] = {.name = "FILE", .help = "the payload", .is_optional = true}},
    .run = run,
};
