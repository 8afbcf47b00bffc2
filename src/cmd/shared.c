/* What a child leaves for the one that follows it when it had to leave the store. */
#include "cmd/shared.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "cmd/command.h"

void *shared_new(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED)
        return memory;
    (void)command_fail("cannot share memory with another process: %s", strerror(errno));
    return NULL;
}

void shared_free(void *memory, size_t size)
{
    munmap(memory, size);
}
