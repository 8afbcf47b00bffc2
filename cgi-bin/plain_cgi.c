/* Plain CGI: the web server starts the program for one request. */
#include "plain_cgi.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
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

static const struct cgi_door door = {get_variable, read_input, write_output, NULL};

static bool is_called_by_a_server(void)
{
    if (getenv("REQUEST_METHOD") != NULL)
        return true;
    fputs("hookturn.fcgi: a web server starts this program, as FastCGI or CGI\n", stderr);
    return false;
}

int plain_cgi_refuse(void)
{
    const struct conf none = {.base_path = (char *)""};
    struct request request;
    struct response response;
    if (!is_called_by_a_server())
        return 2;
    cgi_request_read(&door, &none, &request);
    response_init(&response);
    response_error(&response, &request, API_INTERNAL_ERROR, "internal error", NULL);
    log_error("cannot_start", LOG_TEXT("trace_id", response.trace_id));
    cgi_response_write(&door, &request, &response);
    response_clear(&response);
    request_clear(&request);
    return 1;
}

int plain_cgi_run(struct api *api, const struct conf *conf)
{
    struct request request;
    struct response response;
    if (!is_called_by_a_server())
        return 2;
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
