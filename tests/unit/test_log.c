/* The form of a log line. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/timestamp.h"

static char path[] = "/tmp/hookturn-log-XXXXXX";
static char lines[16384];

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    if (fd < 0)
        return -1;
    close(fd);
    return unlink(path);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

/* Empties the log, so that the next lines are the test's own. */
static void start(enum log_level level)
{
    unlink(path);
    struct failure failure;
    assert_int_equal(log_open(level, path, &failure), STATUS_OK);
}

static const char *read_lines(void)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t got = read(fd, lines, sizeof lines - 1);
    close(fd);
    assert_true(got >= 0);
    lines[got] = '\0';
    return lines;
}

static void a_line_has_time_level_pid_event_and_fields(void **state)
{
    (void)state;
    start(LOG_LEVEL_INFO);
    log_info("started", LOG_TEXT("path", "/a/b.c"), LOG_NUMBER("count", -3));
    const char *line = read_lines();
    char time_text[TIMESTAMP_SIZE];
    int64_t time_ms;
    assert_int_equal(sscanf(line, "time=%31s", time_text), 1);
    assert_int_equal(timestamp_parse(time_text, &time_ms), STATUS_OK);
    char rest[128];
    snprintf(rest, sizeof rest, " level=info pid=%ld event=started path=/a/b.c count=-3\n", (long)getpid());
    assert_string_equal(strchr(line, ' '), rest);
}

static void values_from_outside_cannot_forge_lines(void **state)
{
    (void)state;
    start(LOG_LEVEL_INFO);
    log_info("x", LOG_TEXT("a", "1\nlevel=error \"q\" \\ \xc3\xa9\x7f"), LOG_TEXT("b", NULL));
    assert_non_null(strstr(read_lines(), " a=\"1\\x0alevel=error \\\"q\\\" \\\\ \\xc3\\xa9\\x7f\" b=\"\"\n"));
}

static void long_values_and_lines_are_cut(void **state)
{
    (void)state;
    start(LOG_LEVEL_INFO);
    char text[1000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_info("x", LOG_TEXT("a", text));
    const char *value = strstr(read_lines(), " a=") + 3;
    assert_int_equal(strspn(value, "a"), 200);
    start(LOG_LEVEL_INFO);
    memset(text, '\x01', sizeof text - 1);
    log_info("x", LOG_TEXT("a", text), LOG_TEXT("b", text), LOG_TEXT("c", text), LOG_TEXT("d", text),
             LOG_TEXT("e", text), LOG_TEXT("f", text));
    size_t length = strlen(read_lines());
    assert_int_equal(length, 4096);
    assert_ptr_equal(strchr(lines, '\n'), lines + length - 1);
}

static void lower_levels_are_left_out(void **state)
{
    (void)state;
    start(LOG_LEVEL_WARN);
    log_info("quiet", LOG_NUMBER("n", 1));
    log_error("loud", LOG_NUMBER("n", 1));
    assert_null(strstr(read_lines(), "quiet"));
    assert_non_null(strstr(lines, "loud"));
}

static void the_file_is_private_and_appended_to(void **state)
{
    (void)state;
    start(LOG_LEVEL_INFO);
    struct stat file;
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    log_info("one", LOG_NUMBER("n", 1));
    assert_int_equal(log_open(LOG_LEVEL_INFO, path, NULL), STATUS_OK);
    log_info("two", LOG_NUMBER("n", 1));
    assert_non_null(strstr(read_lines(), "event=one"));
    assert_non_null(strstr(lines, "event=two"));
}

static void a_bounded_file_is_put_aside_when_it_has_grown(void **state)
{
    (void)state;
    char old[sizeof path + 4];
    struct stat file, aside;
    snprintf(old, sizeof old, "%s.old", path);
    start(LOG_LEVEL_INFO);
    log_bound(1000);
    for (int i = 0; i < 100; i++)
        log_info("one_of_many", LOG_NUMBER("n", i));
    log_bound(0);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(stat(old, &aside), 0);
    assert_true(file.st_size < 1000);
    assert_in_range(aside.st_size, 1000, 1200);
    assert_int_equal(file.st_mode & 0777, 0600);
    log_info("last", LOG_NUMBER("n", 1));
    assert_non_null(strstr(read_lines(), "event=last"));
    unlink(old);
}

static void a_file_that_cannot_be_opened_is_named(void **state)
{
    (void)state;
    struct failure failure;
    assert_int_equal(log_open(LOG_LEVEL_INFO, "/nonexistent/log", &failure), STATUS_IO);
    assert_non_null(strstr(failure.text, "/nonexistent/log"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_pid_event_and_fields),
        cmocka_unit_test(values_from_outside_cannot_forge_lines),
        cmocka_unit_test(long_values_and_lines_are_cut),
        cmocka_unit_test(lower_levels_are_left_out),
        cmocka_unit_test(the_file_is_private_and_appended_to),
        cmocka_unit_test(a_bounded_file_is_put_aside_when_it_has_grown),
        cmocka_unit_test(a_file_that_cannot_be_opened_is_named),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
