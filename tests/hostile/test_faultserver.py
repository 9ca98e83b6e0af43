# SPDX-License-Identifier: Apache-2.0
"""The fault server itself: what the other tests build on."""
import socket

import faults


def ask(server, request, listener="a"):
    """One request over a connection of its own; everything that comes back."""
    with socket.create_connection(("127.0.0.1", server.port[listener]), timeout=20) as peer:
        peer.sendall(request.encode())
        data = b""
        while True:
            try:
                more = peer.recv(65536)
            except ConnectionResetError:
                return data + b"<reset>"
            if not more:
                return data
            data += more


def get(path, *headers):
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""])


def test_pattern_is_the_same_in_both_languages(server):
    server.listen()
    name = server.content((7, 1003))
    server.always("/p", faults.whole("body 0 {total}", "close"), content=name)
    assert ask(server, get("/p")).split(b"\r\n\r\n", 1)[1] == faults.pattern(7, 1003)


def test_ranges_and_numbers_in_braces(server):
    server.listen()
    name = server.content(b"0123456789")
    server.always("/r", faults.partial("body {first} {count}", "close",
                                       headers=["X: {first+1} {total-3} {nth}"]), content=name)
    answer = ask(server, get("/r", "Range: bytes=2-5"))
    assert answer.startswith(b"HTTP/1.1 206 ") and answer.endswith(b"\r\n\r\n2345")
    assert b"Content-Range: bytes 2-5/10\r\n" in answer and b"X: 3 7 0\r\n" in answer


def test_rules_are_used_up_and_the_log_tells(server):
    server.listen()
    server.always("/f", ["rst"])
    server.fault("/f", faults.plain(503) + ["close"], times=2, skip=1)
    assert ask(server, get("/f", "Authorization: Bearer x")) == b"<reset>"
    assert b" 503 " in ask(server, get("/f")) and b" 503 " in ask(server, get("/f"))
    first, second, third = server.log().requests()
    assert first.authorization and not second.authorization
    assert (first.status, second.status, third.status) == (0, 503, 503)


def test_one_connection_too_many_is_reset(server):
    server.listen(max=1)
    server.good("/f", b"good")
    with socket.create_connection(("127.0.0.1", server.port["a"])) as first:
        first.sendall(get("/f").encode())
        assert first.recv(4).startswith(b"HTTP")
        with socket.create_connection(("127.0.0.1", server.port["a"])) as second:
            try:
                assert second.recv(4) == b"", "a reset was wanted"
            except ConnectionResetError:
                pass
    log = server.log()
    assert len(log.refused()) == 1 and log.most_connections() == 1
