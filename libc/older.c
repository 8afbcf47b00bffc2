/* Only in a program that shall run with older C libraries than the one it is built with (--enable-portable): what those
 * do not have, or do otherwise. older.py sees to everything else. */
#include <dirent.h>
#include <fcntl.h>
#include <search.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __LP64__
#error "elsewhere the kernel's struct stat is another one than the C library's"
#endif

/* ---- since 2.33; before, they were functions of other names behind macros ---- */

int fstatat(int directory, const char *restrict path, struct stat *restrict out, int flags)
{
    return (int)syscall(SYS_newfstatat, directory, path, out, flags);
}

int stat(const char *restrict path, struct stat *restrict out)
{
    return fstatat(AT_FDCWD, path, out, 0);
}

int lstat(const char *restrict path, struct stat *restrict out)
{
    return fstatat(AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW);
}

int fstat(int fd, struct stat *out)
{
    return (int)syscall(SYS_fstat, fd, out);
}

/* ---- since 2.30 ---- */

ssize_t getdents64(int fd, void *buffer, size_t length)
{
    return syscall(SYS_getdents64, fd, buffer, length);
}

static _Thread_local struct {
    void (*action)(const void *node, VISIT which, void *closure);
    void *closure;
} walk;

static void walk_node(const void *node, VISIT which, int depth)
{
    (void)depth;
    walk.action(node, which, walk.closure);
}

void twalk_r(const void *root, void (*action)(const void *node, VISIT which, void *closure), void *closure)
{
    walk.action = action;
    walk.closure = closure;
    twalk(root, walk_node);
}

/* ---- since 2.34 the C library calls a program's constructors; before, the program brought the function for that ----
 */

typedef void constructor(int argc, char **argv, char **environment);
extern constructor *const __init_array_start[], *const __init_array_end[];
void _init(void);

static int construct(int argc, char **argv, char **environment)
{
    _init();
    for (constructor *const *one = __init_array_start; one < __init_array_end; one++)
        (*one)(argc, argv, environment);
    return 0;
}

typedef int first_function(int argc, char **argv, char **environment);
int __wrap___libc_start_main(first_function *main, int argc, char **argv, first_function *init, void (*fini)(void),
                             void (*loader_fini)(void), void *stack_end);
int __real___libc_start_main(first_function *main, int argc, char **argv, first_function *init, void (*fini)(void),
                             void (*loader_fini)(void), void *stack_end);

/* The linker puts it before the C library's own (--wrap). */
int __wrap___libc_start_main(first_function *main, int argc, char **argv, first_function *init, void (*fini)(void),
                             void (*loader_fini)(void), void *stack_end)
{
    return __real___libc_start_main(main, argc, argv, init ? init : construct, fini, loader_fini, stack_end);
}
