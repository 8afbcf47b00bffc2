/* The commands, in the order in which `hookturn help` lists them. */
#include "cmd/command_table.h"

#include <string.h>

#include "base/text.h"

const struct command *const command_table[] = {
    &command_init,    &command_key_create, &command_key_list, &command_key_revoke,
    &command_deliver, &command_publish,    &command_recover,  &command_purge,
    &command_status,  &command_doctor,     &command_backup,   &command_restore,
    &command_export,  &command_import,     &command_rekey,    NULL,
};

/* The length of a name's first word. */
static size_t first_word(const char *name)
{
    return strcspn(name, " ");
}

bool command_is_in_group(const struct command *command, const char *word)
{
    if (!word)
        return true;
    size_t length = first_word(command->name);
    return command->name[length] == ' ' && strlen(word) == length && memcmp(command->name, word, length) == 0;
}

bool command_is_group(const char *word)
{
    for (const struct command *const *command = command_table; *command; command++)
        if (command_is_in_group(*command, word))
            return true;
    return false;
}

/* How many words the command's name has, where `words` begin with them; else 0. */
static size_t words_matched(const struct command *command, char *const *words)
{
    if (strcmp(command->name, words[0]) == 0)
        return 1;
    bool is_in_group = command_is_in_group(command, words[0]);
    return is_in_group && words[1] && strcmp(command->name + first_word(command->name) + 1, words[1]) == 0 ? 2 : 0;
}

const struct command *command_find(char *const *words, size_t *used)
{
    for (const struct command *const *command = command_table; *command; command++)
        if ((*used = words_matched(*command, words)) > 0)
            return *command;
    return NULL;
}

static struct slice name_at(const void *context, size_t index)
{
    (void)context;
    return command_table[index] ? slice_of(command_table[index]->name) : (struct slice){NULL, 0};
}

static struct slice first_word_at(const void *context, size_t index)
{
    struct slice name = name_at(context, index);
    return (struct slice){name.data, name.data ? first_word(name.data) : 0};
}

struct slice command_suggest(char *const *words)
{
    if (!command_is_group(words[0]) || !words[1])
        return text_nearest(words[0], first_word_at, NULL);
    struct buf both = {0};
    buf_printf(&both, "%s %s", words[0], words[1]);
    struct slice nearest = text_nearest(buf_text(&both), name_at, NULL);
    buf_clear(&both);
    return nearest;
}
