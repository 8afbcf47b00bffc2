/* hookturn.fcgi: the program that the web server starts. Configuration, log and signals here; then the door that the
 * server speaks through. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "api/api.h"
#include "base/conf.h"
#include "base/log.h"
#include "fastcgi.h"
#include "plain_cgi.h"

/* Its memory holds secrets: no core file, no tracing by others, no file that others can read. */
static void harden(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
    umask(077);
}

/* Blocked in every thread, so that none of them ends the process in the middle of something. */
static void block_stop_signals(sigset_t *out)
{
    static const int signals[] = {SIGTERM, SIGUSR1, SIGINT, SIGHUP, SIGXCPU};
    sigemptyset(out);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaddset(out, signals[i]);
    pthread_sigmask(SIG_BLOCK, out, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int run(const struct conf *conf, const sigset_t *stop_signals)
{
    struct failure failure = {""};
    if (log_open(conf->log_level, conf->log_file, &failure) != STATUS_OK)
        log_warn("log_open_failed", LOG_TEXT("cause", failure.text)); /* stderr stays in use */
    struct api *api = api_new(conf);
    int exit_status = fastcgi_is_spoken() ? fastcgi_run(api, conf, stop_signals) : plain_cgi_run(api, conf);
    api_free(api);
    return exit_status;
}

int main(void)
{
    harden();
    sigset_t stop_signals;
    block_stop_signals(&stop_signals);
    struct conf conf;
    struct failure failure = {""};
    int exit_status = EXIT_FAILURE;
    if (conf_load(NULL, HOOKTURN_SYSCONF, &conf, &failure) == STATUS_OK)
        exit_status = run(&conf, &stop_signals);
    else
        fprintf(stderr, "hookturn.fcgi: %s\n", failure.text);
    conf_clear(&conf);
    return exit_status;
}
