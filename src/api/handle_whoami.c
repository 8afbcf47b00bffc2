/* What an API key is: for its owner, who sees it nowhere else. */
#include "api/call.h"
#include "api/handle.h"
#include "api/success.h"
#include "base/json_out.h"

static void add_scope(void *array, const char *word)
{
    json_out_text(array, NULL, word);
}

void handle_whoami(struct call *call)
{
    const struct api_key *key = &call->key;
    char id[OBJECT_ID_TEXT];
    char organization_id[UUID_TEXT];
    object_id_format(&key->id, id);
    uuid_format(&key->organization_id, organization_id);
    struct success success = {.status = 200};
    json_object *object = json_out_new();
    json_out_text(object, "id", id);
    json_out_text(object, "name", key->name != NULL ? key->name : ""); /* as in `key list` */
    json_out_text(object, "organization_id", organization_id);
    json_out_text(object, "created_user_id", key->created_user_id);
    api_scopes_each(key->scopes, add_scope, json_out_array(object, "scopes"));
    json_out_set_time(object, "expires_at", key->expires_at_ms);
    json_out_end(object, &success.body);
    success_send(&success, call);
}
