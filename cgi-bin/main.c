/* hookturn.fcgi: the program that the web server starts. Configuration, log and signals here; then the door that the
 * server speaks through. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/process.h"
#include "fastcgi.h"
#include "plain_cgi.h"
#include "store/store.h"

/* What the program says to its next life. */
static const char resumed_word[] = "--resumed";

/* Blocked in every thread, so that none of them ends the process in the middle of something. */
static void block_stop_signals(sigset_t *out)
{
    static const int signals[] = {SIGTERM, SIGUSR1, SIGINT, SIGHUP, SIGXCPU};
    sigemptyset(out);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaddset(out, signals[i]);
    pthread_sigmask(SIG_BLOCK, out, NULL);
}

/* The store must be recovered, and no process opens it twice. In the same process the program begins anew: the
 * listener stays, and who connects meanwhile waits a moment, where a web server that starts another process would have
 * refused him, perhaps for a second or two. Where that cannot be, the server starts the other one. */
static _Noreturn void start_anew(char **argv)
{
    char *const resumed[] = {argv[0], (char *)resumed_word, NULL};
    log_info("start_anew", LOG_TEXT("reason", "recovery"));
    execv("/proc/self/exe", resumed);
    _exit(STORE_EXIT_LEFT);
}

static bool is_resumed(char **argv)
{
    return argv[0] != NULL && argv[1] != NULL && strcmp(argv[1], resumed_word) == 0;
}

static int serve_fastcgi(struct api *api, const struct conf *conf, const sigset_t *stop_signals, char **argv)
{
    enum fastcgi_end end = fastcgi_run(api, conf, stop_signals, is_resumed(argv));
    if (end == FASTCGI_MUST_LEAVE)
        start_anew(argv);
    return end == FASTCGI_STOPPED ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run(const struct conf *conf, const sigset_t *stop_signals, char **argv)
{
    struct failure failure = {""};
    if (log_open(conf->log_level, conf->log_file, &failure) != STATUS_OK)
        log_warn("log_open_failed", LOG_TEXT("cause", failure.text)); /* stderr stays in use */
    bool is_served = fastcgi_is_spoken();
    struct api *api = api_new(conf, is_served ? STORE_FOR_REQUEST : STORE_FOR_ONE_REQUEST);
    int exit_status = is_served ? serve_fastcgi(api, conf, stop_signals, argv) : plain_cgi_run(api, conf);
    api_free(api);
    return exit_status;
}

int main(int argc, char **argv)
{
    (void)argc;
    process_protect();
    crypto_alone();
    sigset_t stop_signals;
    block_stop_signals(&stop_signals);
    struct conf conf;
    struct failure failure = {""};
    int exit_status = EXIT_FAILURE;
    if (conf_load(NULL, HOOKTURN_SYSCONF, &conf, &failure) == STATUS_OK) {
        exit_status = run(&conf, &stop_signals, argv);
    } else {
        fprintf(stderr, "hookturn.fcgi: %s\n", failure.text);
        if (!fastcgi_is_spoken()) /* else the server starts another one, in the hope that it is mended */
            exit_status = plain_cgi_refuse();
    }
    conf_clear(&conf);
    return exit_status;
}
