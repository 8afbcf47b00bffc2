/* The configuration: defaults, file, environment, their order, and messages that name file, line and key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf.h"
#include "random_bits.h"

/* A home directory of the test's own; its configuration is `file`. */
static char home[] = "/tmp/test_conf.XXXXXX";
static char directory[64];
static char file[96];

static void write_file(const char *path, const char *text, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, length), (ssize_t)length);
    close(fd);
}

static enum status load_bytes(const char *text, size_t length, struct conf *conf, struct failure *failure)
{
    write_file(file, text, length);
    return conf_load(file, NULL, conf, failure);
}

static void assert_loads(const char *text, struct conf *conf)
{
    struct failure failure;
    if (load_bytes(text, strlen(text), conf, &failure) != STATUS_OK) {
        fail_msg("%s: %s", text, failure.text);
    }
}

/* `expected` follows "FILE:" in the message. */
static void assert_refused(const char *text, const char *expected)
{
    struct conf conf;
    struct failure failure;
    char whole[600];
    assert_int_equal(load_bytes(text, strlen(text), &conf, &failure), STATUS_INVALID);
    conf_clear(&conf);
    snprintf(whole, sizeof whole, "%s:%s", file, expected);
    assert_string_equal(failure.text, whole);
}

static void assert_environment_refused(const char *variable, const char *value, const char *expected)
{
    struct conf conf;
    struct failure failure;
    setenv(variable, value, 1);
    assert_int_equal(load_bytes("", 0, &conf, &failure), STATUS_INVALID);
    conf_clear(&conf);
    unsetenv(variable);
    assert_string_equal(failure.text, expected);
}

static void assert_defaults(const struct conf *conf)
{
    char path[128];
    snprintf(path, sizeof path, "%s/.hookturn", home);
    assert_string_equal(conf->data_dir, path);
    snprintf(path, sizeof path, "%s/.hookturn/master.key", home);
    assert_string_equal(conf->master_key_file, path);
    assert_string_equal(conf->store, "bdb");
    assert_int_equal(conf->secret_grace_ms, 72 * 3600000);
    assert_int_equal(conf->request_timeout_ms, 15000);
    assert_int_equal(conf->retry_strategy, RETRY_EXPONENTIAL_BACKOFF);
    assert_int_equal(conf->retry_attempts, 8);
    assert_int_equal(conf->retry_max_delay_ms, 36000000);
    assert_int_equal(conf->disable_after_ms, 432000000);
    assert_int_equal(conf->concurrency, 256);
    assert_int_equal(conf->destination_concurrency, 16);
    static const uint16_t ports[] = {22, 25, 465, 587, 3306, 5432, 6379, 11211};
    assert_int_equal(conf->destinations.allow_count, 0);
    assert_int_equal(conf->destinations.deny_port_count, 8);
    assert_memory_equal(conf->destinations.deny_ports, ports, sizeof ports);
    assert_int_equal(conf->max_subscriptions, 10000);
    assert_int_equal(conf->max_waiting, 100000);
    assert_false(conf->require_https);
    assert_int_equal(conf->retention_ms, INT64_C(2592000000));
    assert_true(conf->worker_is_auto);
    assert_int_equal(conf->worker_idle_ms, 60000);
    assert_string_equal(conf->base_path, "");
    assert_int_equal(conf->threads, 4);
    assert_int_equal(conf->max_body, 131072);
    assert_int_equal(conf->log_level, LOG_LEVEL_INFO);
    assert_string_equal(conf->log_file, "");
}

static void without_a_file_the_defaults_hold(void **state)
{
    (void)state;
    struct conf conf;
    struct failure failure;
    unlink(file);
    assert_int_equal(conf_load(NULL, NULL, &conf, &failure), STATUS_OK);
    assert_string_equal(conf.path, "");
    assert_defaults(&conf);
    conf_clear(&conf);
    conf_clear(&conf);
}

static void an_uncommented_sample_says_the_defaults(void **state)
{
    (void)state;
    struct conf conf;
    struct buf sample = {0};
    struct buf active = {0};
    conf_write_sample(NULL, &sample);
    for (const char *line = buf_text(&sample); *line != '\0'; line = strchr(line, '\n') + 1) {
        bool is_setting = line[0] == '#' && line[1] >= 'a' && line[1] <= 'z';
        const char *start = is_setting ? line + 1 : line;
        buf_append(&active, start, (size_t)(strchr(line, '\n') + 1 - start));
    }
    for (size_t i = 0; conf_key_name(i) != NULL; i++) {
        char setting[64];
        snprintf(setting, sizeof setting, "\n%s =", conf_key_name(i));
        assert_non_null(strstr(buf_text(&active), setting));
    }
    assert_loads(buf_text(&active), &conf);
    assert_defaults(&conf);
    conf_clear(&conf);
    assert_loads(buf_text(&sample), &conf);
    assert_defaults(&conf);
    conf_clear(&conf);
    buf_clear(&sample);
    buf_clear(&active);
}

