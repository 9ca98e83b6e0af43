# SPDX-License-Identifier: Apache-2.0
"""What bake-serve is measured with: wrk, nginx serving the same bytes, and clients that are in the way."""
import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import threading
import time

import servers

NGINX = """daemon off; worker_processes 2; pid {run}/nginx.pid; error_log /dev/null; {user}
events {{ worker_connections 4096; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=100;
server {{ listen 127.0.0.1:{port}; root {files}; default_type application/json; }} }}
"""


def ask(port, path):
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        got = b""
        while piece := sock.recv(1 << 20):
            got += piece
    return got.split(b"\r\n\r\n", 1)[1]


class Server:
    def __init__(self, process, port):
        self.pid, self.port = process.pid, port

    def peak_mib(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def requests(self):
        return int(re.search(rb"bake_http_requests_total (\d+)", ask(self.port, "/metrics"))[1])


def settled(server):
    """Its descriptors, once those of clients that have left are closed."""
    count, again = server.descriptors(), None
    while count != again:
        time.sleep(1)
        count, again = server.descriptors(), count
    return count


def place(models, index):
    """A models directory of sparse files."""
    for model in index["models"]:
        for file in model["files"]:
            path = models / file["path"]
            path.parent.mkdir(exist_ok=True)
            with open(path, "wb") as out:
                out.truncate(file["size"])
    text = json.dumps(index, indent=2)
    (models / "model-info.json").write_text(
        re.sub(r"\[[\d,\s]+\]", lambda found: re.sub(r"\s+", " ", found[0]), text))


@contextlib.contextmanager
def bake_serve(tool, models, *more):
    port, = servers.free_ports(1)
    command = ["setpriv", "--pdeathsig", "KILL", tool, "-q", "-d", models, "--listen", f"127.0.0.1:{port}", *more]
    with servers.running(command) as process:
        servers.wait_for_port(port, process)
        yield Server(process, port)


@contextlib.contextmanager
def nginx(run, name, text):
    """Serves one file, from memory as far as it can."""
    files = run / "files"
    files.mkdir(parents=True)
    (files / name).write_bytes(text)
    port, = servers.free_ports(1)
    user = "user root;" if os.geteuid() == 0 else ""
    (run / "nginx.conf").write_text(NGINX.format(run=run, files=files, port=port, user=user))
    with servers.running(["setpriv", "--pdeathsig", "TERM", "/usr/sbin/nginx", "-p", run, "-c", run / "nginx.conf",
                          "-e", run / "error.log"]) as process:
        servers.wait_for_port(port, process)
        yield port


def start_ms(tool, models):
    """From nothing to the first reply, for a client that tries all the time."""
    port, = servers.free_ports(1)
    began = time.perf_counter()
    with servers.running([tool, "-q", "-d", models, "--listen", f"127.0.0.1:{port}"]):
        while True:
            try:
                ask(port, "/health")
                return (time.perf_counter() - began) * 1000
            except ConnectionRefusedError:
                if time.perf_counter() - began > 10:
                    raise


UNITS = {"us": 1e-3, "ms": 1, "s": 1000}


def wrk(port, path, seconds, connections=32, *more):
    """(requests a second, p99 in ms)"""
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", *more,
                          f"http://127.0.0.1:{port}{path}"], check=True, capture_output=True, text=True).stdout
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", out).groups()
    assert "Non-2xx" not in out or "-H" in more, out
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), float(number) * UNITS[unit]


@contextlib.contextmanager
def crowd(port, idle, slow):
    """Connections that say nothing, and others that send a byte of a header now and then."""
    socks = [socket.create_connection(("127.0.0.1", port)) for _ in range(idle + slow)]
    ended = threading.Event()

    def drip():
        while not ended.wait(0.5):
            for number in range(idle, idle + slow):
                with contextlib.suppress(OSError):
                    socks[number].sendall(b"X")

    for sock in socks[idle:]:
        sock.sendall(b"GET /model-info HTTP/1.1\r\nHost: localhost\r\nX: ")
    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        for sock in socks:
            sock.close()
