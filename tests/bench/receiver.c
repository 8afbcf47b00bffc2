/* The benchmarks' receiver: takes requests on 127.0.0.1 over kept connections in one epoll loop, answers 204 at once
 * (or never: --hang), and is never the slower end. Prints its port; on SIGTERM one line of JSON: how many requests
 * came, over how many connections, and how long after the event's time they arrived.
 *
 *     receiver [--hang] [--ports N]      N ports, one after the other on the first line, behind one loop */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define ANSWER "HTTP/1.1 204 No Content\r\n\r\n"
enum { BUFFER = 32768, EVENTS = 256, BACKLOG = 1024 };

struct connection {
    int fd;
    bool is_listener;
    bool hangs;
    size_t length;
    char *bytes; /* made with the first byte: those that hang are many */
};

struct receiver {
    int epoll_fd;
    bool hangs;
    double *latencies_ms;
    size_t count;
    size_t capacity;
    size_t connections;
};

static void must(bool is_good, const char *what)
{
    if (is_good)
        return;
    perror(what);
    exit(EXIT_FAILURE);
}

static double now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void watch(struct receiver *receiver, int fd, bool is_listener)
{
    struct connection *connection = mem_calloc(1, sizeof(*connection));
    connection->fd = fd;
    connection->is_listener = is_listener;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    must(epoll_ctl(receiver->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static unsigned listen_on_any(struct receiver *receiver)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, BACKLOG) == 0, "listen");
    must(getsockname(fd, (struct sockaddr *)&at, &length) == 0, "getsockname");
    watch(receiver, fd, true);
    return ntohs(at.sin_port);
}

static void take_all(struct receiver *receiver, int listener)
{
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        receiver->connections++;
        watch(receiver, fd, false);
    }
}

/* The body says when its event was made, in seconds. */
static void note(struct receiver *receiver, const char *request)
{
    static const char name[] = "\"timestamp\":";
    const char *found = strstr(request, name);
    if (receiver->count == receiver->capacity) {
        receiver->capacity = receiver->capacity ? receiver->capacity * 2 : 1024;
        receiver->latencies_ms = mem_realloc(receiver->latencies_ms, receiver->capacity, sizeof(double));
    }
    receiver->latencies_ms[receiver->count++] = found ? now_ms() - strtod(found + strlen(name), NULL) * 1e3 : 0;
}

/* The length of the request at the start of what was read; 0: not whole yet. */
static size_t whole_request(const char *bytes, size_t length)
{
    static const char name[] = "\r\nContent-Length: ";
    const char *end = strstr(bytes, "\r\n\r\n");
    if (!end)
        return 0;
    const char *field = strstr(bytes, name);
    size_t body = field && field < end ? strtoul(field + strlen(name), NULL, 10) : 0;
    size_t whole = (size_t)(end + 4 - bytes) + body;
    return whole <= length ? whole : 0;
}

static void answer_all(struct receiver *receiver, struct connection *connection)
{
    for (size_t whole; (whole = whole_request(connection->bytes, connection->length)) > 0;) {
        note(receiver, connection->bytes);
        connection->length -= whole;
        memmove(connection->bytes, connection->bytes + whole, connection->length + 1);
        if (!receiver->hangs)
            must(send(connection->fd, ANSWER, strlen(ANSWER), MSG_NOSIGNAL) > 0 || errno == EPIPE ||
                     errno == ECONNRESET,
                 "send");
    }
}

static void drop(struct connection *connection)
{
    (void)close(connection->fd);
    free(connection->bytes);
    free(connection);
}

static void read_some(struct receiver *receiver, struct connection *connection)
{
    if (!connection->bytes)
        connection->bytes = mem_calloc(1, BUFFER);
    ssize_t got =
        recv(connection->fd, connection->bytes + connection->length, BUFFER - 1 - connection->length, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        drop(connection);
        return;
    }
    connection->length += (size_t)got;
    connection->bytes[connection->length] = '\0';
    answer_all(receiver, connection);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double percentile(const struct receiver *receiver, size_t hundredths)
{
    size_t last = receiver->count > 0 ? receiver->count - 1 : 0;
    return receiver->count > 0 ? receiver->latencies_ms[last * hundredths / 100] : 0;
}

static void report(struct receiver *receiver)
{
    if (receiver->count > 0)
        qsort(receiver->latencies_ms, receiver->count, sizeof(double), compare);
    printf("{\"requests\": %zu, \"connections\": %zu, \"p50_ms\": %.3f, \"p90_ms\": %.3f, \"p99_ms\": %.3f, "
           "\"max_ms\": %.3f}\n",
           receiver->count, receiver->connections, percentile(receiver, 50), percentile(receiver, 90),
           percentile(receiver, 99), percentile(receiver, 100));
}

static int signal_descriptor(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
    struct receiver receiver = {.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    struct epoll_event ready[EVENTS];
    long ports = 1;
    for (int i = 1; i < argc; i++) {
        receiver.hangs |= strcmp(argv[i], "--hang") == 0;
        if (strcmp(argv[i], "--ports") == 0 && i + 1 < argc)
            ports = strtol(argv[++i], NULL, 10);
    }
    for (long i = 0; i < ports; i++)
        printf("%s%u", i ? " " : "", listen_on_any(&receiver));
    printf("\n");
    (void)fflush(stdout);
    int stop_fd = signal_descriptor();
    watch(&receiver, stop_fd, false);
    for (;;) {
        int count = epoll_wait(receiver.epoll_fd, ready, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct connection *connection = ready[i].data.ptr;
            if (connection->fd == stop_fd) {
                report(&receiver);
                return EXIT_SUCCESS;
            }
            if (connection->is_listener)
                take_all(&receiver, connection->fd);
            else
                read_some(&receiver, connection);
        }
    }
}