static void a_sample_with_a_directory_sets_it_alone(void **state)
{
    (void)state;
    struct conf conf;
    struct buf sample = {0};
    conf_write_sample("/srv/hooks", &sample);
    assert_loads(buf_text(&sample), &conf);
    assert_string_equal(conf.data_dir, "/srv/hooks");
    assert_string_equal(conf.master_key_file, "/srv/hooks/master.key");
    assert_int_equal(conf.threads, 4);
    for (const char *line = buf_text(&sample); *line != '\0'; line = strchr(line, '\n') + 1) {
        assert_true(*line == '#' || *line == '\n' || strncmp(line, "data_dir = /srv/hooks\n", 22) == 0);
        assert_true(strchr(line, '\n') - line <= 82);
    }
    conf_clear(&conf);
    buf_clear(&sample);
}

static void every_key_is_read(void **state)
{
    (void)state;
    struct conf conf;
    assert_loads("\xef\xbb\xbf# comment\r\n\n"
                 "  data_dir=/d/ # behind a space\n"
                 "store = BDB\n"
                 "master_key_file = ~/keys#1/k\n"
                 "secret_grace = 500ms\n"
                 "request_timeout\t=\t100ms\t\n"
                 "retry_strategy = FIXED_DELAY\r\n"
                 "retry_attempts = 0\n"
                 "retry_max_delay = 24h\n"
                 "disable_after = 10m\n"
                 "concurrency = 4096\n"
                 "destination_concurrency = 1\n"
                 "allow_destinations = 127.0.0.0/8:8080  [::1/128]:8080\thooks.internal\n"
                 "deny_ports =\n"
                 "max_subscriptions = 1\n"
                 "max_waiting = 5\n"
                 "require_https = yes\n"
                 "retention = 5d\n"
                 "worker = manual\n"
                 "worker_idle = 1s\n"
                 "base_path = /hooks/\n"
                 "threads = 64\n"
                 "max_body = 16m\n"
                 "log_level = debug\n"
                 "log_file = <data_dir>/log",
                 &conf);
    char path[128];
    snprintf(path, sizeof path, "%s/keys#1/k", home);
    assert_string_equal(conf.path, file);
    assert_string_equal(conf.data_dir, "/d");
    assert_string_equal(conf.store, "bdb");
    assert_string_equal(conf.master_key_file, path);
    assert_int_equal(conf.secret_grace_ms, 500);
    assert_int_equal(conf.request_timeout_ms, 100);
    assert_int_equal(conf.retry_strategy, RETRY_FIXED_DELAY);
    assert_int_equal(conf.retry_attempts, 0);
    assert_int_equal(conf.retry_max_delay_ms, 86400000);
    assert_int_equal(conf.disable_after_ms, 600000);
    assert_int_equal(conf.concurrency, 4096);
    assert_int_equal(conf.destination_concurrency, 1);
    assert_int_equal(conf.destinations.allow_count, 3);
    assert_int_equal(conf.destinations.allow[1].port, 8080);
    assert_string_equal(conf.destinations.allow[2].host, "hooks.internal");
    assert_int_equal(conf.destinations.deny_port_count, 0);
    assert_int_equal(conf.max_subscriptions, 1);
    assert_int_equal(conf.max_waiting, 5);
    assert_true(conf.require_https);
    assert_int_equal(conf.retention_ms, 432000000);
    assert_false(conf.worker_is_auto);
    assert_int_equal(conf.worker_idle_ms, 1000);
    assert_string_equal(conf.base_path, "/hooks");
    assert_int_equal(conf.threads, 64);
    assert_int_equal(conf.max_body, 16777216);
    assert_int_equal(conf.log_level, LOG_LEVEL_DEBUG);
    assert_string_equal(conf.log_file, "/d/log");
    conf_clear(&conf);
}

