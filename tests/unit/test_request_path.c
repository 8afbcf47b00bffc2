/* Where the path stands, as each web server says it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "api/request.h"

#define PROGRAM "/cgi-bin/hookturn.fcgi"
#define SUBSCRIPTION "/v1/public/webhook/subscription"

struct variant {
    const char *what;
    struct path_variables in; /* path_info, script_name, request_uri, query_string, base_path */
    const char *path;
    const char *client_path;
    const char *mount;
    const char *query;
};

static const struct variant servers[] = {
    {"mod_fcgid and mod_cgi, the program's own path",
     {"/v1/whoami", PROGRAM, PROGRAM "/v1/whoami?a=1", "a=1", ""},
     "/v1/whoami",
     PROGRAM "/v1/whoami",
     PROGRAM,
     "a=1"},
    {"mod_fcgid with ScriptAlias",
     {"/v1/whoami", "/hooks", "/hooks/v1/whoami", "", ""},
     "/v1/whoami",
     "/hooks/v1/whoami",
     "/hooks",
     ""},
    {"mod_fcgid with ScriptAlias for /", {"/healthz", "", "/healthz", "", ""}, "/healthz", "/healthz", "", ""},
    {"mod_fcgid with a rewrite rule in .htaccess",
     {NULL, PROGRAM, SUBSCRIPTION "?x", "x", ""},
     SUBSCRIPTION,
     SUBSCRIPTION,
     "",
     "x"},
    {"the same in a folder",
     {NULL, "/shop/hookturn.fcgi", "/shop" SUBSCRIPTION, "", ""},
     SUBSCRIPTION,
     "/shop" SUBSCRIPTION,
     "/shop",
     ""},
    {"the same in a folder called v1",
     {NULL, "/v1/hookturn.fcgi", SUBSCRIPTION, "", ""},
     SUBSCRIPTION,
     SUBSCRIPTION,
     "",
     ""},
    {"the same in a folder within one called v1",
     {NULL, "/api/v1/hook%s/hookturn.fcgi", "/api/v1/hook%25s/v1/whoami", "", ""},
     "/v1/whoami",
     "/api/v1/hook%25s/v1/whoami",
     "/api/v1/hook%25s",
     ""},
    {"a known path below a folder called v1",
     {"", "/api/v1/hookturn.fcgi", "/api/v1/healthz", "", ""},
     "/healthz",
     "/api/v1/healthz",
     "/api/v1",
     ""},
    {"slashes that would begin a host in a Location",
     {"/v1/whoami", "", "//v1/whoami", "", ""},
     "/v1/whoami",
     "//v1/whoami",
     "",
     ""},
    {"a host in the place of the mount point",
     {"/v1/whoami", "", "//evil.example//v1/whoami", "", ""},
     "/v1/whoami",
     "//evil.example//v1/whoami",
     "/evil.example",
     ""},
    {"a rewrite rule that carries the path",
     {SUBSCRIPTION, PROGRAM, SUBSCRIPTION, "", ""},
     SUBSCRIPTION,
     SUBSCRIPTION,
     "",
     ""},
    {"mod_proxy_fcgi with ProxyPass", {NULL, "/v1/whoami", "/v1/whoami", "", ""}, "/v1/whoami", "/v1/whoami", "", ""},
    {"mod_proxy_fcgi that splits behind the mount",
     {"/v1/whoami", "/hooks", "/hooks/v1/whoami", NULL, ""},
     "/v1/whoami",
     "/hooks/v1/whoami",
     "/hooks",
     ""},
    {"nginx without fastcgi_split_path_info",
     {NULL, "/v1/whoami", "/v1/whoami?q", "q", ""},
     "/v1/whoami",
     "/v1/whoami",
     "",
     "q"},
    {"nginx with an empty PATH_INFO", {"", "/v1/whoami", "/v1/whoami", "", ""}, "/v1/whoami", "/v1/whoami", "", ""},
    {"nginx with an unknown path that looks like a folder's",
     {NULL, "/v1/healthz", "/v1/healthz", "", ""},
     "/v1/healthz",
     "/v1/healthz",
     "",
     ""},
    {"nginx below a prefix",
     {NULL, "/api/hooks/v1/whoami", "/api/hooks/v1/whoami", "", ""},
     "/v1/whoami",
     "/api/hooks/v1/whoami",
     "/api/hooks",
     ""},
    {"nginx with a rewrite that renames", {NULL, "/v1/whoami", "/who", "", ""}, "/v1/whoami", "/who", "", ""},
    {"lighttpd at /", {SUBSCRIPTION, "", SUBSCRIPTION, "", ""}, SUBSCRIPTION, SUBSCRIPTION, "", ""},
    {"lighttpd at /v1",
     {"/public/webhook/subscription", "/v1", SUBSCRIPTION "?b", "b", ""},
     SUBSCRIPTION,
     SUBSCRIPTION,
     "",
     "b"},
    {"lighttpd at /healthz", {"", "/healthz", "/healthz", "", ""}, "/healthz", "/healthz", "", ""},
    {"lighttpd at a prefix",
     {"/v1/whoami", "/hooks", "/hooks/v1/whoami", "", ""},
     "/v1/whoami",
     "/hooks/v1/whoami",
     "/hooks",
     ""},
    {"lighttpd, which joins slashes", {"/v1/whoami", "", "/v1//whoami", "", ""}, "/v1//whoami", "/v1//whoami", "", ""},
    {"lighttpd, which resolves dots",
     {"/v1/whoami", "/hooks", "/hooks/v1/x/../whoami", "", ""},
     "/v1/x/../whoami",
     "/hooks/v1/x/../whoami",
     "/hooks",
     ""},
    {"lighttpd, which makes separators of escaped slashes",
     {"/v1/public/webhook", "", "/v1/public%2Fwebhook", "", ""},
     "/v1/public%2Fwebhook",
     "/v1/public%2Fwebhook",
     "",
     ""},
    {"lighttpd, which makes the first separator of one",
     {"/v1/whoami", "", "/v1%2Fwhoami", "", ""},
     "",
     "/v1%2Fwhoami",
     "",
     ""},
    {"dots that lead to our path",
     {"/v1/whoami", "", "/v1/../v1/whoami", "", ""},
     "/v1/whoami",
     "/v1/../v1/whoami",
     "/v1/..",
     ""},
    {"no REQUEST_URI",
     {"/v1/who am%i", "/my hooks", NULL, NULL, ""},
     "/v1/who am%i",
     "/my%20hooks/v1/who%20am%25i",
     "/my%20hooks",
     ""},
    {"no variable at all", {NULL, NULL, NULL, NULL, NULL}, "", "", "", ""},
};

