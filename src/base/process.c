/* Keys and secrets pass through the programs' memory and files: what the operating system offers for keeping others out
 * of them is set here, once, for the command and the web server's program alike. */
#include "base/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DESCRIPTORS_MAX = 8192 };

/* A descriptor 0, 1 or 2 that is closed would become one of the store's files, and log lines be written to it. FastCGI
 * promises programs no more than descriptor 0. Output that nobody gets is not to be taken for written: so 1 is one that
 * cannot be. */
static void fill_standard_descriptors(void)
{
    static const int modes[] = {[STDIN_FILENO] = O_RDONLY, [STDOUT_FILENO] = O_RDONLY, [STDERR_FILENO] = O_WRONLY};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", modes[fd]); /* the lowest that is free is this one */
}

/* A worker has a socket open for each request in flight; the soft limit is for programs that use select(2). */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t wanted = limit.rlim_max < DESCRIPTORS_MAX ? limit.rlim_max : DESCRIPTORS_MAX;
    /* cppcheck-suppress knownConditionTrueFalse ; it takes `wanted` for the soft limit */
    if (limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
}

void process_protect(void)
{
    const struct rlimit no_core = {0, 0};
    fill_standard_descriptors();
    raise_descriptor_limit();
    setrlimit(RLIMIT_CORE, &no_core);
    prctl(PR_SET_DUMPABLE, 0);
    umask(077);
    signal(SIGCHLD, SIG_DFL); /* where it is ignored, children vanish before their end can be asked for */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on a file's size is an error of the write, not the end in the middle of it */
}

/* Kernels before 5.9 have no close_range. */
static void close_listed(void)
{
    DIR *list = opendir("/proc/self/fd");
    if (!list)
        return;
    for (struct dirent *entry = readdir(list); entry; entry = readdir(list)) {
        int fd = (int)strtol(entry->d_name, NULL, 10); /* 0 for "." and ".." */
        if (fd > STDERR_FILENO && fd != dirfd(list))
            close(fd);
    }
    closedir(list);
}

void process_close_inherited(void)
{
    const unsigned first = STDERR_FILENO + 1;
    if (syscall(SYS_close_range, first, ~0U, 0) != 0)
        close_listed();
}
