/* Plain CGI: the web server starts the program for one request. */
#include "plain_cgi.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cgi_request.h"
#include "store/worker_start.h"

static const char *get_variable(void *context, const char *name)
{
    (void)context;
    return getenv(name);
}

static size_t read_input(void *context, char *out, size_t length)
{
    (void)context;
    ssize_t got;
    do
        got = read(STDIN_FILENO, out, length);
    while (got < 0 && errno == EINTR);
    return got > 0 ? (size_t)got : 0;
}

static void write_output(void *context, const char *bytes, size_t length)
{
    (void)context;
    while (length > 0) {
        ssize_t put = write(STDOUT_FILENO, bytes, length);
        if (put < 0 && errno != EINTR)
            return; /* the server has gone; nobody is left to tell */
        if (put > 0) {
            bytes += put;
            length -= (size_t)put;
        }
    }
}

int plain_cgi_run(struct api *api, const struct conf *conf)
{
    if (getenv("REQUEST_METHOD") == NULL) {
        fputs("hookturn.fcgi: a web server starts this program, as FastCGI or CGI\n", stderr);
        return 2;
    }
    const struct cgi_door door = {get_variable, read_input, write_output, NULL};
    struct request request;
    struct response response;
    cgi_request_read(&door, conf, &request);
    response_init(&response);
    api_handle(api, &request, &response);
    cgi_response_write(&door, &request, &response);
    close(STDOUT_FILENO); /* the answer is complete before the housekeeping */
    if (response.needs_worker)
        worker_start_if_none(conf);
    api_maintain(api);
    response_clear(&response);
    request_clear(&request);
    return 0;
}
