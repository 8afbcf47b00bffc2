/* FastCGI: threads that accept and answer, and the main thread, which does the housekeeping and waits for a signal to
 * stop, or for the store to tell this process to leave it.
 *
 * We accept ourselves and hand libfcgi the connection. Its own accept can only be ended by a signal, and a signal that
 * comes a moment later, between the connection and its first byte, costs a request that the server believes sent. */
#include "fastcgi.h"

#include <errno.h>
#include <fastcgi.h> /* NOLINT(readability-duplicate-include): libfcgi's */
#include <fcgiapp.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "cgi_request.h"
#include "store/worker_start.h"

enum {
    LISTENER = FCGI_LISTENSOCK_FILENO,
    ACCEPT_PAUSE_MS = 20,
    DRAIN_MS = 500, /* after the signal to stop, who waits at the listener is still answered, so long at most */
    LEAVE_MS = 100, /* answers in hand are finished before the program starts anew */
    LOOK_MS = 50,   /* between two looks at the store; with LEAVE_MS within the time that it gives us */
    MAINTAIN_MS = 1000,
    PEER_TIMEOUT_S = 60
};

struct server {
    struct api *api;
    const struct conf *conf;
    int stop_event;                     /* readable from the signal to stop on */
    atomic_int_fast64_t drain_until_ms; /* monotonic; 0: not stopping */
    atomic_size_t at_work;              /* request threads that have not ended */
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
    fcgi->keepConnection = 0; /* a kept one would keep this thread from everybody else */
    FCGX_Finish_r(fcgi);
    if (response.needs_worker)
        worker_start_if_none(server->conf);
    response_clear(&response);
    request_clear(&request);
}

/* ---- threads ---- */

/* A peer that stops in the middle must not hold a thread for ever. */
static void prepare_connection(int connection)
{
    const int on = 1;
    const struct timeval timeout = {.tv_sec = PEER_TIMEOUT_S};
    (void)setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* fails for a Unix socket: no matter */
    (void)setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    (void)setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

/* True when there may be a connection to accept; false at the end. */
static bool wait_for_connection(struct server *server)
{
    struct pollfd ready[] = {{.fd = LISTENER, .events = POLLIN}, {.fd = server->stop_event, .events = POLLIN}};
    (void)poll(ready, 2, -1);
    if (ready[1].revents == 0)
        return true;
    return (ready[0].revents & POLLIN) != 0 && clock_monotonic_ms() < atomic_load(&server->drain_until_ms);
}

/* -1: the end has come. */
static int next_connection(struct server *server)
{
    while (wait_for_connection(server)) {
        int connection = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC);
        if (connection >= 0)
            return connection;
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            clock_sleep_ms(ACCEPT_PAUSE_MS); /* no descriptors left, say: no busy loop */
    }
    return -1;
}

static void serve_connections(struct server *server)
{
    FCGX_Request fcgi;
    FCGX_InitRequest(&fcgi, -1, FCGI_FAIL_ACCEPT_ON_INTR); /* -1: it shall not accept by itself */
    for (int connection = next_connection(server); connection >= 0; connection = next_connection(server)) {
        prepare_connection(connection);
        fcgi.ipcFd = connection;
        fcgi.keepConnection = 1; /* until the request says itself: libfcgi begins by ending the one before */
        if (FCGX_Accept_r(&fcgi) == 0)
            serve(server, &fcgi);
    }
    FCGX_Free(&fcgi, 1);
}

static void *serve_requests(void *context)
{
    struct server *server = context;
    serve_connections(server);
    atomic_fetch_sub(&server->at_work, 1);
    return NULL;
}

/* Returns how many could be started. */
static size_t start_threads(struct server *server, pthread_t *threads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        atomic_fetch_add(&server->at_work, 1);
        if (pthread_create(&threads[i], NULL, serve_requests, server) != 0) {
            atomic_fetch_sub(&server->at_work, 1);
            return i;
        }
    }
    return count;
}

/* No thread takes another connection, but what has come within `drain_ms`. */
static void end_accepting(struct server *server, int64_t drain_ms)
{
    const uint64_t one = 1;
    atomic_store(&server->drain_until_ms, clock_monotonic_ms() + drain_ms);
    if (write(server->stop_event, &one, sizeof one) != (ssize_t)sizeof one)
        log_error("stop_failed", LOG_NUMBER("errno", errno));
}

/* The listener goes as soon as nobody waits there: closing the store takes a while, and who connected meanwhile would
 * be lost. */
static void stop_threads(struct server *server, const pthread_t *threads, size_t count)
{
    end_accepting(server, DRAIN_MS);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&server->drain_until_ms, clock_monotonic_ms() + DRAIN_MS);
    serve_connections(server);
    close(LISTENER);
}

/* ---- the main thread ---- */

/* True: a signal to stop came. False: the store must be left. */
static bool wait_for_stop(struct server *server, const sigset_t *stop_signals)
{
    const struct timespec moment = {.tv_nsec = LOOK_MS * 1000000};
    int64_t maintained_ms = clock_monotonic_ms();
    while (sigtimedwait(stop_signals, NULL, &moment) < 0) {
        if (api_must_leave(server->api))
            return false;
        if (clock_monotonic_ms() - maintained_ms < MAINTAIN_MS)
            continue;
        api_maintain(server->api);
        maintained_ms = clock_monotonic_ms();
    }
    return true;
}

/* New connections wait at the listener for the program's next life; threads that hang in the store are left behind. */
static void leave(struct server *server)
{
    int64_t end_ms = clock_monotonic_ms() + LEAVE_MS;
    end_accepting(server, 0);
    while (atomic_load(&server->at_work) > 0 && clock_monotonic_ms() < end_ms)
        clock_sleep_ms(1);
}

bool fastcgi_is_spoken(void)
{
    return !FCGX_IsCGI();
}

/* Several threads, and perhaps several processes, wait for the same listener: who comes too late must not sleep there.
 */
static bool prepare(struct server *server)
{
    int flags = fcntl(LISTENER, F_GETFL);
    server->stop_event = eventfd(0, EFD_CLOEXEC);
    return FCGX_Init() == 0 && server->stop_event >= 0 && flags >= 0 &&
           fcntl(LISTENER, F_SETFL, flags | O_NONBLOCK) == 0;
}

enum fastcgi_end fastcgi_run(struct api *api, const struct conf *conf, const sigset_t *stop_signals, bool is_resumed)
{
    struct server server = {.api = api, .conf = conf, .stop_event = -1};
    if (!prepare(&server)) {
        log_error("fastcgi_failed", LOG_TEXT("cause", "the listening socket on descriptor 0 cannot be used"));
        return FASTCGI_FAILED;
    }
    size_t wanted = (size_t)conf->threads;
    pthread_t *threads = mem_calloc(wanted, sizeof *threads);
    size_t count = start_threads(&server, threads, wanted);
    if (is_resumed)
        worker_start_if_none(conf);
    if (count == 0) {
        log_error("threads_failed", LOG_TEXT("cause", "no request thread could be started"));
    } else if (!wait_for_stop(&server, stop_signals)) {
        leave(&server);
        return FASTCGI_MUST_LEAVE; /* threads may still be running: nothing of theirs is freed */
    }
    stop_threads(&server, threads, count);
    free(threads);
    close(server.stop_event);
    return count == 0 ? FASTCGI_FAILED : FASTCGI_STOPPED;
}
