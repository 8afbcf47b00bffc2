/* Berkeley DB in a build with --enable-sanitizers=thread: it keeps its own functions for writing and for memory, where
 * the product gives it some of ours (bdb_system.c). What the library does by itself is not looked at (options.c), its
 * locks included. So with ours, which are looked at, a descriptor or a piece of memory that it hands from one thread to
 * another would be taken for one that both use. The linker hands each call here (--wrap). */
#include <stddef.h>
#include <sys/types.h>

extern int __wrap_db_env_set_func_write(ssize_t (*function)(int fd, const void *bytes, size_t length));
extern int __wrap_db_env_set_func_malloc(void *(*function)(size_t size));
extern int __wrap_db_env_set_func_realloc(void *(*function)(void *old, size_t size));

int __wrap_db_env_set_func_write(ssize_t (*function)(int fd, const void *bytes, size_t length))
{
    (void)function;
    return 0;
}

int __wrap_db_env_set_func_malloc(void *(*function)(size_t size))
{
    (void)function;
    return 0;
}

int __wrap_db_env_set_func_realloc(void *(*function)(void *old, size_t size))
{
    (void)function;
    return 0;
}