static const struct variant bases[] = {
    {"a base path that the URI has",
     {NULL, PROGRAM, "/api/v1/hooks/v1/whoami", "", "/api/v1/hooks"},
     "/v1/whoami",
     "/api/v1/hooks/v1/whoami",
     "/api/v1/hooks",
     ""},
    {"a base path that a proxy took away",
     {"/v1/whoami", "", "/v1/whoami", "", "/hooks"},
     "/v1/whoami",
     "/hooks/v1/whoami",
     "/hooks",
     ""},
    {"a base path that a proxy replaced",
     {NULL, PROGRAM, "/internal/v1/whoami", "", "/hooks"},
     "/v1/whoami",
     "/hooks/v1/whoami",
     "/hooks",
     ""},
    {"an unknown path behind the base", {NULL, PROGRAM, "/hooks/other", "", "/hooks"}, "", "/hooks/other", "", ""},
    {"a base path is not a part of a segment",
     {NULL, PROGRAM, "/hooks2/v1/whoami", "", "/hooks"},
     "/v1/whoami",
     "/hooks/v1/whoami",
     "/hooks",
     ""},
};

static const struct variant spellings[] = {
    {"escapes are decoded once", {NULL, PROGRAM, "/v1/a%20b%2541", "", ""}, "/v1/a b%41", "/v1/a%20b%2541", "", ""},
    {"an escaped slash is no separator",
     {NULL, PROGRAM, SUBSCRIPTION "/5%2Frotate%2fsecret", "", ""},
     SUBSCRIPTION "/5%2Frotate%2fsecret",
     SUBSCRIPTION "/5%2Frotate%2fsecret",
     "",
     ""},
    {"an escaped NUL stays", {NULL, PROGRAM, "/v1/whoami%00", "", ""}, "/v1/whoami%00", "/v1/whoami%00", "", ""},
    {"malformed escapes stay", {NULL, PROGRAM, "/v1/%zz%4%", "", ""}, "/v1/%zz%4%", "/v1/%zz%4%", "", ""},
    {"double slashes stay", {NULL, PROGRAM, "/v1//whoami", "", ""}, "/v1//whoami", "/v1//whoami", "", ""},
    {"a known segment that goes on is unknown", {NULL, PROGRAM, "/v1x/healthzz", "", ""}, "", "/v1x/healthzz", "", ""},
    {"an absolute URI", {NULL, PROGRAM, "http://h:80/v1/whoami?q", "q", ""}, "/v1/whoami", "/v1/whoami", "", "q"},
    {"an absolute URI without a path", {NULL, PROGRAM, "http://h?q", NULL, ""}, "", "", "", "q"},
    {"an asterisk", {NULL, PROGRAM, "*", "", ""}, "", "*", "", ""},
    {"bytes that are not printable",
     {NULL, PROGRAM, "/m\xc3\xa4\x01/v1/\x7f", "", ""},
     "/v1/\x7f",
     "/m%C3%A4%01/v1/%7F",
     "/m%C3%A4%01",
     ""},
    {"an empty PATH_INFO and query in the URI alone",
     {"", "", "/v1/whoami?page_size=1", NULL, ""},
     "/v1/whoami",
     "/v1/whoami",
     "",
     "page_size=1"},
};

