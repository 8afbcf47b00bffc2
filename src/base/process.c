/* Keys and secrets pass through the programs' memory and files: what the operating system offers for keeping others out
 * of them is set here, once, for the command and the web server's program alike. */
#include "base/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A descriptor 0, 1 or 2 that is closed would become one of the store's files, and log lines be written to it. FastCGI
 * promises programs no more than descriptor 0. */
static void fill_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

void process_protect(void)
{
    const struct rlimit no_core = {0, 0};
    fill_standard_descriptors();
    setrlimit(RLIMIT_CORE, &no_core);
    prctl(PR_SET_DUMPABLE, 0);
    umask(077);
    signal(SIGPIPE, SIG_IGN);
}
