/* From the text of a configuration value to the typed member: one reader for each kind of key. */
#include "base/conf_keys.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/timestamp.h"

static_assert(sizeof(enum retry_strategy) == sizeof(int) && sizeof(enum log_level) == sizeof(int),
              "CONF_CHOICE writes an int");

/* A value as it is quoted in messages; longer ones are cut. */
#define QUOTED "\"%.80s\""

struct setting {
    const struct conf_key *key;
    const char *text;
    struct conf *conf;
    void *member;
    struct failure *failure;
};

static enum status refuse(const struct setting *setting, const char *expected)
{
    failure_set(setting->failure, QUOTED " is not %s", setting->text, expected);
    return STATUS_INVALID;
}

static void replace_text(char **member, char *fresh)
{
    free(*member);
    *member = fresh;
}

static void trim_slashes(char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        path[--length] = '\0';
    }
}

/* What `text` means where it begins with `prefix` and a slash (or ends there): `start` and the rest. Else NULL. */
static char *expand(const char *text, const char *prefix, const char *start)
{
    size_t length = strlen(prefix);
    if (start == NULL || strncmp(text, prefix, length) != 0 || (text[length] != '/' && text[length] != '\0')) {
        return NULL;
    }
    struct buf path = {0};
    buf_append_text(&path, strcmp(start, "/") == 0 ? "" : start);
    buf_append_text(&path, text[length] == '\0' ? "/" : text + length);
    char *expanded = slice_dup(buf_slice(&path));
    buf_clear(&path);
    return expanded;
}

static enum status read_path(const struct setting *setting)
{
    char *home = conf_home();
    char *path = setting->text[0] == '/' ? mem_strdup(setting->text) : expand(setting->text, "~", home);
    if (path == NULL) {
        path = expand(setting->text, "<data_dir>", setting->conf->data_dir);
    }
    free(home);
    if (path == NULL) {
        return refuse(setting, "a path that is absolute or starts with ~/");
    }
    if (strlen(path) >= PATH_MAX) {
        free(path);
        return refuse(setting, "a path: it is too long");
    }
    trim_slashes(path);
    replace_text(setting->member, path);
    return STATUS_OK;
}

static enum status read_path_or_none(const struct setting *setting)
{
    if (setting->text[0] != '\0') {
        return read_path(setting);
    }
    replace_text(setting->member, mem_strdup(""));
    return STATUS_OK;
}

static enum status read_base_path(const struct setting *setting)
{
    const char *text = setting->text;
    if (text[0] != '\0' && (text[0] != '/' || strpbrk(text, "?# \t") != NULL)) {
        return refuse(setting, "empty or a path such as /hooks");
    }
    char *path = mem_strdup(text);
    trim_slashes(path);
    if (strcmp(path, "/") == 0) {
        path[0] = '\0';
    }
    replace_text(setting->member, path);
    return STATUS_OK;
}

static const struct conf_choice *find_choice(const struct setting *setting)
{
    const struct conf_choice *choice = setting->key->choices;
    while (choice->word != NULL && strcasecmp(choice->word, setting->text) != 0) {
        choice++;
    }
    if (choice->word != NULL) {
        return choice;
    }
    struct buf words = {0};
    for (choice = setting->key->choices; choice->word != NULL; choice++) {
        buf_printf(&words, "%s%s", words.length == 0 ? "one of: " : ", ", choice->word);
    }
    (void)refuse(setting, buf_text(&words));
    buf_clear(&words);
    return NULL;
}

static enum status read_word(const struct setting *setting)
{
    const struct conf_choice *choice = find_choice(setting);
    if (choice == NULL) {
        return STATUS_INVALID;
    }
    replace_text(setting->member, mem_strdup(choice->word));
    return STATUS_OK;
}

static enum status read_choice(const struct setting *setting)
{
    const struct conf_choice *choice = find_choice(setting);
    if (choice == NULL) {
        return STATUS_INVALID;
    }
    memcpy(setting->member, &choice->value, sizeof choice->value);
    return STATUS_OK;
}

static enum status read_flag(const struct setting *setting)
{
    const struct conf_choice *choice = find_choice(setting);
    if (choice == NULL) {
        return STATUS_INVALID;
    }
    *(bool *)setting->member = choice->value != 0;
    return STATUS_OK;
}

/* Decimal digits alone. */
static enum status parse_integer(const char *text, int64_t *out)
{
    int64_t value = 0;
    if (*text == '\0') {
        return STATUS_INVALID;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || value > (INT64_MAX - 9) / 10) {
            return STATUS_INVALID;
        }
        value = value * 10 + (*text - '0');
    }
    *out = value;
    return STATUS_OK;
}

/* The bounds stand in the table in the value's own notation, so they are read by the same `parse`. */
static enum status read_number(const struct setting *setting, enum status (*parse)(const char *, int64_t *),
                               const char *expected)
{
    int64_t value = 0;
    int64_t min = 0;
    int64_t max = 0;
    if (parse(setting->text, &value) != STATUS_OK) {
        return refuse(setting, expected);
    }
    if (parse(setting->key->min, &min) != STATUS_OK || parse(setting->key->max, &max) != STATUS_OK || value < min ||
        value > max) {
        failure_set(setting->failure, QUOTED " is outside of what is allowed: %s to %s", setting->text,
                    setting->key->min, setting->key->max);
        return STATUS_INVALID;
    }
    *(int64_t *)setting->member = value;
    return STATUS_OK;
}

