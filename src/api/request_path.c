/* Where a request's path stands depends on the web server and on how the program is mounted: whole in PATH_INFO, part
 * of it in SCRIPT_NAME (lighttpd with "/v1" => …), or nowhere but in REQUEST_URI (rewrite rules, nginx's defaults). It
 * is resolved here, once, at the edge; nothing behind asks again.
 *
 * Escapes that we decode ourselves: one that is malformed, a NUL, and "%2F" stay as they stand. No route and no id
 * holds a "%", so such a path is unknown, and an escaped slash never becomes a separator. */
#include "api/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { CLIENT_PATH_MAX = 2048 };

static const char *const known_segments[] = {"v1", "healthz", "metrics", "console"};

static bool begins_known(const char *path)
{
    if (path[0] != '/')
        return false;
    size_t length = strcspn(path + 1, "/");
    for (size_t i = 0; i < sizeof known_segments / sizeof known_segments[0]; i++)
        if (strlen(known_segments[i]) == length && strncmp(known_segments[i], path + 1, length) == 0)
            return true;
    return false;
}

/* The first place in `path` where a known segment begins; NULL where there is none. */
static const char *find_known(const char *path)
{
    for (const char *at = strchr(path, '/'); at != NULL; at = strchr(at + 1, '/'))
        if (begins_known(at))
            return at;
    return NULL;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte that "%XX" at `text` stands for; -1 where it is to stay as it stands. */
static int decode_escape(const char *text)
{
    int high = hex_value(text[1]);
    int low = high < 0 ? -1 : hex_value(text[2]);
    int value = low < 0 ? -1 : high * 16 + low;
    return value == '\0' || value == '/' ? -1 : value;
}

static bool has_escaped_slash(const char *raw)
{
    return strstr(raw, "%2F") != NULL || strstr(raw, "%2f") != NULL;
}

static char *decode(const char *raw)
{
    char *decoded = mem_strdup(raw);
    char *to = decoded;
    for (const char *from = raw; *from != '\0'; from++) {
        int value = *from == '%' ? decode_escape(from) : -1;
        *to++ = value < 0 ? *from : (char)value;
        if (value >= 0)
            from += 2;
    }
    *to = '\0';
    return decoded;
}

static void append_encoded(struct buf *out, const char *text, const char *reserved)
{
    for (; *text != '\0' && out->length + 3 < CLIENT_PATH_MAX; text++) {
        unsigned char c = (unsigned char)*text;
        if (c > 0x20 && c < 0x7f && strchr(reserved, c) == NULL)
            buf_append(out, &c, 1);
        else
            buf_printf(out, "%%%02X", c);
    }
}

static char *take_text(struct buf *buf)
{
    char *text = mem_strdup(buf_text(buf));
    buf_clear(buf);
    return text;
}

/* Printable ASCII, everything else percent-encoded, cut before CLIENT_PATH_MAX. */
static char *make_printable(const char *prefix, const char *raw)
{
    struct buf out;
    buf_init(&out);
    buf_append_text(&out, prefix);
    append_encoded(&out, raw, "");
    return take_text(&out);
}

/* The path of REQUEST_URI without its query, undecoded; of an absolute URI what comes after the authority. */
static char *raw_path(const char *uri)
{
    const char *start = uri;
    const char *authority = uri[0] == '/' ? NULL : strstr(uri, "://");
    if (authority != NULL) {
        start = authority + 3;
        start += strcspn(start, "/?");
    }
    return mem_strndup(start, strcspn(start, "?"));
}

static bool has_base(const char *raw, const char *base)
{
    size_t length = strlen(base);
    return strncmp(raw, base, length) == 0 && (raw[length] == '\0' || raw[length] == '/');
}

/* Our path behind the configured base; NULL where `raw` does not go on with one. */
static const char *behind_base(const char *raw, const char *base)
{
    bool fits = base[0] != '\0' && has_base(raw, base) && begins_known(raw + strlen(base));
    return fits ? raw + strlen(base) : NULL;
}

/* Where in `raw` the path begins that decodes to `path`; NULL: nowhere. */
static const char *find_path(const char *raw, const char *path)
{
    for (const char *at = find_known(raw); at != NULL; at = find_known(at + 1)) {
        char *decoded = decode(at);
        bool is_it = strcmp(decoded, path) == 0;
        free(decoded);
        if (is_it)
            return at;
    }
    return NULL;
}

/* After rewriting: our path behind the directory of a program that the client did not name, whatever that directory is
 * called; NULL where the URI does not go on so. */
static const char *behind_program_directory(const struct path_variables *variables, const char *raw)
{
    const char *program = variables->script_name != NULL ? variables->script_name : "";
    const char *slash = strrchr(program, '/');
    bool has_path_info = variables->path_info != NULL && variables->path_info[0] != '\0';
    if (slash == NULL || has_path_info)
        return NULL;
    char *decoded = decode(raw);
    bool is_rewritten = strncmp(decoded, program, strlen(program)) != 0;
    free(decoded);
    for (const char *at = is_rewritten ? find_known(raw) : NULL; at != NULL; at = find_known(at + 1)) {
        char *before = mem_strndup(raw, (size_t)(at - raw));
        decoded = decode(before);
        free(before);
        bool is_directory =
            strlen(decoded) == (size_t)(slash - program) && strncmp(decoded, program, strlen(decoded)) == 0;
        free(decoded);
        if (is_directory)
            return at;
    }
    return NULL;
}

/* What the server's own split says; NULL where it does not contain our path. It only counts where it does not
 * contradict the URI: a SCRIPT_NAME may hold a known segment that is a folder's name, and a server may have joined
 * slashes, resolved dots or made separators of escaped slashes, so that a path which is none of ours would look like
 * one. */
static char *path_from_split(const struct path_variables *variables, const char *raw)
{
    const char *path_info = variables->path_info != NULL ? variables->path_info : "";
    struct buf joined;
    buf_init(&joined);
    buf_append_text(&joined, variables->script_name != NULL ? variables->script_name : "");
    buf_append_text(&joined, path_info);
    const char *found = begins_known(path_info) ? path_info : find_known(buf_text(&joined));
    bool is_renamed = find_known(raw) == NULL && !has_escaped_slash(raw);
    bool contradicts = found != NULL && !is_renamed && find_path(raw, found) == NULL;
    char *path = found != NULL && !contradicts ? mem_strdup(found) : NULL;
    buf_clear(&joined);
    return path;
}

/* What stands before our path, with one slash at its start and none at its end: in a Location "//" would begin a host.
 */
static char *make_mount(const char *raw, size_t length)
{
    for (; length > 1 && raw[0] == '/' && raw[1] == '/'; length--)
        raw++;
    while (length > 0 && raw[length - 1] == '/')
        length--;
    char *before = mem_strndup(raw, length);
    char *mount = make_printable("", before);
    free(before);
    return mount;
}

/* Sets client_path and mount; `at` is where our path begins in `raw`, NULL where that is not known. */
static void set_client_path(struct request *request, const char *raw, const char *at, const char *base)
{
    if (base[0] != '\0' && !has_base(raw, base)) {
        /* A proxy took the prefix away that the client sees. */
        request->client_path = make_printable(base, at != NULL ? at : raw);
        request->mount = mem_strdup(base);
        return;
    }
    request->client_path = make_printable("", raw);
    request->mount = make_mount(raw, at != NULL ? (size_t)(at - raw) : 0);
}

/* Without REQUEST_URI (a bare CGI environment) the split is all there is; it is decoded already. */
static char *raw_from_split(const struct path_variables *variables)
{
    struct buf joined;
    buf_init(&joined);
    append_encoded(&joined, variables->script_name != NULL ? variables->script_name : "", "%?");
    append_encoded(&joined, variables->path_info != NULL ? variables->path_info : "", "%?");
    return take_text(&joined);
}

static char *resolve_query(const struct path_variables *variables)
{
    if (variables->query_string != NULL)
        return mem_strdup(variables->query_string);
    const char *mark = variables->request_uri != NULL ? strchr(variables->request_uri, '?') : NULL;
    return mem_strdup(mark != NULL ? mark + 1 : "");
}

void request_resolve_path(struct request *request, const struct path_variables *variables)
{
    const char *base = variables->base_path != NULL ? variables->base_path : "";
    bool has_uri = variables->request_uri != NULL && variables->request_uri[0] != '\0';
    char *raw = has_uri ? raw_path(variables->request_uri) : raw_from_split(variables);

    const char *in_directory = behind_program_directory(variables, raw);
    char *path = in_directory != NULL ? decode(in_directory) : path_from_split(variables, raw);
    const char *at = behind_base(raw, base);
    if (at == NULL)
        at = in_directory;
    if (at == NULL && path != NULL)
        at = find_path(raw, path);
    if (at == NULL)
        at = find_known(raw);
    if (path == NULL && at != NULL)
        path = decode(at);
    request->path = path != NULL ? path : mem_strdup("");
    set_client_path(request, raw, at, base);
    request->query = resolve_query(variables);
    free(raw);
}
