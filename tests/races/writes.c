/* Berkeley DB's writes, in a build with --enable-sanitizers=thread. They go through a function of ours (bdb_system.c),
 * while the library's own opening and closing of the same descriptors is not looked at (options.c): one that it closed
 * and another thread got anew would be taken for one that both use. So its writes are not looked at either. The linker
 * hands each call of db_env_set_func_write to what stands here (--wrap). */
#include <sys/types.h>

typedef ssize_t (*write_function)(int fd, const void *bytes, size_t length);

extern int __real_db_env_set_func_write(write_function function); /* Berkeley DB's */
extern int __wrap_db_env_set_func_write(write_function function);

/* The sanitizer's. */
extern void AnnotateIgnoreReadsBegin(const char *file, int line);
extern void AnnotateIgnoreReadsEnd(const char *file, int line);
extern void AnnotateIgnoreWritesBegin(const char *file, int line);
extern void AnnotateIgnoreWritesEnd(const char *file, int line);

static write_function product_write;

static ssize_t write_unseen(int fd, const void *bytes, size_t length)
{
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
    ssize_t written = product_write(fd, bytes, length);
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
    return written;
}

int __wrap_db_env_set_func_write(write_function function)
{
    product_write = function;
    return __real_db_env_set_func_write(write_unseen);
}
