/* `hookturn init`: the data directory with its master key, its store and a configuration, or nothing at all. */
#include "cmd/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cmd/family.h"
#include "cmd/init_directory.h"
#include "store/data_dir.h"
#include "store/worker_start.h"

struct initiation {
    struct conf conf;
    char *conf_file;  /* below the data directory */
    bool writes_conf; /* false: the configuration that is in use is another one */
};

/* ---- which directory ---- */

/* The caller frees. NULL: the current directory cannot be found out. */
static char *absolute_path(const char *path)
{
    struct buf joined = {0};
    if (path[0] != '/') {
        char *current = getcwd(NULL, 0);
        if (!current)
            return NULL;
        buf_printf(&joined, "%s/", strcmp(current, "/") == 0 ? "" : current);
        free(current);
    }
    buf_append_text(&joined, path);
    while (joined.length > 1 && joined.data[joined.length - 1] == '/')
        joined.data[--joined.length] = '\0';
    char *text = mem_strdup(joined.data);
    buf_clear(&joined);
    return text;
}

/* --data stands above everything. The variable lets the settings follow that are derived from it. */
static int use_data_option(const char *data)
{
    char *path = absolute_path(data);
    if (!path || setenv("HOOKTURN_DATA_DIR", path, 1) != 0) {
        free(path);
        return command_fail("cannot find out the current directory: %s; give --data an absolute path", strerror(errno));
    }
    free(path);
    return EXIT_DONE;
}

static char *conf_file_in(const char *data_dir)
{
    struct buf path = {0};
    buf_printf(&path, "%s/" DATA_DIR_CONF, data_dir);
    return path.data;
}

/* Which configuration is read before the directory is made. With --data that is the one of -c alone: others are for
 * other directories. A -c that names the file which init is about to write is not there yet. */