static void bad_values_name_file_line_and_key(void **state)
{
    static const char *const rows[][2] = {
        {"\n# x\nsecret_grace = 72\n", "3: secret_grace: \"72\" is not a duration such as 500ms, 15s, 10m, 72h or 5d"},
        {"secret_grace = 0ms", "1: secret_grace: \"0ms\" is outside of what is allowed: 1ms to 3650d"},
        {"secret_grace =", "1: secret_grace: \"\" is not a duration such as 500ms, 15s, 10m, 72h or 5d"},
        {"request_timeout=61s", "1: request_timeout: \"61s\" is outside of what is allowed: 100ms to 60s"},
        {"request_timeout=99ms", "1: request_timeout: \"99ms\" is outside of what is allowed: 100ms to 60s"},
        {"retry_attempts = 21", "1: retry_attempts: \"21\" is outside of what is allowed: 0 to 20"},
        {"retry_attempts = -1", "1: retry_attempts: \"-1\" is not a whole number"},
        {"threads = 99999999999999999999", "1: threads: \"99999999999999999999\" is not a whole number"},
        {"threads = 0", "1: threads: \"0\" is outside of what is allowed: 1 to 64"},
        {"max_body = 17m", "1: max_body: \"17m\" is outside of what is allowed: 1k to 16m"},
        {"max_body = big", "1: max_body: \"big\" is not a size such as 64k or 16m"},
        {"retry_strategy = LINEAR", "1: retry_strategy: \"LINEAR\" is not one of: FIXED_DELAY, EXPONENTIAL_BACKOFF"},
        {"store = postgresql", "1: store: \"postgresql\" is not one of: bdb"},
        {"worker = on", "1: worker: \"on\" is not one of: auto, manual"},
        {"require_https = 1", "1: require_https: \"1\" is not one of: on, off, yes, no, true, false"},
        {"deny_ports = 22 0", "1: deny_ports: \"0\" is not a port from 1 to 65535"},
        {"deny_ports = 22, 25", "1: deny_ports: \"22,\" is not a port from 1 to 65535"},
        {"allow_destinations = ::1 127.1", "1: allow_destinations: \"127.1\" is not a CIDR block or host name such as "
                                           "127.0.0.0/8:8080, [::1/128]:8080 or hooks.example:8443"},
        {"data_dir = data", "1: data_dir: \"data\" is not a path that is absolute or starts with ~/"},
        {"data_dir =", "1: data_dir: \"\" is not a path that is absolute or starts with ~/"},
        {"log_file = ~root/log", "1: log_file: \"~root/log\" is not a path that is absolute or starts with ~/"},
        {"base_path = hooks", "1: base_path: \"hooks\" is not empty or a path such as /hooks"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_refused(rows[i][0], rows[i][1]);
    }
}

static void bad_lines_name_file_and_line(void **state)
{
    (void)state;
    assert_refused("threads = 4\nsecret_gracee = 1h\n", "2: secret_gracee: unknown key; did you mean secret_grace?");
    assert_refused("thread = 4", "1: thread: unknown key; did you mean threads?");
    assert_refused("colour = red", "1: colour: unknown key");
    assert_refused("THREADS = 4", "1: THREADS: unknown key");
    assert_refused("\n\nthreads 4", "3: the line is neither `key = value` nor a comment (#)");
    assert_refused("= 4", "1: the line is neither `key = value` nor a comment (#)");
    assert_refused("threads = 4\n# x\nthreads = many\n", "3: threads: \"many\" is not a whole number");
    assert_refused("# ok\nlog_file = /\xff\n", "2: the line holds a NUL or is not valid UTF-8");

    struct conf conf;
    struct failure failure;
    assert_int_equal(load_bytes("threads = 4\0", 12, &conf, &failure), STATUS_INVALID);
    conf_clear(&conf);
    assert_non_null(strstr(failure.text, ":1: the line holds a NUL"));
}

static void of_a_key_that_stands_twice_the_last_counts(void **state)
{
    static const char text[] = "threads = 4\nthreads = 5\n";
    struct conf conf;
    struct failure failure;
    (void)state;
    assert_int_equal(load_bytes(text, sizeof text - 1, &conf, &failure), STATUS_OK);
    assert_int_equal(conf.threads, 5);
    conf_clear(&conf);
}

static void a_file_that_was_named_must_be_readable(void **state)
{
    (void)state;
    struct conf conf;
    struct failure failure;
    assert_int_equal(conf_load("/nonexistent/h.conf", NULL, &conf, &failure), STATUS_NOT_FOUND);
    conf_clear(&conf);
    assert_string_equal(failure.text,
                        "cannot read /nonexistent/h.conf: No such file or directory; make one with `hookturn init`");
    assert_int_equal(conf_load("", NULL, &conf, &failure), STATUS_NOT_FOUND);
    conf_clear(&conf);
    assert_int_equal(conf_load(home, NULL, &conf, &failure), STATUS_IO);
    conf_clear(&conf);
    setenv("HOOKTURN_CONF", "/nonexistent/h.conf", 1);
    assert_int_equal(conf_load(NULL, NULL, &conf, &failure), STATUS_NOT_FOUND);
    conf_clear(&conf);
    unsetenv("HOOKTURN_CONF");
}

static void a_huge_file_is_refused(void **state)
{
    (void)state;
    struct conf conf;
    struct failure failure;
    size_t length = (1 << 20) + 1;
    char *text = malloc(length);
    assert_non_null(text);
    memset(text, '#', length);
    assert_int_equal(load_bytes(text, length - 1, &conf, &failure), STATUS_OK);
    conf_clear(&conf);
    assert_int_equal(load_bytes(text, length, &conf, &failure), STATUS_INVALID);
    conf_clear(&conf);
    free(text);
    assert_non_null(strstr(failure.text, "larger than 1 MiB"));
}

static void assert_threads(const char *path, const char *installed, int64_t threads, const char *from)
{
    struct conf conf;
    struct failure failure;
    assert_int_equal(conf_load(path, installed, &conf, &failure), STATUS_OK);
    assert_int_equal(conf.threads, threads);
    assert_string_equal(conf.path, from);
    conf_clear(&conf);
}

static void the_first_file_in_order_is_read(void **state)
{
    char named[96];
    char variable[96];
    char installed[96];
    (void)state;
    snprintf(named, sizeof named, "%s/named", home);
    snprintf(variable, sizeof variable, "%s/variable", home);
    snprintf(installed, sizeof installed, "%s/installed", home);
    write_file(named, "threads = 11", 12);
    write_file(variable, "threads = 12", 12);
    write_file(file, "threads = 13", 12);
    write_file(installed, "threads = 14", 12);
    setenv("HOOKTURN_CONF", variable, 1);
    assert_threads(named, installed, 11, named);
    assert_threads(NULL, installed, 12, variable);
    setenv("HOOKTURN_CONF", "", 1);
    assert_threads(NULL, installed, 13, file);
    unsetenv("HOOKTURN_CONF");
    unlink(file);
    assert_threads(NULL, installed, 14, installed);
    unlink(installed);
    assert_threads(NULL, installed, 4, "");
    unlink(named);
    unlink(variable);
}

static void a_relative_name_is_kept_as_an_absolute_one(void **state)
{
    (void)state;
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    write_file(file, "threads = 7", 11);
    assert_int_equal(chdir(directory), 0);
    assert_threads("hookturn.conf", NULL, 7, file);
    assert_int_equal(chdir(before), 0);
}

static void the_environment_overrides_the_file(void **state)
{
    (void)state;
    struct conf conf;
    setenv("HOOKTURN_THREADS", " 9 ", 1);
    setenv("HOOKTURN_DATA_DIR", "~/other", 1);
    setenv("HOOKTURN_DENY_PORTS", "", 1);
    setenv("HOOKTURN_COLOUR", "red", 1);
    assert_loads("threads = 5\nretry_attempts = 3\n", &conf);
    char path[128];
    snprintf(path, sizeof path, "%s/other/master.key", home);
    assert_int_equal(conf.threads, 9);
    assert_int_equal(conf.retry_attempts, 3);
    assert_string_equal(conf.master_key_file, path);
    assert_int_equal(conf.destinations.deny_port_count, 0);
    conf_clear(&conf);
    unsetenv("HOOKTURN_THREADS");
    unsetenv("HOOKTURN_DATA_DIR");
    unsetenv("HOOKTURN_DENY_PORTS");
    unsetenv("HOOKTURN_COLOUR");
}

static void bad_values_in_the_environment_name_the_variable(void **state)
{
    (void)state;
    assert_environment_refused("HOOKTURN_SECRET_GRACE", "72",
                               "HOOKTURN_SECRET_GRACE: \"72\" is not a duration such as 500ms, 15s, 10m, 72h or 5d");
    assert_environment_refused("HOOKTURN_LOG_FILE", "relative",
                               "HOOKTURN_LOG_FILE: \"relative\" is not a path that is absolute or starts with ~/");
    assert_environment_refused("HOOKTURN_LOG_FILE", "/\xff", "HOOKTURN_LOG_FILE: the value is not valid UTF-8");
}

static void a_bad_value_in_the_file_is_told_though_overridden(void **state)
{
    (void)state;
    setenv("HOOKTURN_THREADS", "9", 1);
    assert_refused("threads = x", "1: threads: \"x\" is not a whole number");
    unsetenv("HOOKTURN_THREADS");
}

static void without_home_the_user_database_is_asked(void **state)
{
    (void)state;
    char *from_variable = conf_home();
    assert_string_equal(from_variable, home);
    free(from_variable);
    unsetenv("HOME");
    char *from_database = conf_home();
    assert_int_equal(from_database[0], '/');
    free(from_database);
    setenv("HOME", "relative", 1);
    char *despite_relative = conf_home();
    assert_int_equal(despite_relative[0], '/');
    free(despite_relative);
    setenv("HOME", home, 1);
}

static void whatever_a_file_holds_is_read_or_refused_with_a_reason(void **state)
{
    static const char *const pieces[] = {"threads",
                                         "data_dir",
                                         "allow_destinations",
                                         "deny_ports",
                                         "base_path",
                                         "=",
                                         " = ",
                                         "\n",
                                         "\n",
                                         "#",
                                         " ",
                                         "~/",
                                         "<data_dir>",
                                         "/",
                                         "1",
                                         "10s",
                                         "[::1]:80",
                                         "x",
                                         "\xff",
                                         "\xc3\xa9",
                                         "log_file",
                                         "require_https",
                                         "on",
                                         "\r",
                                         "\t"};
    uint32_t seed = 521288629u;
    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct buf text = {0};
        struct conf conf;
        struct failure failure = {0};
        for (uint32_t count = next_random(&seed) % 16; count > 0; count--) {
            buf_append_text(&text, pieces[next_random(&seed) % (sizeof pieces / sizeof pieces[0])]);
        }
        if (text.length > 0 && i % 3 == 0) {
            text.data[next_random(&seed) % text.length] = (char)next_random(&seed);
        }
        if (load_bytes(buf_text(&text), text.length, &conf, &failure) != STATUS_OK) {
            assert_int_equal(strncmp(failure.text, file, strlen(file)), 0);
        }
        conf_clear(&conf);
        buf_clear(&text);
    }
}

