# SPDX-License-Identifier: Apache-2.0
"""A bake-serve to ask, politely and byte by byte."""
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

from conftest import TOOLS, environment

TOKEN = "a-token-that-is-long-enough"


class Reply:
    def __init__(self, response, body):
        self.status, self.body = response.status, body
        self.headers = {name.lower(): value for name, value in response.getheaders()}

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers}\n{self.body[:2000]!r}"


class Serving:
    def __init__(self, models, *args, listen="127.0.0.1:0", env=None, preexec=None):
        self.process = subprocess.Popen(
            [TOOLS / "bake-serve", "-d", models, "--listen", listen, *map(str, args)],
            env=environment(**(env or {})), stderr=subprocess.PIPE, text=True, preexec_fn=preexec)
        self.lines = []
        self.port = None
        ready = threading.Event()

        def read():
            for line in self.process.stderr:
                self.lines.append(line)
                found = re.search(r"listening on http://\S+:(\d+)$", line)
                self.port = int(found[1]) if found else self.port
                if "listening on" in line:
                    ready.set()
            ready.set()

        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()
        assert ready.wait(60), self.log
        assert self.process.poll() is None, self.log

    @property
    def log(self):
        return "".join(self.lines)

    def said(self, text, seconds=30):
        """In its log, which comes a little later than what it tells of."""
        until = time.monotonic() + seconds
        while text not in self.log:
            assert time.monotonic() < until, (text, self.log)
            time.sleep(0.02)

    def ask(self, path, method="GET", body=None, headers=None, token=None):
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Reply(response, response.read())

    def post(self, path, body=None, token=None, **more):
        return self.ask(path, "POST", {} if body is None else body, token=token, **more)

    def wait(self, path, wanted, seconds=30, **more):
        """Asks until the reply is as wanted."""
        until = time.monotonic() + seconds
        while True:
            reply = self.ask(path, **more)
            if wanted(reply):
                return reply
            assert time.monotonic() < until, (reply, self.log)
            time.sleep(0.05)

    def connect(self):
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        return contextlib.closing(sock)

    def raw(self, data, pieces=1):
        """All that comes back for these bytes, until the server closes or is silent."""
        with self.connect() as sock:
            size = max(1, -(-len(data) // pieces))
            with contextlib.suppress(OSError):
                for at in range(0, len(data), size):
                    sock.sendall(data[at:at + size])
                    if pieces > 1:
                        time.sleep(0.02)
            return receive(sock)

    def status_of(self, data, pieces=1):
        got = self.raw(data, pieces)
        assert got.startswith(b"HTTP/1.1 "), got
        return int(got[9:12])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(30)
        self.reader.join(10)
        return code


def receive(sock, until=None):
    """until: a piece of text that is enough."""
    sock.settimeout(20)
    got = b""
    with contextlib.suppress(OSError):
        while piece := sock.recv(65536):
            got += piece
            if until and until in got:
                break
    return got


def head(path="/health", *lines, method="GET", host="localhost", version="HTTP/1.1"):
    """A request that ends its connection."""
    fields = ([f"Host: {host}"] if host else []) + list(lines) + ["Connection: close"]
    return (f"{method} {path} {version}\r\n" + "".join(f"{f}\r\n" for f in fields) +
            "\r\n").encode("latin-1")


@contextlib.contextmanager
def serving(models, *args, **options):
    server = Serving(models, *args, **options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            code = server.stop()
            assert code == 0, server.log
        assert "Sanitizer" not in server.log, server.log