static void check(const struct variant *variants, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct request request = {0};
        request_resolve_path(&request, &variants[i].in);
        if (strcmp(request.path, variants[i].path) != 0 || strcmp(request.mount, variants[i].mount) != 0)
            print_error("%s\n", variants[i].what);
        assert_string_equal(request.path, variants[i].path);
        assert_string_equal(request.client_path, variants[i].client_path);
        assert_string_equal(request.mount, variants[i].mount);
        assert_string_equal(request.query, variants[i].query);
        request_clear(&request);
    }
}

static void every_server_leads_to_the_same_path(void **state)
{
    (void)state;
    check(servers, sizeof servers / sizeof servers[0]);
}

static void base_path_says_what_the_client_sees(void **state)
{
    (void)state;
    check(bases, sizeof bases / sizeof bases[0]);
}

static void odd_spellings_never_become_a_known_path(void **state)
{
    (void)state;
    check(spellings, sizeof spellings / sizeof spellings[0]);
}

static void client_path_is_bounded(void **state)
{
    (void)state;
    char uri[9000] = "/v1/";
    memset(uri + 4, 0xff, sizeof uri - 5);
    uri[sizeof uri - 1] = '\0';
    struct path_variables variables = {.request_uri = uri};
    struct request request = {0};
    request_resolve_path(&request, &variables);
    assert_true(strlen(request.client_path) <= 2048);
    request_clear(&request);
}

static void methods_are_read_as_they_are_written(void **state)
{
    (void)state;
    assert_int_equal(http_method_parse("POST"), HTTP_POST);
    assert_int_equal(http_method_parse("OPTIONS"), HTTP_OPTIONS);
    assert_int_equal(http_method_parse("post"), HTTP_OTHER);
    assert_int_equal(http_method_parse(""), HTTP_OTHER);
    assert_string_equal(http_method_name(HTTP_DELETE), "DELETE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_server_leads_to_the_same_path),
        cmocka_unit_test(base_path_says_what_the_client_sees),
        cmocka_unit_test(odd_spellings_never_become_a_known_path),
        cmocka_unit_test(client_path_is_bounded),
        cmocka_unit_test(methods_are_read_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