static enum status read_duration(const struct setting *setting)
{
    return read_number(setting, duration_parse, "a duration such as 500ms, 15s, 10m, 72h or 5d");
}

static enum status read_size(const struct setting *setting)
{
    return read_number(setting, size_parse, "a size such as 64k or 16m");
}

static enum status read_integer(const struct setting *setting)
{
    return read_number(setting, parse_integer, "a whole number");
}

/* Calls `add` with each word of the list; a word that it refuses is the one that the message quotes. */
static enum status read_list(const struct setting *setting,
                             enum status (*add)(const char *, struct destination_policy *),
                             struct destination_policy *list, const char *expected)
{
    enum status status = STATUS_OK;
    char *copy = mem_strdup(setting->text);
    char *rest = NULL;
    for (char *word = strtok_r(copy, " \t", &rest); word != NULL && status == STATUS_OK;
         word = strtok_r(NULL, " \t", &rest)) {
        status = add(word, list);
        if (status != STATUS_OK) {
            failure_set(setting->failure, QUOTED " is not %s", word, expected);
        }
    }
    free(copy);
    return status;
}

static enum status add_destination(const char *word, struct destination_policy *list)
{
    struct destination_rule rule;
    if (destination_rule_parse(word, &rule) != STATUS_OK) {
        return STATUS_INVALID;
    }
    list->allow = mem_realloc(list->allow, list->allow_count + 1, sizeof *list->allow);
    list->allow[list->allow_count++] = rule;
    return STATUS_OK;
}

static enum status add_port(const char *word, struct destination_policy *list)
{
    int64_t port = 0;
    if (parse_integer(word, &port) != STATUS_OK || port < 1 || port > UINT16_MAX) {
        return STATUS_INVALID;
    }
    list->deny_ports = mem_realloc(list->deny_ports, list->deny_port_count + 1, sizeof *list->deny_ports);
    list->deny_ports[list->deny_port_count++] = (uint16_t)port;
    return STATUS_OK;
}

static void clear_destinations(struct destination_policy *policy)
{
    for (size_t i = 0; i < policy->allow_count; i++) {
        destination_rule_clear(&policy->allow[i]);
    }
    free(policy->allow);
    policy->allow = NULL;
    policy->allow_count = 0;
}

static void clear_ports(struct destination_policy *policy)
{
    free(policy->deny_ports);
    policy->deny_ports = NULL;
    policy->deny_port_count = 0;
}

static enum status read_destinations(const struct setting *setting)
{
    struct destination_policy fresh = {0};
    struct destination_policy *policy = setting->member;
    enum status status =
        read_list(setting, add_destination, &fresh,
                  "a CIDR block or host name such as 127.0.0.0/8:8080, [::1/128]:8080 or hooks.example:8443");
    if (status == STATUS_OK) {
        clear_destinations(policy);
        policy->allow = fresh.allow;
        policy->allow_count = fresh.allow_count;
    } else {
        clear_destinations(&fresh);
    }
    return status;
}

static enum status read_ports(const struct setting *setting)
{
    struct destination_policy fresh = {0};
    struct destination_policy *policy = setting->member;
    enum status status = read_list(setting, add_port, &fresh, "a port from 1 to 65535");
    if (status == STATUS_OK) {
        clear_ports(policy);
        policy->deny_ports = fresh.deny_ports;
        policy->deny_port_count = fresh.deny_port_count;
    } else {
        clear_ports(&fresh);
    }
    return status;
}

enum status conf_value_parse(const struct conf_key *key, const char *text, struct conf *conf, struct failure *failure)
{
    static enum status (*const readers[])(const struct setting *) = {
        [CONF_PATH] = read_path,           [CONF_PATH_OR_NONE] = read_path_or_none,
        [CONF_BASE_PATH] = read_base_path, [CONF_WORD] = read_word,
        [CONF_CHOICE] = read_choice,       [CONF_FLAG] = read_flag,
        [CONF_DURATION] = read_duration,   [CONF_SIZE] = read_size,
        [CONF_INTEGER] = read_integer,     [CONF_DESTINATIONS] = read_destinations,
        [CONF_PORTS] = read_ports,
    };
    struct setting setting = {key, text, conf, (char *)conf + key->offset, failure};
    return readers[key->kind](&setting);
}

void conf_value_clear(const struct conf_key *key, struct conf *conf)
{
    void *member = (char *)conf + key->offset;
    switch (key->kind) {
    case CONF_PATH:
    case CONF_PATH_OR_NONE:
    case CONF_BASE_PATH:
    case CONF_WORD:
        replace_text(member, NULL);
        break;
    case CONF_DESTINATIONS:
        clear_destinations(member);
        break;
    case CONF_PORTS:
        clear_ports(member);
        break;
    default:
        break;
    }
}
