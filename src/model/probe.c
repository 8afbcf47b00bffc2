/* What the answers to a probe's two requests mean. The worker makes the requests, the API shows the verdict. */
#include "model/probe.h"

#include <assert.h>
#include <stddef.h>

static const char *const status_names[] = {
    [PROBE_PENDING] = "PENDING",
    [PROBE_DONE] = "DONE",
};

const char *probe_status_name(enum probe_status status)
{
    assert(status == PROBE_PENDING || status == PROBE_DONE);
    return status_names[status];
}

/* As for deliveries: where the body was too large, the status counts. */
bool probe_reply_is_answer(const struct probe_reply *reply)
{
    bool is_whole = reply->error == ATTEMPT_NO_ERROR || reply->error == ATTEMPT_TOO_LARGE;
    return reply->response_status != 0 && is_whole;
}

static bool is_taken(const struct probe_reply *reply)
{
    return reply->response_status / 100 == 2;
}

static bool says_not_now(const struct probe_reply *reply)
{
    static const int32_t statuses[] = {429, 502, 503, 504};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        if (reply->response_status == statuses[i])
            return true;
    return false;
}

bool probe_new_secret_accepted(const struct probe *probe)
{
    const struct probe_reply *reply = &probe->replies[PROBE_NEW_SECRET];
    return probe->status == PROBE_DONE && probe_reply_is_answer(reply) && is_taken(reply);
}

bool probe_forged_rejected(const struct probe *probe)
{
    const struct probe_reply *reply = &probe->replies[PROBE_FORGED];
    return probe->status == PROBE_DONE && probe_reply_is_answer(reply) && !is_taken(reply) && !says_not_now(reply);
}

bool probe_is_ready(const struct probe *probe)
{
    return probe_new_secret_accepted(probe) && probe_forged_rejected(probe);
}
