/* Requests through libfcgi, in several threads, until the process is told to stop. */
#ifndef HOOKTURN_CGI_FASTCGI_H
#define HOOKTURN_CGI_FASTCGI_H

#include <signal.h>
#include <stdbool.h>

#include "api/api.h"
#include "base/conf.h"

/* False: this is plain CGI. To be asked before anything else reads descriptor 0. */
bool fastcgi_is_spoken(void);
enum fastcgi_end {
    FASTCGI_STOPPED,
    FASTCGI_FAILED,
    FASTCGI_MUST_LEAVE /* this process must leave the store at once, with all that it has open there */
};
/* `is_resumed`: another life of this process had to leave the store; whoever was answered last may not have come to
 * starting the worker that it needs, so that is done first. Serves until one of `stop_signals` comes, which are blocked
 * already, or until the store must be left; the requests in hand are finished. */
enum fastcgi_end fastcgi_run(struct api *api, const struct conf *conf, const sigset_t *stop_signals, bool is_resumed);

#endif
