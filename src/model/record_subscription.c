/* Subscriptions as bytes. A tombstone ends behind the times: whatever else the struct holds is not written. */
#include "model/record.h"

#include "model/record_io.h"

/* 2: since when it has been active stands behind the secrets. */
enum { SUBSCRIPTION_VERSION = 2 };

static void write_retry_policy(struct buf *out, const struct retry_policy *policy)
{
    record_write_bool(out, policy->is_set);
    if (!policy->is_set)
        return;
    record_write_u8(out, policy->strategy);
    record_write_i32(out, policy->max_attempts);
    record_write_i64(out, policy->max_delay_ms);
}

static void read_retry_policy(struct record_reader *reader, struct retry_policy *policy)
{
    policy->is_set = record_read_bool(reader);
    if (!policy->is_set)
        return;
    policy->strategy = (enum retry_strategy)record_read_u8(reader, RETRY_FIXED_DELAY, RETRY_EXPONENTIAL_BACKOFF);
    policy->max_attempts = record_read_i32(reader);
    policy->max_delay_ms = record_read_i64(reader);
}

static void write_secrets(struct buf *out, const struct secret_list *secrets)
{
    record_write_u8(out, (unsigned)secrets->count);
    for (size_t i = 0; i < secrets->count; i++) {
        const struct secret *secret = &secrets->items[i];
        record_write_i64(out, secret->created_at_ms);
        record_write_i64(out, secret->expires_at_ms);
        record_write_bytes(out, secret->digest, sizeof secret->digest);
        record_write_blob(out, buf_slice(&secret->sealed));
    }
}

/* The newest secret has no end and every other one has: a damaged record must not make an old one sign for ever. */
static void read_secrets(struct record_reader *reader, struct secret_list *secrets)
{
    secrets->count = record_read_u8(reader, 0, SECRETS_STORED_MAX);
    for (size_t i = 0; i < secrets->count; i++) {
        struct secret *secret = &secrets->items[i];
        secret->created_at_ms = record_read_i64(reader);
        secret->expires_at_ms = record_read_i64(reader);
        if ((secret->expires_at_ms == 0) != (i == 0))
            record_reader_fail(reader);
        record_read_bytes(reader, secret->digest, sizeof secret->digest);
        record_read_blob(reader, SIZE_MAX, &secret->sealed);
    }
}

static void write_members(struct buf *out, const struct subscription *subscription)
{
    record_write_text(out, subscription->created_user_id);
    record_write_text(out, subscription->name);
    record_write_text(out, subscription->url);
    record_write_bool(out, subscription->active);
    record_write_u8(out, subscription->disabled_reason);
    record_write_optional_text(out, subscription->description);
    record_write_text_list(out, &subscription->events);
    record_write_text_list(out, &subscription->agent_ids);
    record_write_text_list(out, &subscription->workspace_ids);
    record_write_blob(out, buf_slice(&subscription->sealed_headers));
    record_write_i64(out, subscription->request_timeout_ms);
    write_retry_policy(out, &subscription->retry_policy);
    write_secrets(out, &subscription->secrets);
    record_write_i64(out, subscription->activated_at_ms);
}

static void read_members(struct record_reader *reader, unsigned version, struct subscription *subscription)
{
    subscription->created_user_id = record_read_text(reader);
    subscription->name = record_read_text(reader);
    subscription->url = record_read_text(reader);
    subscription->active = record_read_bool(reader);
    subscription->disabled_reason = (enum disabled_reason)record_read_u8(reader, DISABLED_NOT, DISABLED_FAILING);
    subscription->description = record_read_optional_text(reader);
    record_read_text_list(reader, &subscription->events);
    record_read_text_list(reader, &subscription->agent_ids);
    record_read_text_list(reader, &subscription->workspace_ids);
    record_read_blob(reader, SIZE_MAX, &subscription->sealed_headers);
    subscription->request_timeout_ms = record_read_i64(reader);
    read_retry_policy(reader, &subscription->retry_policy);
    read_secrets(reader, &subscription->secrets);
    subscription->activated_at_ms = version >= 2 ? record_read_i64(reader) : subscription->created_at_ms;
}

void subscription_encode(const struct subscription *subscription, struct buf *out)
{
    record_write_u8(out, SUBSCRIPTION_VERSION);
    record_write_bytes(out, subscription->id.bytes, sizeof subscription->id.bytes);
    record_write_bytes(out, subscription->organization_id.bytes, sizeof subscription->organization_id.bytes);
    record_write_u64(out, subscription->version);
    record_write_bool(out, subscription->is_deleted);
    record_write_i64(out, subscription->created_at_ms);
    record_write_i64(out, subscription->updated_at_ms);
    if (!subscription->is_deleted)
        write_members(out, subscription);
}

enum status subscription_decode(struct slice bytes, struct subscription *out)
{
    unsigned version;
    struct record_reader reader = record_reader_init_versions(bytes, SUBSCRIPTION_VERSION, &version);
    struct subscription subscription = {0};
    record_read_bytes(&reader, subscription.id.bytes, sizeof subscription.id.bytes);
    record_read_bytes(&reader, subscription.organization_id.bytes, sizeof subscription.organization_id.bytes);
    subscription.version = record_read_u64(&reader);
    subscription.is_deleted = record_read_bool(&reader);
    subscription.created_at_ms = record_read_i64(&reader);
    subscription.updated_at_ms = record_read_i64(&reader);
    if (!subscription.is_deleted)
        read_members(&reader, version, &subscription);

    enum status status = record_reader_finish(&reader);
    if (status == STATUS_OK)
        *out = subscription;
    else
        subscription_clear(&subscription);
    return status;
}
