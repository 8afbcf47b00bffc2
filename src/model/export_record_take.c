/* What readers of an export's records have in common: members with the rules of the model, and what is sealed. */
#include "model/export_record_take.h"

#include <string.h>

#include "base/mem.h"

void export_record_take_id(struct json_take *take, const char *member, struct object_id *out)
{
    json_take_hex(take, member, out->bytes, sizeof out->bytes);
}

char *export_record_take_copy(struct json_take *take, const char *member, enum json_need need, size_t most)
{
    const char *text = json_take_text(take, member, need, most);
    return text != NULL ? mem_strdup(text) : need == JSON_REQUIRED ? mem_strdup("") : NULL;
}

uint32_t export_record_take_count(struct json_take *take, const char *member)
{
    return (uint32_t)json_take_integer(take, member, JSON_OPTIONAL, 0, EXPORT_RECORD_COUNT_MAX);
}

/* What put_bytes has written. */
void export_record_take_bytes(struct json_take *take, const char *member, const char *coded, struct buf *out)
{
    const char *text = json_take_text(take, member, JSON_OPTIONAL, SIZE_MAX);
    if (text != NULL)
        buf_append_text(out, text);
    else
        json_take_base64(take, coded, JSON_REQUIRED, out);
}

void export_record_take_hold(struct json_take *take, const char *member, const char *text, export_record_check check)
{
    const char *why = text != NULL ? check(text, strlen(text)) : NULL;
    if (why != NULL)
        json_take_fail(take, member, why);
}

/* Texts, each of which passes `check`. */
void export_record_take_text_list(struct json_take *take, const char *member, size_t most, export_record_check check,
                                  struct text_list *out)
{
    json_object *array = json_take_container(take, member, JSON_OPTIONAL, json_type_array);
    size_t count = array != NULL ? json_object_array_length(array) : 0;
    if (count > most)
        json_take_fail(take, member, "has too many items");
    for (size_t i = 0; i < count && json_take_is_ok(take); i++) {
        json_object *value = json_object_array_get_idx(array, i);
        const char *text = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
        if (text == NULL || check(text, (size_t)json_object_get_string_len(value)) != NULL)
            json_take_fail(take, member, "has an item that is not allowed");
        else
            text_list_add(out, text, strlen(text));
    }
}

/* The bytes of the member `sealed`, which open at that place; or those of `plain`, sealed. */
void export_record_take_sealed(struct json_take *take, const struct export_record_form *form, struct slice place,
                               struct buf *out)
{
    struct buf bytes = {0}, opened = {0};
    json_take_base64(take, form->is_plain ? "plain" : "sealed", JSON_REQUIRED, &bytes);
    if (json_take_is_ok(take) && form->is_plain)
        keyring_seal(form->keyring, place, buf_slice(&bytes), out);
    else if (json_take_is_ok(take) && keyring_unseal(form->keyring, place, buf_slice(&bytes), &opened) == STATUS_OK)
        buf_append_slice(out, buf_slice(&bytes));
    else
        json_take_fail(take, "sealed", "does not open with this installation's master key");
    buf_clear(&bytes);
    buf_clear(&opened);
}