static int make_home(void **state)
{
    (void)state;
    if (mkdtemp(home) == NULL) {
        return -1;
    }
    snprintf(directory, sizeof directory, "%s/.hookturn", home);
    snprintf(file, sizeof file, "%s/hookturn.conf", directory);
    unsetenv("HOOKTURN_CONF");
    for (size_t i = 0; conf_key_name(i) != NULL; i++) {
        char variable[64];
        int length = snprintf(variable, sizeof variable, "HOOKTURN_%s", conf_key_name(i));
        for (int at = 0; at < length; at++) {
            variable[at] = (char)(variable[at] >= 'a' && variable[at] <= 'z' ? variable[at] - 'a' + 'A' : variable[at]);
        }
        unsetenv(variable);
    }
    return setenv("HOME", home, 1) == 0 ? mkdir(directory, 0700) : -1;
}

static int remove_home(void **state)
{
    (void)state;
    unlink(file);
    rmdir(directory);
    return rmdir(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_the_defaults_hold),
        cmocka_unit_test(an_uncommented_sample_says_the_defaults),
        cmocka_unit_test(a_sample_with_a_directory_sets_it_alone),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(bad_values_name_file_line_and_key),
        cmocka_unit_test(bad_lines_name_file_and_line),
        cmocka_unit_test(of_a_key_that_stands_twice_the_last_counts),
        cmocka_unit_test(a_file_that_was_named_must_be_readable),
        cmocka_unit_test(a_huge_file_is_refused),
        cmocka_unit_test(the_first_file_in_order_is_read),
        cmocka_unit_test(a_relative_name_is_kept_as_an_absolute_one),
        cmocka_unit_test(the_environment_overrides_the_file),
        cmocka_unit_test(bad_values_in_the_environment_name_the_variable),
        cmocka_unit_test(a_bad_value_in_the_file_is_told_though_overridden),
        cmocka_unit_test(without_home_the_user_database_is_asked),
        cmocka_unit_test(whatever_a_file_holds_is_read_or_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, make_home, remove_home);
}
