/* Counts the calls of the one kind that is asked for. */
#include "fault.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const names[] = {
    [FAULT_WRITE] = "write",   [FAULT_SHORT] = "short",   [FAULT_SYNC] = "sync",
    [FAULT_OPEN] = "open",     [FAULT_CHANGE] = "change", [FAULT_LOCK] = "lock",
    [FAULT_MEMORY] = "memory", [FAULT_STORE] = "store",   [FAULT_CONFLICT] = "conflict",
};
enum { KINDS = sizeof names / sizeof names[0] };

static enum fault_kind chosen; /* FAULT_NONE: nothing is counted */
static long chosen_number;
static atomic_long counted;

/* Runs when the libraries have made themselves ready. */
__attribute__((constructor)) static void fault_choose(void)
{
    const char *text = getenv("HOOKTURN_FAULT");
    const char *colon = text ? strchr(text, ':') : NULL;
    for (int kind = FAULT_WRITE; colon && kind < KINDS; kind++)
        if (strlen(names[kind]) == (size_t)(colon - text) && strncmp(names[kind], text, strlen(names[kind])) == 0) {
            chosen_number = strtol(colon + 1, NULL, 10);
            chosen = (enum fault_kind)kind;
        }
}

/* By system calls: the C library's functions are the ones that fail. */
static void note(const char *text)
{
    const char *path = getenv("HOOKTURN_FAULT_NOTE");
    long fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
    if (fd < 0)
        return;
    syscall(SYS_write, fd, text, strlen(text));
    syscall(SYS_close, fd);
}

__attribute__((destructor)) static void tell_count(void)
{
    char text[32];
    if (chosen == FAULT_NONE || chosen_number != 0)
        return;
    snprintf(text, sizeof text, "%ld\n", atomic_load(&counted));
    note(text);
}

bool fault_is_due(enum fault_kind kind)
{
    if (kind != chosen || atomic_fetch_add(&counted, 1) + 1 != chosen_number)
        return false;
    note("fired\n");
    return true;
}
