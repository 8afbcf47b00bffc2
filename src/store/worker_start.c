/* Starts the delivery worker from a program that has better things to do: a request's thread, a plain CGI process, a
 * command. The only process that hookturn starts besides its own children.
 *
 * Starts are made one after the other, under a lock on `worker.start`, so that a herd of publishers starts one worker:
 * the program that is started puts itself into the background and ends its first process when the worker's lock is
 * held, and the others, whose turn comes then, see that one runs. They must not simply go away: a worker may be started
 * and have ended again before they came. */
#include "store/worker_start.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "store/worker_lock.h"

#define NOTE_NAME "worker.program"
enum {
    PAUSE_AFTER_FAILURE_MS = 1000,
    TURN_WAIT_MS = 2000, /* longer than any start that works; whoever waits has something else to do */
    TURN_POLL_MS = 2
};

/* ---- which program ---- */

/* False where it is longer than any path. A file that was replaced since, by an upgrade, keeps its name. */
static bool own_path(char out[PATH_MAX])
{
    static const char replaced[] = " (deleted)";
    ssize_t length = readlink("/proc/self/exe", out, PATH_MAX);
    if (length <= 0 || length >= PATH_MAX)
        return false;
    size_t tail = sizeof replaced - 1;
    if ((size_t)length > tail && memcmp(out + length - tail, replaced, tail) == 0)
        length -= (ssize_t)tail;
    out[length] = '\0';
    return true;
}

/* `hookturn` is its own; beside `NAME.fcgi` lies NAME. */
static bool read_beside(const struct conf *conf, char out[PATH_MAX])
{
    static const char suffix[] = ".fcgi";
    (void)conf;
    if (!own_path(out))
        return false;
    size_t length = strlen(out), tail = sizeof suffix - 1;
    if (length > tail && strcmp(out + length - tail, suffix) == 0)
        out[length - tail] = '\0';
    return true;
}

/* Where it is put by who has no other place outside of the web server's directory. */
static bool read_in_data(const struct conf *conf, char out[PATH_MAX])
{
    return snprintf(out, PATH_MAX, "%s/bin/hookturn", conf->data_dir) < PATH_MAX;
}

static bool read_installed(const struct conf *conf, char out[PATH_MAX])
{
    (void)conf;
    return snprintf(out, PATH_MAX, "%s", HOOKTURN_COMMAND) < PATH_MAX;
}

