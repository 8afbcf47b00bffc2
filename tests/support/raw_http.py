"""HTTP without a client's good manners: bytes to a port, and what comes back."""

import socket

from api import Response
from fcgi_client import Raw


def head(org, method, target, *lines):
    """A request's head with the organization's key."""
    mount = org.door.mount
    top = [f"{method} {mount}{target} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {org.key}", *lines, "", ""]
    return "\r\n".join(top).encode("latin-1")


def connect(org, timeout=10):
    return socket.create_connection(("127.0.0.1", org.door.server.port), timeout)


def read_answer(stream, method="GET"):
    """One whole answer from a socket's file."""
    status = int(stream.readline().split()[1])
    headers = []
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.decode("latin-1").partition(":")
        headers.append((name, value.strip()))
    if 100 <= status < 200:
        return Response(Raw(status, headers, b"", "", 0))
    fields = {name.lower(): value for name, value in headers}
    if method == "HEAD" or status in (204, 304):
        body = b""
    elif fields.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(stream.readline().split(b";")[0], 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
    elif "content-length" in fields:
        body = stream.read(int(fields["content-length"]))
    else:
        body = stream.read()
    return Response(Raw(status, headers, body, "", 0))


def exchange(org, method, target, *lines, body=b"", timeout=10):
    """The target goes out as it stands, which an HTTP client would mend."""
    with connect(org, timeout) as connection, connection.makefile("rb") as stream:
        connection.sendall(head(org, method, target, "Connection: close", *lines) + body)
        return read_answer(stream, method)


def is_ours(response):
    """Not a page of the web server's own."""
    return response.header("X-Trace-Id") is not None
