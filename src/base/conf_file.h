/* The configuration file as text: which key has which value on which line. */
#ifndef HOOKTURN_BASE_CONF_FILE_H
#define HOOKTURN_BASE_CONF_FILE_H

#include "base/buf.h"
#include "base/conf_keys.h"
#include "base/status.h"

enum { CONF_FILE_MAX_BYTES = 1 << 20 };

/* One value a row of conf_keys; `text` is NULL where the file does not name the key. */
struct conf_file {
    struct {
        char *text;
        int line;
    } values[CONF_KEYS_MAX];
};

/* Appends the file's bytes. STATUS_NOT_FOUND, STATUS_DENIED, STATUS_IO, STATUS_INVALID (too large), with a failure text
 * that names the file. */
enum status conf_file_read(const char *path, struct buf *out, struct failure *failure) MUST_USE;
/* One line's setting; both slices are borrowed. A refusal's failure text is put behind "FILE:LINE: ". */
typedef enum status (*conf_line_taker)(void *context, int line, struct slice name, struct slice value,
                                       struct failure *failure);
/* Calls `take` with each setting of the text, in its order, until one is refused. `path` only stands in messages.
 * STATUS_INVALID with a failure text "FILE:LINE: …", which quotes nothing of the line; or what `take` returned. */
enum status conf_file_walk(const char *path, struct slice text, conf_line_taker take, void *context,
                           struct failure *failure) MUST_USE;
/* `path` only stands in messages. STATUS_INVALID with a failure text "FILE:LINE: …". Clear with conf_file_clear, also
 * after a failure. */
enum status conf_file_parse(const char *path, struct slice text, struct conf_file *out,
                            struct failure *failure) MUST_USE;
void conf_file_clear(struct conf_file *file);

#endif
