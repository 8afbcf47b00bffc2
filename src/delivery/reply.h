/* What a receiver answers, collected line by line and block by block within fixed bounds. */
#ifndef HOOKTURN_DELIVERY_REPLY_H
#define HOOKTURN_DELIVERY_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    REPLY_BODY_READ = 65536,    /* the transfer ends there; the status counts */
    REPLY_HEADERS_READ = 131072 /* of all responses to one request, interim ones included; beyond it is a flood */
};

/* `{0}` but for what reply_init sets; clear with reply_clear. */
struct reply {
    struct buf headers;     /* of the last response: "Name: value\r\n"…, at most ATTEMPT_HEADERS_KEPT */
    struct buf body;        /* the first ATTEMPT_BODY_KEPT bytes */
    int64_t retry_after_ms; /* -1: none */
    size_t headers_read;
    size_t body_read;
    bool has_begun;   /* the last response's status line was seen, its empty line not yet */
    bool is_final;    /* the headers of a response other than 1xx are complete: what follows is body or trailers */
    int status;       /* of the last status line; 0: none */
    bool is_cut;      /* the body was longer than REPLY_BODY_READ */
    bool is_flooding; /* the headers were longer than REPLY_HEADERS_READ */
};

void reply_init(struct reply *reply);
void reply_clear(struct reply *reply);
/* For CURLOPT_HEADERFUNCTION and CURLOPT_WRITEFUNCTION; `context` is a struct reply. They return how much was taken;
 * less than given ends the transfer. */
size_t reply_take_line(char *line, size_t size, size_t count, void *context);
size_t reply_take_body(char *bytes, size_t size, size_t count, void *context);

#endif
