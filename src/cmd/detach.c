/* The classic way into the background, but that the one who asked for it waits until the other says that it works:
 *
 *     this process -> a child that leads a new session and ends at once -> the one in the background
 *
 * which never gets a controlling terminal again, and whose parent is init. */
#include "cmd/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/command.h"

static bool replace(int fd, const char *path, int flags)
{
    int opened = open(path, flags | O_CLOEXEC | O_NOCTTY, 0600);
    bool worked = opened >= 0 && dup2(opened, fd) == fd;
    if (opened > STDERR_FILENO)
        close(opened);
    return worked;
}

/* The complaint still goes to whoever waits. Nothing may keep a file system from being unmounted, hence "/". */
static int redirect(const char *output)
{
    if (!replace(STDIN_FILENO, "/dev/null", O_RDONLY) ||
        !replace(STDOUT_FILENO, output, O_WRONLY | O_APPEND | O_CREAT) || chdir("/") != 0)
        return command_fail("cannot open %s: %s", output, strerror(errno));
    return dup2(STDOUT_FILENO, STDERR_FILENO) < 0 ? EXIT_FAILED : EXIT_DONE;
}

static _Noreturn void live_in_background(int (*work)(void *context, int report), void *context, const char *output,
                                         int report)
{
    pid_t leader = setsid() < 0 ? -1 : fork();
    if (leader != 0)
        _exit(leader < 0 ? EXIT_FAILED : EXIT_DONE);
    int exit_status = redirect(output);
    exit(exit_status == EXIT_DONE ? work(context, report) : exit_status);
}

static int wait_for_report(int report, const char *output)
{
    char byte;
    ssize_t got;
    do
        got = read(report, &byte, 1);
    while (got < 0 && errno == EINTR);
    return got == 1 ? EXIT_DONE : command_fail("the process in the background ended by itself; %s says why", output);
}

int detach_run(int (*work)(void *context, int report), void *context, const char *output)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0)
        return command_fail("cannot make a pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        close(report[0]);
        live_in_background(work, context, output, report[1]);
    }
    close(report[1]);
    int exit_status = EXIT_FAILED;
    if (child < 0) {
        exit_status = command_fail("cannot start a process: %s; try again", strerror(errno));
    } else {
        waitpid(child, NULL, 0);
        exit_status = wait_for_report(report[0], output);
    }
    close(report[0]);
    return exit_status;
}

void detach_report(int report)
{
    ssize_t written = write(report, "k", 1); /* who waited may be gone */
    (void)written;
    close(report);
}
