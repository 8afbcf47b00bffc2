/* Where the configuration comes from: the defaults, then the file, then the environment. Asked once, at the start of
 * each program. */
#include "base/conf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf_file.h"
#include "base/conf_keys.h"
#include "base/encoding.h"
#include "base/mem.h"
#include "base/user.h"

char *conf_home(void)
{
    const char *home = getenv("HOME");
    if (home != NULL && home[0] == '/') {
        return mem_strdup(home);
    }
    char *known = user_home(geteuid());
    if (known != NULL && known[0] == '/') {
        return known;
    }
    free(known);
    return mem_strdup("/");
}

/* A directory on the way that may not be entered hides the file from this user: it does not exist for them. */
static bool exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

static char *home_file(void)
{
    struct buf path = {0};
    char *home = conf_home();
    buf_printf(&path, "%s/.hookturn/hookturn.conf", strcmp(home, "/") == 0 ? "" : home);
    char *text = slice_dup(buf_slice(&path));
    buf_clear(&path);
    free(home);
    return text;
}

/* The file that is to be read; "" where there is none. The caller frees. */
static char *choose_file(const char *named, const char *installed)
{
    const char *from_environment = getenv("HOOKTURN_CONF");
    if (named != NULL) {
        return mem_strdup(named);
    }
    if (from_environment != NULL && from_environment[0] != '\0') {
        return mem_strdup(from_environment);
    }
    char *at_home = home_file();
    if (exists(at_home)) {
        return at_home;
    }
    free(at_home);
    return mem_strdup(installed != NULL && exists(installed) ? installed : "");
}

/* A worker that is started from here runs in another directory, so the name must hold there too. */
static char *absolute(const char *path)
{
    char *directory = path[0] == '/' ? NULL : getcwd(NULL, 0);
    if (directory == NULL) {
        return mem_strdup(path);
    }
    struct buf joined = {0};
    buf_printf(&joined, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, path);
    char *text = slice_dup(buf_slice(&joined));
    buf_clear(&joined);
    free(directory);
    return text;
}

static enum status load_file(const char *path, struct conf_file *out, struct failure *failure)
{
    struct buf text = {0};
    enum status status = conf_file_read(path, &text, failure);
    if (status == STATUS_OK) {
        status = conf_file_parse(path, buf_slice(&text), out, failure);
    }
    buf_clear(&text);
    return status;
}

/* One value from a place that a message can name. */
static enum status apply(const struct conf_key *key, const char *text, const char *place, struct conf *out,
                         struct failure *failure)
{
    struct failure reason;
    enum status status = conf_value_parse(key, text, out, &reason);
    if (status != STATUS_OK) {
        failure_set(failure, "%s: %s", place, reason.text);
    }
    return status;
}

static enum status apply_file(const struct conf_key *key, const char *path, const char *text, int line,
                              struct conf *out, struct failure *failure)
{
    struct buf place = {0};
    buf_printf(&place, "%s:%d: %s", path, line, key->name);
    enum status status = apply(key, text, buf_text(&place), out, failure);
    buf_clear(&place);
    return status;
}

static char *trimmed(const char *text)
{
    static const char space[] = " \t\r\n";
    text += strspn(text, space);
    size_t length = strlen(text);
    while (length > 0 && strchr(space, text[length - 1]) != NULL) {
        length--;
    }
    return mem_strndup(text, length);
}

static enum status apply_environment(const struct conf_key *key, struct conf *out, struct failure *failure)
{
    struct buf variable = {0};
    enum status status = STATUS_OK;
    buf_append_text(&variable, "HOOKTURN_");
    for (const char *at = key->name; *at != '\0'; at++) {
        char upper = (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
        buf_append(&variable, &upper, 1);
    }
    const char *value = getenv(buf_text(&variable));
    if (value != NULL && !utf8_is_valid(value, strlen(value))) {
        failure_set(failure, "%s: the value is not valid UTF-8", buf_text(&variable));
        status = STATUS_INVALID;
    } else if (value != NULL) {
        char *text = trimmed(value);
        status = apply(key, text, buf_text(&variable), out, failure);
        free(text);
    }
    buf_clear(&variable);
    return status;
}

/* In the table's order, each key with all its layers, because later paths may begin with the settled `data_dir`. */
static enum status settle(const struct conf_file *file, const char *path, struct conf *out, struct failure *failure)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; conf_keys[i].name != NULL && status == STATUS_OK; i++) {
        const struct conf_key *key = &conf_keys[i];
        status = apply(key, key->fallback, key->name, out, failure);
        if (status == STATUS_OK && file->values[i].text != NULL) {
            status = apply_file(key, path, file->values[i].text, file->values[i].line, out, failure);
        }
        if (status == STATUS_OK) {
            status = apply_environment(key, out, failure);
        }
    }
    return status;
}

enum status conf_load(const char *path, const char *installed, struct conf *out, struct failure *failure)
{
    struct conf_file file = {0};
    *out = (struct conf){0};
    char *chosen = choose_file(path, installed);
    enum status status = chosen[0] == '\0' && path == NULL ? STATUS_OK : load_file(chosen, &file, failure);
    if (status == STATUS_OK) {
        out->path = chosen[0] == '\0' ? mem_strdup("") : absolute(chosen);
        status = settle(&file, chosen, out, failure);
    }
    conf_file_clear(&file);
    free(chosen);
    return status;
}

void conf_clear(struct conf *conf)
{
    for (const struct conf_key *key = conf_keys; key->name != NULL; key++) {
        conf_value_clear(key, conf);
    }
    free(conf->path);
    *conf = (struct conf){0};
}