static bool read_note(const struct conf *conf, char out[PATH_MAX])
{
    struct buf path = tree_path(conf->data_dir, NOTE_NAME);
    int fd = open(path.data, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    buf_clear(&path);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, out, PATH_MAX - 1);
    close(fd);
    out[length > 0 ? length : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    return out[0] == '/';
}

char *worker_start_program(const struct conf *conf)
{
    static bool (*const places[])(const struct conf *, char[PATH_MAX]) = {read_beside, read_in_data, read_installed,
                                                                          read_note};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (places[i](conf, path) && access(path, X_OK) == 0)
            return mem_strdup(path);
    return NULL;
}

void worker_start_note_program(const struct conf *conf)
{
    char own[PATH_MAX], noted[PATH_MAX] = "";
    if (!own_path(own) || (read_note(conf, noted) && strcmp(own, noted) == 0))
        return;
    struct buf path = tree_path(conf->data_dir, NOTE_NAME);
    struct buf text = {0};
    buf_printf(&text, "%s\n", own);
    int fd = open(path.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || write(fd, text.data, text.length) != (ssize_t)text.length)
        log_warn("worker_program_unnoted", LOG_TEXT("cause", strerror(errno)));
    if (fd >= 0)
        close(fd);
    buf_clear(&text);
    buf_clear(&path);
}

/* ---- starting it ---- */

/* What may stand in the environment of a process that stays: the settings, and whom the sender trusts (trust.h).
 * HOOKTURN_KEY is where people keep the API key that they use the service with. */
static bool is_setting(const char *variable)
{
    static const char *const beginnings[] = {"HOME=", "HOOKTURN_", "SSL_CERT_FILE=", "SSL_CERT_DIR="};
    if (strncmp(variable, "HOOKTURN_KEY=", 13) == 0)
        return false;
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
        if (strncmp(variable, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

/* A request's variables are in the environment of a plain CGI process: nothing of them, an API key least of all, may
 * stand in the worker's. The caller frees the array alone. */
static char **make_environment(void)
{
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    char **environment = mem_calloc(count + 1, sizeof *environment);
    for (size_t i = 0; i < count; i++)
        if (is_setting(environ[i]))
            environment[kept++] = environ[i];
    return environment;
}

/* Its standard input and output are nobody's business; what it has to complain of goes where our complaints go. */
static int spawn(const char *program, const struct conf *conf, pid_t *out)
{
    char *const with_conf[] = {(char *)program, "-c", conf->path, "deliver", "--detach", NULL};
    char *const without[] = {(char *)program, "deliver", "--detach", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        (void)posix_spawnattr_setsigmask(&attributes, &none);
        (void)posix_spawnattr_setsigdefault(&attributes, &all);
        char **environment = make_environment();
        error = posix_spawn(out, program, &actions, &attributes, conf->path[0] ? with_conf : without, environment);
        free(environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Its end is near: the worker itself is in the background, and may even have ended again. True: all went well. */
static bool wait_for(pid_t pid)
{
    int ended;
    while (waitpid(pid, &ended, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(ended) && WEXITSTATUS(ended) == 0;
}

static bool start(const struct conf *conf)
{
    pid_t pid;
    char *program = worker_start_program(conf);
    int error = program ? spawn(program, conf, &pid) : ENOENT;
    bool worked = error == 0 && wait_for(pid);
    if (worked)
        log_info("worker_started", LOG_TEXT("program", program));
    else if (!program)
        log_error("worker_start_failed", LOG_TEXT("cause", "the program `hookturn` is not found; set `worker` to "
                                                           "manual, and let cron run `hookturn deliver`"));
    else
        log_error("worker_start_failed", LOG_TEXT("program", program),
                  LOG_TEXT("cause", error ? strerror(error) : "it failed, as it says itself"));
    free(program);
    return worked;
}

/* ---- once, and not in haste ---- */

/* What stands in the announcement's file: when the last start failed; nothing after one that worked. */
static bool failed_just_now(int fd)
{
    char text[32];
    int64_t failed_at_ms;
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    /* NOLINTNEXTLINE(cert-err34-c): whatever it reads, the worst is another start */
    if (sscanf(text, "%" SCNd64, &failed_at_ms) != 1)
        return false;
    int64_t age_ms = clock_now_ms() - failed_at_ms;
    return age_ms >= 0 && age_ms < PAUSE_AFTER_FAILURE_MS;
}

static void note_outcome(int fd, bool runs)
{
    char text[32] = "";
    if (!runs)
        snprintf(text, sizeof text, "%" PRId64 "\n", clock_now_ms());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) < 0)
        log_warn("worker_start_unnoted", LOG_TEXT("cause", strerror(errno)));
}

static bool wait_for_turn(int fd)
{
    int64_t end_ms = clock_monotonic_ms() + TURN_WAIT_MS;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK || clock_monotonic_ms() >= end_ms)
            return false;
        clock_sleep_ms(TURN_POLL_MS);
    }
    return true;
}

void worker_start_if_none(const struct conf *conf)
{
    if (!conf->worker_is_auto || worker_lock_is_held(conf->data_dir))
        return;
    struct buf path = tree_path(conf->data_dir, "worker.start");
    int fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    buf_clear(&path);
    if (fd < 0) {
        log_error("worker_start_failed", LOG_TEXT("cause", strerror(errno)));
        return;
    }
    if (wait_for_turn(fd) && !worker_lock_is_held(conf->data_dir) && !failed_just_now(fd))
        note_outcome(fd, start(conf));
    close(fd);
}
