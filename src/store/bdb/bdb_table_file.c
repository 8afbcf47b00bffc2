/* The tables' files, seen from outside: where one is lost or was overwritten, Berkeley DB's recovery passes over it as
 * if it had been deleted in good order, and what the log knew of it is gone. So it is looked at before. */
#include "store/bdb/bdb.h"

#include <byteswap.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "store/bdb/bdb_home.h"
#include "store/bdb/gate_files.h"

/* A file of Berkeley DB begins with the number of a log record (8 bytes), that of the page (4), and the magic. */
enum { MAGIC_AT = 12 };

void bdb_table_file(enum bdb_table table, char *out)
{
    if (table < BDB_INBOX)
        snprintf(out, BDB_FILE_NAME, "%s.db", bdb_table_name(table));
    else
        snprintf(out, BDB_FILE_NAME, "%s.%x.db", bdb_table_name(table), (unsigned)(table - BDB_INBOX));
}

static int open_file(const char *home, enum bdb_table table)
{
    char file[BDB_FILE_NAME];
    struct buf path = {0};
    bdb_table_file(table, file);
    buf_printf(&path, "%s/%s", home, file);
    int fd = open(path.data, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int cause = errno;
    buf_clear(&path);
    errno = cause;
    return fd;
}

static enum status status_of_errno(int format, enum bdb_table table)
{
    char file[BDB_FILE_NAME];
    if (errno != ENOENT)
        return gate_status_of_errno();
    if (format < BDB_HOME_FORMAT)
        return STATUS_NOT_FOUND;
    bdb_table_file(table, file);
    log_error("store_table_missing", LOG_TEXT("file", file));
    return STATUS_CORRUPT;
}

enum status bdb_table_file_find(const char *home, int format, enum bdb_table table)
{
    int fd = open_file(home, table);
    if (fd < 0)
        return status_of_errno(format, table);
    close(fd);
    return STATUS_OK;
}

/* Another machine's order of bytes is Berkeley DB's business. */
static bool is_magic(uint32_t word)
{
    return word == DB_BTREEMAGIC || bswap_32(word) == DB_BTREEMAGIC;
}

/* In a store that is being made, or brought up to date, a file may still be empty: recovery makes it. */
static enum status check_file(const char *home, int format, enum bdb_table table)
{
    uint32_t word = 0;
    int fd = open_file(home, table);
    if (fd < 0)
        return status_of_errno(format, table);
    ssize_t got = pread(fd, &word, sizeof word, MAGIC_AT);
    enum status status = got < 0 ? gate_status_of_errno() : is_magic(word) ? STATUS_OK : STATUS_CORRUPT;
    close(fd);
    return got == 0 && format < BDB_HOME_FORMAT ? STATUS_OK : status;
}

enum status bdb_table_files_check(const char *home, int format, struct failure *failure)
{
    for (unsigned i = 0; i < BDB_TABLES; i++) {
        enum status status = check_file(home, format, (enum bdb_table)i);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            char file[BDB_FILE_NAME];
            bdb_table_file((enum bdb_table)i, file);
            failure_set(failure, "the table %s/%s is %s: restore a backup", home, file,
                        status == STATUS_CORRUPT ? "missing or damaged" : "not readable");
            return status;
        }
    }
    return STATUS_OK;
}
