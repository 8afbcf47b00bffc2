"""hookturn.fcgi as plain CGI without a server: one process a request, its variables in the environment."""

import subprocess

from fcgi_client import ServerGone, parse_cgi


def run(installation, params, stdin=b"", timeout=30, prefix=()):
    """(answer, exit status)."""
    env = {**installation.env, **{name: as_text(value) for name, value in params.items()}}
    done = subprocess.run(
        [*map(str, prefix), str(installation.fcgi)],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=installation.stderr,
        env=env,
        timeout=timeout,
        cwd=installation.directory,
    )
    if not done.stdout:
        raise ServerGone(f"no answer; the process ended with {done.returncode}")
    return parse_cgi(done.stdout), done.returncode


def as_text(value):
    return value if isinstance(value, bytes) else str(value)
