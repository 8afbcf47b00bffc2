"""Which tests of the API go through which door, and what a web server answers before the program is asked.

All of the API's tests go through every door with `pytest tests/api --door=NAME`. Without it two doors take all of them
(the bare protocol, and the server of ./quickstart), the others the files below: those in which a server has a part."""

EVERYTHING = ("fcgi", "lighttpd")

REPRESENTATIVE = {
    "test_auth",
    "test_delete",
    "test_errors",
    "test_healthz_openapi",
    "test_http_edges",
    "test_idempotency",
    "test_if_match",
    "test_rotation",
}

# Many cases of what is the program's alone.
NOT_THE_SERVERS = {
    "test_a_body_that_is_no_object_is_400",
    "test_another_media_type_is_415",
    "test_what_is_not_strictly_json_is_400",
}

# The largest body that reaches the program, as the shipped files set it (mod_fcgid's own limit cannot be set by an
# .htaccess file), and the server's own answer beyond it. Doors that are not named have no limit of their own.
BODY_LIMITS = {
    "apache-fcgid": (1048576, 500),
    "apache-cgid": (1048576, 413),
    "htaccess-cgid": (1048576, 413),
    "htaccess-fcgid": (131072, 500),
    "nginx": (1048576, 413),
}

# Passes a body on while it arrives: a slow client holds a request thread of the program (its file says so).
STREAMS_BODIES = {"apache-proxy-fcgi"}

_LARGE = "sends a body beyond the server's own limit; tests/servers/test_bodies.py says what comes"
LEFT_OUT = {
    **{(door, "test_a_body_of_many_megabytes_is_413_and_holds_nothing_up"): _LARGE for door in BODY_LIMITS},
    **{
        ("htaccess-fcgid", test): _LARGE
        for test in (
            "test_a_batch_of_128_kib_is_accepted_and_one_byte_more_is_413",
            "test_a_body_of_128_kib_is_accepted_and_one_byte_more_is_413",
            "test_as_a_whole_body_each_is_answered_in_order",
            "test_invalid_ones_are_refused_as_payloads_and_in_batches",
            "test_invalid_ones_are_refused_in_members_that_nobody_reads",
            "test_the_key_is_asked_for_before_anything_else",
            "test_the_limit_holds_without_a_length_as_well",
        )
    },
}


def goes_through(door, module, test, is_chosen):
    """`is_chosen`: by --door."""
    if (door, test) in LEFT_OUT:
        return False
    if is_chosen or door in EVERYTHING:
        return True
    return module in REPRESENTATIVE and test not in NOT_THE_SERVERS
