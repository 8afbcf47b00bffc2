/* What `hookturn help` says, made from the tables. */
#include "cmd/help.h"

#include <string.h>

#include "cmd/command_table.h"

/* ---- breaking lines ---- */

enum { LINE_MAX_CHARACTERS = 80 };

/* Words that flow from `column` on; further lines begin at `indent`. The texts are ASCII. */
struct flow {
    struct buf *out;
    size_t indent;
    size_t column;
    bool has_words;
};

static void flow_word(struct flow *flow, struct slice word)
{
    if (flow->has_words && flow->column + 1 + word.length > LINE_MAX_CHARACTERS) {
        buf_printf(flow->out, "\n%*s", (int)flow->indent, "");
        flow->column = flow->indent;
    } else if (flow->has_words) {
        buf_append_text(flow->out, " ");
        flow->column++;
    }
    buf_append_slice(flow->out, word);
    flow->column += word.length;
    flow->has_words = true;
}

static void flow_words(struct flow *flow, struct slice text)
{
    while (text.length > 0) {
        const char *space = memchr(text.data, ' ', text.length);
        size_t length = space ? (size_t)(space - text.data) : text.length;
        flow_word(flow, (struct slice){text.data, length});
        size_t taken = space ? length + 1 : length;
        text = (struct slice){text.data + taken, text.length - taken};
    }
    buf_append_text(flow->out, "\n");
}

/* ---- usage ---- */

static void append_option(const struct command_option *option, struct buf *out)
{
    buf_append_text(out, option->name);
    if (option->value)
        buf_printf(out, " %s", option->value);
}

/* One option, or several that exclude each other, as one thing that no line break divides. Moves *index behind it. */
static void flow_options(const struct command *command, size_t *index, struct flow *flow)
{
    const struct command_option *first = command_option_at(command, *index), *option;
    struct buf text = {0};
    buf_append_text(&text, first->is_required ? "" : "[");
    append_option(first, &text);
    while ((option = command_option_at(command, ++*index)) && option->is_alternative) {
        buf_append_text(&text, " | ");
        append_option(option, &text);
    }
    buf_append_text(&text, first->is_required ? "" : "]");
    flow_word(flow, buf_slice(&text));
    buf_clear(&text);
}

static void flow_operand(const struct command_operand *operand, struct flow *flow)
{
    struct buf text = {0};
    buf_printf(&text, operand->is_optional ? "[%s]" : "%s", operand->name);
    flow_word(flow, buf_slice(&text));
    buf_clear(&text);
}

void help_append_usage(const struct command *command, struct buf *out)
{
    struct flow flow = {.out = out, .indent = strlen("usage: hookturn ")};
    flow_word(&flow, slice_of("usage: hookturn"));
    flow_word(&flow, slice_of(command->name));
    for (size_t i = 0; command_option_at(command, i);)
        flow_options(command, &i, &flow);
    for (size_t i = 0; command_operand_at(command, i); i++)
        flow_operand(command_operand_at(command, i), &flow);
    buf_append_text(out, "\n");
}

/* ---- a command ---- */

/* Ended lines, a new line each, between them an empty one. */
static void append_paragraphs(const char *text, struct buf *out)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        struct flow flow = {.out = out};
        buf_append_text(out, "\n");
        flow_words(&flow, (struct slice){text, length});
        text += text[length] ? length + 1 : length;
    }
}

static void append_term(const char *term, const char *help, size_t width, struct buf *out)
{
    struct flow flow = {.out = out, .indent = width + 5, .column = width + 5};
    buf_printf(out, "  %-*s   ", (int)width, term);
    flow_words(&flow, slice_of(help));
}

static size_t widest_term(const struct command *command)
{
    size_t widest = 0, width;
    const struct command_option *option;
    const struct command_operand *operand;
    for (size_t i = 0; (option = command_option_at(command, i)); i++)
        if ((width = strlen(option->name) + (option->value ? 1 + strlen(option->value) : 0)) > widest)
            widest = width;
    for (size_t i = 0; (operand = command_operand_at(command, i)); i++)
        if ((width = strlen(operand->name)) > widest)
            widest = width;
    return widest;
}

static void append_terms(const struct command *command, struct buf *out)
{
    size_t width = widest_term(command);
    const struct command_option *option;
    const struct command_operand *operand;
    if (width > 0)
        buf_append_text(out, "\n");
    for (size_t i = 0; (operand = command_operand_at(command, i)); i++)
        append_term(operand->name, operand->help, width, out);
    for (size_t i = 0; (option = command_option_at(command, i)); i++) {
        struct buf term = {0};
        append_option(option, &term);
        append_term(buf_text(&term), option->help, width, out);
        buf_clear(&term);
    }
}

static void append_examples(const char *lines, struct buf *out)
{
    buf_append_text(out, "\nFor example:\n");
    while (*lines) {
        size_t length = strcspn(lines, "\n");
        buf_printf(out, "  %.*s\n", (int)length, lines);
        lines += lines[length] ? length + 1 : length;
    }
}

void help_append_command(const struct command *command, struct buf *out)
{
    help_append_usage(command, out);
    buf_printf(out, "\n%s.\n", command->summary);
    append_paragraphs(command->details, out);
    append_terms(command, out);
    if (command->examples)
        append_examples(command->examples, out);
}

/* ---- several ---- */

void help_append_list(const char *group, struct buf *out)
{
    size_t width = 0;
    for (const struct command *const *row = command_table; *row; row++)
        if (command_is_in_group(*row, group) && strlen((*row)->name) > width)
            width = strlen((*row)->name);
    for (const struct command *const *row = command_table; *row; row++)
        if (command_is_in_group(*row, group))
            append_term((*row)->name, (*row)->summary, width, out);
}
