/* The one set of expected outcomes, and the text that goes with a failure for a person. */
#ifndef HOOKTURN_BASE_STATUS_H
#define HOOKTURN_BASE_STATUS_H

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first) __attribute__((format(printf, format_index, first)))

/* Outputs of a function are set on STATUS_OK alone, unless its comment says otherwise. */
enum status {
    STATUS_OK = 0,
    STATUS_NOT_FOUND,    /* no such object */
    STATUS_EXISTS,       /* a unique name or id is taken */
    STATUS_CONFLICT,     /* the object's state forbids it */
    STATUS_PRECONDITION, /* If-Match names another version */
    STATUS_LIMIT,        /* a cap (subscriptions, secrets) is reached */
    STATUS_INVALID,      /* malformed input */
    STATUS_REPLAY,       /* the idempotency key was used before: the kept answer is handed out */
    STATUS_MISMATCH,     /* the idempotency key was used before, with another body */
    STATUS_AGAIN,        /* rolled back after bounded retries; nothing changed */
    STATUS_FULL,         /* no space on the device; nothing changed */
    STATUS_UNAVAILABLE,  /* the store is recovering, leaving, or cannot be opened now; nothing changed */
    STATUS_UNKNOWN,      /* a commit's outcome is not known: repeat with the same ids */
    STATUS_DENIED,       /* wrong owner or permissions */
    STATUS_CORRUPT,      /* stored bytes do not decode or authenticate */
    STATUS_VERSION,      /* a record or file of a newer hookturn */
    STATUS_IO            /* the operating system refused; errno text is in the log or the failure */
};

/* A stable lower-case word for logs, such as "not_found". Never NULL. */
const char *status_name(enum status status);
/* Of a system call that failed just now: STATUS_FULL where there is no room, else STATUS_IO. Where another cause is
 * expected, errno is looked at before. */
enum status status_of_errno(void) MUST_USE;

/* One line for a person: what is wrong and what to do. Always terminated; cut when longer. */
struct failure {
    char text[512];
};

/* Writes the line. `failure` may be NULL, then nothing happens. */
void failure_set(struct failure *failure, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
