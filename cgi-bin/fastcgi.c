/* FastCGI: threads that accept and answer, and the main thread, which does the housekeeping and waits for a signal to
 * stop. A thread that sits in accept(2) is woken by a signal of its own, again and again until it has seen that the end
 * has come, because a single signal can arrive a moment before the call. */
#include "fastcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cgi_request.h"

enum { NUDGE_SIGNAL = SIGUSR2, NUDGE_INTERVAL_MS = 2, ACCEPT_PAUSE_MS = 20 };

struct server {
    struct api *api;
    const struct conf *conf;
    sigset_t nudge;
    atomic_bool is_stopping;
    atomic_int running;
};

/* ---- one request ---- */

static const char *get_variable(void *context, const char *name)
{
    return FCGX_GetParam(name, ((FCGX_Request *)context)->envp);
}

static size_t read_input(void *context, char *out, size_t length)
{
    int got = FCGX_GetStr(out, (int)length, ((FCGX_Request *)context)->in);
    return got > 0 ? (size_t)got : 0;
}

static void write_output(void *context, const char *bytes, size_t length)
{
    FCGX_PutStr(bytes, (int)length, ((FCGX_Request *)context)->out);
}

static void serve(struct server *server, FCGX_Request *fcgi)
{
    const struct cgi_door door = {get_variable, read_input, write_output, fcgi};
    struct request request;
    struct response response;
    cgi_request_read(&door, server->conf, &request);
    response_init(&response);
    api_handle(server->api, &request, &response);
    cgi_response_write(&door, &request, &response);
    FCGX_Finish_r(fcgi);
    response_clear(&response);
    request_clear(&request);
}

/* ---- threads ---- */

/* Only here may the nudge interrupt: a request in hand must not lose its body to it. */
static bool accept_request(FCGX_Request *fcgi, const sigset_t *nudge)
{
    pthread_sigmask(SIG_UNBLOCK, nudge, NULL);
    bool is_accepted = FCGX_Accept_r(fcgi) == 0;
    pthread_sigmask(SIG_BLOCK, nudge, NULL);
    return is_accepted;
}

static void *serve_requests(void *context)
{
    struct server *server = context;
    FCGX_Request fcgi;
    FCGX_InitRequest(&fcgi, 0, FCGI_FAIL_ACCEPT_ON_INTR);
    while (!atomic_load(&server->is_stopping)) {
        if (accept_request(&fcgi, &server->nudge))
            serve(server, &fcgi);
        else if (!atomic_load(&server->is_stopping))
            clock_sleep_ms(ACCEPT_PAUSE_MS); /* no descriptors left, say: no busy loop */
    }
    FCGX_Free(&fcgi, 1);
    atomic_fetch_sub(&server->running, 1);
    return NULL;
}

/* Returns how many could be started. */
static size_t start_threads(struct server *server, pthread_t *threads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        atomic_fetch_add(&server->running, 1);
        if (pthread_create(&threads[i], NULL, serve_requests, server) != 0) {
            atomic_fetch_sub(&server->running, 1);
            return i;
        }
    }
    return count;
}

static void stop_threads(struct server *server, const pthread_t *threads, size_t count)
{
    /* Not FCGX_ShutdownPending() as well: once that is set, libfcgi 2.4.2 spins for ever on a descriptor that it has
     * closed when a nudge comes between its accept(2) and the first byte. */
    atomic_store(&server->is_stopping, true);
    while (atomic_load(&server->running) > 0) {
        for (size_t i = 0; i < count; i++)
            pthread_kill(threads[i], NUDGE_SIGNAL);
        clock_sleep_ms(NUDGE_INTERVAL_MS);
    }
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

/* ---- the main thread ---- */

static void do_nothing(int signal_number)
{
    (void)signal_number;
}

/* Without SA_RESTART, so that accept(2) returns; blocked in all threads but where accept_request() says. */
static void install_nudge(sigset_t *out)
{
    struct sigaction action = {.sa_handler = do_nothing};
    sigemptyset(&action.sa_mask);
    sigaction(NUDGE_SIGNAL, &action, NULL);
    sigemptyset(out);
    sigaddset(out, NUDGE_SIGNAL);
    pthread_sigmask(SIG_BLOCK, out, NULL);
}

static void wait_for_stop(struct server *server, const sigset_t *stop_signals)
{
    const struct timespec second = {.tv_sec = 1};
    while (sigtimedwait(stop_signals, NULL, &second) < 0)
        if (errno == EAGAIN)
            api_maintain(server->api);
}

bool fastcgi_is_spoken(void)
{
    return !FCGX_IsCGI();
}

int fastcgi_run(struct api *api, const struct conf *conf, const sigset_t *stop_signals)
{
    if (FCGX_Init() != 0)
        return 1;
    struct server server = {.api = api, .conf = conf};
    install_nudge(&server.nudge);
    size_t wanted = (size_t)conf->threads;
    pthread_t *threads = mem_calloc(wanted, sizeof *threads);
    size_t count = start_threads(&server, threads, wanted);
    if (count == 0)
        log_error("threads_failed", LOG_TEXT("cause", "no request thread could be started"));
    else
        wait_for_stop(&server, stop_signals);
    stop_threads(&server, threads, count);
    free(threads);
    return count == 0 ? 1 : 0;
}
