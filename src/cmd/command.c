/* How the commands come to the configuration, the log and the store. */
#include "cmd/command.h"

#include <stddef.h>

#include "base/log.h"

int command_start_log(const struct command *command, const struct conf *conf)
{
    struct failure failure;
    bool is_for_a_person = conf->log_file[0] == '\0' && !command->is_service && conf->log_level != LOG_LEVEL_DEBUG;
    enum log_level level = is_for_a_person ? LOG_LEVEL_ERROR : conf->log_level;
    if (log_open(level, conf->log_file, &failure) != STATUS_OK)
        return command_fail("%s", failure.text);
    return EXIT_DONE;
}

int command_prepare(const struct command *command, const char *conf_path, struct conf *out)
{
    struct failure failure;
    if (conf_load(conf_path, HOOKTURN_SYSCONF, out, &failure) != STATUS_OK)
        return command_fail("%s", failure.text);
    int exit_status = command_become_owner(out->data_dir); /* first: the log file is the owner's, too */
    return exit_status != EXIT_DONE ? exit_status : command_start_log(command, out);
}

int command_open_store(const struct conf *conf, struct store **out)
{
    struct failure failure;
    if (store_open(conf, STORE_FOR_COMMAND, out, &failure) != STATUS_OK)
        return command_fail("%s", failure.text);
    return EXIT_DONE;
}

static const char *const reasons[] = {
    [STATUS_AGAIN] = "the store is too busy; try again",
    [STATUS_FULL] = "there is no space left on the device; make room and try again",
    [STATUS_UNKNOWN] = "its outcome is not known; look before you repeat it",
    [STATUS_DENIED] = "the files' owner or permissions are wrong; correct them",
    [STATUS_CORRUPT] = "the store is damaged; restore it from a backup",
    [STATUS_VERSION] = "the store was written by a newer hookturn; install that version",
    [STATUS_IO] = "the operating system refused; the log says why",
};

int command_fail_verb(enum status status, const char *what)
{
    if (status == STATUS_UNAVAILABLE)
        return STORE_EXIT_LEFT;
    size_t index = (size_t)status;
    const char *reason = index < sizeof reasons / sizeof reasons[0] ? reasons[index] : NULL;
    return command_fail("cannot %s: %s", what, reason ? reason : status_name(status));
}
