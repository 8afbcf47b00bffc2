/* The other end of the sender's tests: it behaves as badly as a script asks for. */
#include "scripted_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { POLL_FOR_EVER = -1, DRIP_EVERY_MS = 10 };

static void must(bool is_good)
{
    if (!is_good)
        abort();
}

static bool send_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        length -= (size_t)sent;
    }
    return true;
}

static size_t announced_length(const char *request)
{
    const char *header = strcasestr(request, "\r\nContent-Length:");
    return header ? (size_t)strtoul(header + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

static bool is_complete(const char *request, size_t length)
{
    const char *end = strstr(request, "\r\n\r\n");
    return end && length >= (size_t)(end + 4 - request) + announced_length(request);
}

static bool read_request(struct scripted_server *server, int fd)
{
    size_t length = 0;
    do {
        ssize_t got = read(fd, server->request + length, sizeof(server->request) - 1 - length);
        if (got <= 0)
            return false;
        length += (size_t)got;
        server->request[length] = '\0';
    } while (!is_complete(server->request, length));
    server->requests++;
    return true;
}

static void wait_for_client_to_go(int fd)
{
    char bytes[512];
    while (read(fd, bytes, sizeof(bytes)) > 0)
        ;
}

static void drip(int fd)
{
    struct timespec pause = {.tv_nsec = DRIP_EVERY_MS * 1000000L};
    while (send_all(fd, "a", 1))
        (void)nanosleep(&pause, NULL);
}

static void flood(int fd)
{
    char block[4096];
    memset(block, 'a', sizeof(block));
    while (send_all(fd, block, sizeof(block)))
        ;
}

static void end(enum script_end then, int fd)
{
    switch (then) {
    case THEN_HANG:
        wait_for_client_to_go(fd);
        break;
    case THEN_DRIP:
        drip(fd);
        break;
    case THEN_FLOOD:
        flood(fd);
        break;
    case THEN_KEEP:
    case THEN_CLOSE:
        break;
    }
}

static void serve_plain(struct scripted_server *server, int fd)
{
    while (server->script.speaks_first || read_request(server, fd)) {
        const char *answer = server->script.answer;
        if (answer && !send_all(fd, answer, strlen(answer)))
            return;
        end(server->script.then, fd);
        if (server->script.then != THEN_KEEP)
            return;
    }
}

/* ---- TLS: as far as the client lets it come ---- */

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    must(X509_set_version(certificate, 2) == 1);
    must(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1);
    must(X509_gmtime_adj(X509_getm_notBefore(certificate), -60) != NULL);
    must(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600) != NULL);
    must(X509_set_pubkey(certificate, key) == 1);
    must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0) == 1);
    must(X509_set_issuer_name(certificate, name) == 1);
    must(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static void serve_tls(struct scripted_server *server, int fd)
{
    char first;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key);
    must(SSL_CTX_use_certificate(context, certificate) == 1);
    must(SSL_CTX_use_PrivateKey(context, key) == 1);
    SSL *tls = SSL_new(context);
    must(SSL_set_fd(tls, fd) == 1);
    if (SSL_accept(tls) == 1 && SSL_read(tls, &first, 1) == 1)
        server->requests++; /* the client trusted it */
    SSL_free(tls);
    SSL_CTX_free(context);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* ---- the thread ---- */

static bool accept_one(struct scripted_server *server)
{
    int fd = accept(server->listen_fd, NULL, NULL);
    if (fd < 0)
        return false;
    server->connections++;
    if (server->script.is_tls)
        serve_tls(server, fd);
    else
        serve_plain(server, fd);
    (void)close(fd);
    return true;
}

static void *serve(void *context)
{
    struct scripted_server *server = context;
    struct pollfd fds[] = {{.fd = server->listen_fd, .events = POLLIN}, {.fd = server->stop_fd, .events = POLLIN}};
    while (!(fds[1].revents & POLLIN)) {
        (void)poll(fds, 2, POLL_FOR_EVER);
        if (fds[0].revents & POLLIN)
            (void)accept_one(server);
    }
    while (accept_one(server)) /* what is in the queue counts */
        ;
    return NULL;
}

void server_start(struct scripted_server *server, struct script script)
{
    signal(SIGPIPE, SIG_IGN); /* a client that refuses our certificate goes while we write */
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(at);
    *server = (struct scripted_server){.script = script};
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    server->stop_fd = eventfd(0, EFD_CLOEXEC);
    must(server->listen_fd >= 0 && server->stop_fd >= 0);
    must(bind(server->listen_fd, (struct sockaddr *)&at, sizeof(at)) == 0);
    must(listen(server->listen_fd, 16) == 0);
    must(getsockname(server->listen_fd, (struct sockaddr *)&at, &length) == 0);
    server->port = ntohs(at.sin_port);
    must(pthread_create(&server->thread, NULL, serve, server) == 0);
}

void server_stop(struct scripted_server *server)
{
    must(eventfd_write(server->stop_fd, 1) == 0);
    must(pthread_join(server->thread, NULL) == 0);
    (void)close(server->listen_fd);
    (void)close(server->stop_fd);
}
