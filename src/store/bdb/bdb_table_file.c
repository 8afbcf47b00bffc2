/* The tables' files, seen from outside: where one is lost or was overwritten, Berkeley DB's recovery passes over it as
 * if it had been deleted in good order, and what the log knew of it is gone. So it is looked at before. */
#include "store/bdb/bdb.h"

#include <byteswap.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/tree.h"
#include "store/bdb/bdb_home.h"
#include "store/bdb/gate_files.h"

/* So a file of Berkeley DB begins. */
struct head {
    uint32_t log_record[2];
    uint32_t page;
    uint32_t magic;
    uint32_t version;
    uint32_t page_bytes;
};

void bdb_table_file(enum bdb_table table, char *out)
{
    if (table < BDB_INBOX)
        snprintf(out, BDB_FILE_NAME, "%s.db", bdb_table_name(table));
    else
        snprintf(out, BDB_FILE_NAME, "%s.%x.db", bdb_table_name(table), (unsigned)(table - BDB_INBOX));
}

static int open_file(const char *home, enum bdb_table table, int flags)
{
    char file[BDB_FILE_NAME];
    bdb_table_file(table, file);
    struct buf path = tree_path(home, file);
    int fd = open(path.data, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int cause = errno;
    buf_clear(&path);
    errno = cause;
    return fd;
}

static enum status status_of_open(int format, enum bdb_table table)
{
    char file[BDB_FILE_NAME];
    if (errno != ENOENT)
        return status_of_errno();
    if (format < BDB_HOME_FORMAT)
        return STATUS_NOT_FOUND;
    bdb_table_file(table, file);
    log_error("store_table_missing", LOG_TEXT("file", file));
    return STATUS_CORRUPT;
}

enum status bdb_table_file_find(const char *home, int format, enum bdb_table table)
{
    int fd = open_file(home, table, O_RDONLY);
    if (fd < 0)
        return status_of_open(format, table);
    close(fd);
    return STATUS_OK;
}

/* In another machine's order of bytes a file is Berkeley DB's business. */
static bool is_head(const struct head *head)
{
    return head->magic == DB_BTREEMAGIC || bswap_32(head->magic) == DB_BTREEMAGIC;
}

/* What a killed process had written of a page when the file grew. Nobody has read it, and no checkpoint has passed it.
 */
static enum status cut_to_pages(int fd, const struct head *head, const char *file)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return status_of_errno();
    if (head->magic != DB_BTREEMAGIC || head->page_bytes == 0 || info.st_size % (off_t)head->page_bytes == 0)
        return STATUS_OK;
    log_warn("store_page_cut_off", LOG_TEXT("file", file), LOG_NUMBER("bytes", info.st_size));
    return ftruncate(fd, info.st_size - info.st_size % (off_t)head->page_bytes) == 0 ? STATUS_OK : status_of_errno();
}

/* In a store that is being made, or brought up to date, a file may still be empty: recovery makes it. */
static enum status check_file(const char *home, int format, enum bdb_table table)
{
    char file[BDB_FILE_NAME];
    struct head head = {.magic = 0};
    int fd = open_file(home, table, O_RDWR);
    if (fd < 0)
        return status_of_open(format, table);
    bdb_table_file(table, file);
    ssize_t got = pread(fd, &head, sizeof head, 0);
    enum status status = got < 0 ? status_of_errno() : STATUS_OK;
    if (status == STATUS_OK && (got > 0 || format == BDB_HOME_FORMAT))
        status = is_head(&head) ? cut_to_pages(fd, &head, file) : STATUS_CORRUPT;
    close(fd);
    return status;
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
