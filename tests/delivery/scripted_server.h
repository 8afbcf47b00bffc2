/* A receiver on 127.0.0.1 that answers as a test says, one connection after the other, in a thread of its own. */
#ifndef HOOKTURN_TESTS_DELIVERY_SCRIPTED_SERVER_H
#define HOOKTURN_TESTS_DELIVERY_SCRIPTED_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum script_end {
    THEN_KEEP, /* reads the next request and answers the same */
    THEN_CLOSE,
    THEN_HANG, /* until the client goes away */
    THEN_DRIP, /* a byte every few milliseconds, until the client goes away */
    THEN_FLOOD /* the letter a, until the client goes away */
};

struct script {
    const char *answer; /* sent after the request was read; NULL: nothing */
    enum script_end then;
    bool speaks_first; /* answers before it has read anything */
    bool is_tls;       /* with a certificate that nobody trusts */
};

struct scripted_server {
    struct script script;
    int listen_fd;
    int stop_fd;
    uint16_t port;
    pthread_t thread;
    char request[16384]; /* the last one, terminated */
    size_t connections;
    size_t requests;
};

void server_start(struct scripted_server *server, struct script script);
/* From here on the members can be looked at: what had connected was counted. */
void server_stop(struct scripted_server *server);

#endif