static const char *conf_to_read(const char *conf_path, const char *data)
{
    if (!data)
        return conf_path;
    char *file = conf_file_in(getenv("HOOKTURN_DATA_DIR"));
    char *named = conf_path ? absolute_path(conf_path) : NULL;
    bool is_to_be_written = named && strcmp(named, file) == 0 && access(file, F_OK) != 0;
    free(named);
    free(file);
    return conf_path && !is_to_be_written ? conf_path : "/dev/null";
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static int load(struct initiation *initiation, const char *conf_path, const char *data)
{
    struct failure failure;
    int exit_status = data ? use_data_option(data) : EXIT_DONE;
    if (exit_status != EXIT_DONE)
        return exit_status;
    struct conf *conf = &initiation->conf;
    if (conf_load(conf_to_read(conf_path, data), HOOKTURN_SYSCONF, conf, &failure) != STATUS_OK)
        return command_fail("%s", failure.text);
    if (conf->data_dir[0] != '/')
        return command_fail("`data_dir` must be an absolute path, not %s", conf->data_dir);
    initiation->conf_file = conf_file_in(conf->data_dir);
    initiation->writes_conf =
        data ? !conf_path || !is_same_file(conf_path, initiation->conf_file) : conf->path[0] == '\0';
    return EXIT_DONE;
}

/* ---- filling it ---- */

static int write_conf(const struct initiation *initiation)
{
    struct failure failure;
    if (data_dir_write_conf(initiation->conf.data_dir, initiation->conf_file, &failure) != STATUS_OK)
        return command_fail("%s", failure.text);
    return EXIT_DONE;
}

static int create_store(void *context)
{
    const struct initiation *initiation = context;
    struct failure failure;
    if (store_create(&initiation->conf, &failure) != STATUS_OK)
        return command_fail("%s", failure.text);
    return EXIT_DONE;
}

/* The key may be configured to lie elsewhere; an old one is never taken for a new store. */
static int refuse_existing_key(const struct initiation *initiation)
{
    const char *path = initiation->conf.master_key_file;
    if (access(path, F_OK) == 0)
        return command_fail("there is a master key %s already; nothing was changed. Use the store that it belongs to, "
                            "or correct `master_key_file`",
                            path);
    return EXIT_DONE;
}

static int fill(const struct command *command, struct initiation *initiation)
{
    int exit_status = refuse_existing_key(initiation);
    if (exit_status == EXIT_DONE)
        exit_status = command_start_log(command, &initiation->conf);
    if (exit_status == EXIT_DONE && initiation->writes_conf)
        exit_status = write_conf(initiation);
    if (exit_status != EXIT_DONE)
        return exit_status;
    exit_status = family_run(create_store, initiation, false);
    if (exit_status == EXIT_DONE)
        worker_start_note_program(&initiation->conf);
    else
        unlink(initiation->conf.master_key_file);
    return exit_status;
}

static int fill_directory(const struct command *command, struct initiation *initiation)
{
    struct init_directory directory = {
        .path = initiation->conf.data_dir,
        .ours = {"store", initiation->writes_conf ? DATA_DIR_CONF : NULL},
    };
    int exit_status = init_directory_open(&directory);
    if (exit_status != EXIT_DONE)
        return exit_status;
    exit_status = fill(command, initiation);
    if (exit_status != EXIT_DONE)
        init_directory_undo(&directory);
    init_directory_close(&directory);
    return exit_status;
}

/* ---- what is said about it ---- */

/* Whether commands find that configuration without being told. */
static bool is_found_by_itself(const char *conf_file)
{
    char *home = conf_home();
    struct buf path = {0};
    buf_printf(&path, "%s/.hookturn/" DATA_DIR_CONF, strcmp(home, "/") == 0 ? "" : home);
    bool is_found = strcmp(path.data, conf_file) == 0 && !getenv("HOOKTURN_CONF");
    buf_clear(&path);
    free(home);
    return is_found;
}

static int report(const struct initiation *initiation, const char *conf_path)
{
    const struct conf *conf = &initiation->conf;
    const char *option = initiation->writes_conf ? initiation->conf_file : conf_path;
    if (initiation->writes_conf && is_found_by_itself(initiation->conf_file))
        option = NULL;
    struct buf text = {0}, call = {0};
    struct uuid organization;
    char example[UUID_TEXT];
    uuid_make(&organization);
    uuid_format(&organization, example);
    buf_append_text(&call, option ? "hookturn -c " : "hookturn");
    if (option)
        text_append_shell_word(option, &call);
    buf_printf(&text, "Made the data directory %s with an empty store.\n\n", conf->data_dir);
    buf_printf(&text, "  %s\n      the master key; keep a copy elsewhere: without it no secret can be read again\n",
               conf->master_key_file);
    if (initiation->writes_conf)
        buf_printf(&text, "  %s\n      the configuration, with every setting explained\n", initiation->conf_file);
    buf_printf(&text, "\nNext, a key for an organization (any UUID of yours), and the delivery worker:\n\n");
    buf_printf(&text, "  %s key create --organization %s\n  %s deliver\n", buf_text(&call), example, buf_text(&call));
    if (geteuid() == 0)
        buf_append_text(&text,
                        "\nAll of it belongs to root. A web server that runs as another user cannot use it: then "
                        "run\nthis as that user instead.\n");
    int error = command_write(&text);
    buf_clear(&text);
    buf_clear(&call);
    if (error == 0)
        return EXIT_DONE;
    return command_fail("%s was made, but that cannot be written to the standard output: %s; keep a copy of %s",
                        conf->data_dir, strerror(error), conf->master_key_file);
}

enum { DATA };

static int run(const struct command *command, const struct command_line *line)
{
    const char *data = line->values[DATA];
    if (data && (data[0] == '\0' || strpbrk(data, "\r\n")))
        return command_misused(command, "--data needs the path of a directory");
    struct initiation initiation = {0};
    int exit_status = load(&initiation, line->conf_path, data);
    if (exit_status == EXIT_DONE)
        exit_status = fill_directory(command, &initiation);
    if (exit_status == EXIT_DONE)
        exit_status = report(&initiation, line->conf_path);
    free(initiation.conf_file);
    conf_clear(&initiation.conf);
    return exit_status;
}

const struct command command_init = {
    .name = "init",
    .summary = "Makes the data directory with master key, store and configuration",
    .details = "The directory is DIR, else the `data_dir` of the configuration, normally ~/.hookturn. Where it is "
               "there already, it must not hold a store, a master key or a configuration: nothing is ever "
               "overwritten. It is private to the user who runs this, and that must be the user who runs the web "
               "server's program and the delivery worker.\n"
               "DIR/hookturn.conf explains every setting. Without --data it is not written where -c, HOOKTURN_CONF "
               "or an installed configuration says what is to be used.",
    .examples = "sudo -u www-data hookturn init --data /var/lib/hookturn\n",
    .options = {[DATA] = {.name = "--data", .value = "DIR", .help = "the data directory"}},
    .run = run,
};
