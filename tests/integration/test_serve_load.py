# SPDX-License-Identifier: Apache-2.0
"""bake-serve under load: nobody gets a wrong reply, whatever is replaced, killed or slow beside it.
A number in a name is that of the adverse case."""
import concurrent.futures
import contextlib
import gzip
import hashlib
import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from conftest import TOOLS, fails, hub_model, noise, run
from serving import TOKEN, head, receive, serving

MODELS = 40  # so that the reply is large enough to be sent from a file


@pytest.fixture
def large(place):
    """An index of many models, none of which is there."""
    files = [{"path": f"m{n}/weights.gguf", "size": 5, "sha256": f"{n + 1:064x}"} for n in range(MODELS)]
    index = {"schema": "bake.index/1", "generator": "test", "model_name": "n", "model_version": "0",
             "supported_ranks": [32, 128], "supported_steps": [], "default_rank": 128,
             "default_steps": 8, "max_steps": 50, "base_model_available": False,
             "nunchaku_models": [], "model_config": {"default_steps": 8},
             "models": [{"id": f"m{n}", "title": "t" * 800, "required": False, "status": "missing",
                         "path": f"m{n}", "files": [files[n]]} for n in range(MODELS)]}
    place.models.mkdir(exist_ok=True)
    return place, index


def swap(place, index):
    new = place.models / "new.json"
    new.write_text(json.dumps(index))
    new.rename(place.models / "model-info.json")


def checked(status, headers, body):
    """A reply that is what its header says."""
    assert status == 200, (status, body[:500])
    assert int(headers["content-length"]) == len(body)
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    assert headers["etag"].strip('"').removesuffix("-gzip") == hashlib.sha256(body).hexdigest()
    return json.loads(body)


def read_again_and_again(port, ended, wanted):
    """Over few connections; how many replies there were."""
    count = 0
    while not ended.is_set():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with contextlib.closing(connection):
            for _ in range(50):
                fields = {"Accept-Encoding": "gzip"} if count % 8 == 0 else {}
                connection.request("GET", "/model-info", headers=fields)
                reply = connection.getresponse()
                names = {name.lower(): value for name, value in reply.getheaders()}
                wanted(checked(reply.status, names, reply.read()))
                count += 1
                time.sleep(0.002)
                if ended.is_set():
                    break
    return count


def test_index_swapped_a_thousand_times_under_load_116(large):
    """With changes of the settings, each of which makes all replies anew. Whatever index a reply is
    of, it is of one only."""
    place, index = large
    swap(place, index)
    ended = threading.Event()

    def wanted(info):
        assert len(info["models"]) == MODELS and info["stale"] is False
        version = info["model_version"]
        assert {model["title"][:len(version)] for model in info["models"]} == \
            ({version} if version != "0" else {"t"})

    with serving(place.models) as server, concurrent.futures.ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read_again_and_again, server.port, ended, wanted) for _ in range(2)]
        setting = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        try:
            for n in range(1, 1001):
                for model in index["models"]:
                    model["title"] = f"{n}-{'t' * 800}"
                swap(place, {**index, "model_version": f"{n}-"})
                if n % 5:
                    time.sleep(0.002)
                    continue
                setting.request("POST", "/model-config", json.dumps({"default_steps": n % 50 + 1}),
                                {"Content-Type": "application/json"})
                reply = setting.getresponse()
                assert reply.status == 200
                assert json.loads(reply.read())["default_steps"] == n % 50 + 1
            server.wait("/model-info", lambda reply: reply.json["model_version"] == "1000-")
        finally:
            ended.set()
            setting.close()
        assert all(reader.result(60) for reader in readers)
        assert server.wait("/metrics", lambda reply: b"reload_failures_total 0\n" in reply.body)


def test_descriptors_of_snapshots_are_given_back_115(large):
    place, index = large
    swap(place, index)
    with serving(place.models) as server:
        server.ask("/model-info", headers={"Accept-Encoding": "gzip"})
        before = server.descriptors()
        for n in range(60):
            assert server.post("/model-config", {"default_steps": n % 50 + 1}).status == 200
            server.ask("/v1/models" if n % 2 else "/model-info", headers={"Accept-Encoding": "gzip"})
        until = time.monotonic() + 10
        while server.descriptors() > before + 1 and time.monotonic() < until:
            time.sleep(0.02)
        assert server.descriptors() <= before + 1  # a second reply that is a file


def test_clients_that_leave_in_the_middle_115(large):
    """The rest of a large reply is for nobody: that is no signal, and nothing is left behind."""
    place, index = large
    swap(place, index)
    with serving(place.models) as server:
        server.ask("/model-info")
        before = server.descriptors()
        for n in range(300):
            with server.connect() as sock:
                sock.sendall(b"GET /model-info HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
                sock.recv(100)
                if n % 2:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        until = time.monotonic() + 30
        while server.descriptors() > before and time.monotonic() < until:
            time.sleep(0.1)
        assert server.descriptors() <= before and server.ask("/health").status == 200


def ask_unix(path):
    """What came back, or None when nobody answered."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as sock, \
            contextlib.suppress(FileNotFoundError, ConnectionError):
        sock.settimeout(30)
        sock.connect(str(path))
        sock.sendall(head("/model-info"))
        got = b""
        while piece := sock.recv(65536):
            got += piece
        return got
    return None


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_killed_and_started_again_under_clients_115(large, tmp_path, kind):
    """A client sees a whole reply or an end, and the next server is there at once."""
    place, index = large
    swap(place, index)
    path = tmp_path / "s.sock"
    listen = f"unix:{path}"
    if kind == "tcp":
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
            port = free.getsockname()[1]
        listen = f"127.0.0.1:{port}"
    ended = threading.Event()

    def ask():
        if kind == "unix":
            return ask_unix(path)
        with contextlib.suppress(ConnectionError), \
                contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as sock:
            sock.sendall(head("/model-info"))
            got = b""
            while piece := sock.recv(65536):
                got += piece
            return got
        return None

    def client():
        whole = 0
        while not ended.is_set():
            got = ask()
            if not got:
                time.sleep(0.005)
                continue
            assert b"HTTP/1.1 200 OK\r\n".startswith(got[:17]), got[:200]
            header, _, body = got.partition(b"\r\n\r\n")
            size = re.search(rb"Content-Length: (\d+)", header)
            if size and int(size[1]) == len(body):
                assert len(json.loads(body)["models"]) == MODELS
                whole += 1
        return whole

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(client) for _ in range(4)]
        try:
            for _ in range(10):
                with serving(place.models, listen=listen) as server:
                    time.sleep(0.1)
                    server.process.kill()
                    server.process.wait()
            with serving(place.models, listen=listen):
                assert ask().startswith(b"HTTP/1.1 200 OK\r\n")
        finally:
            ended.set()
        assert sum(one.result(60) for one in clients) > 0


def test_successor_keeps_its_unix_socket(large, tmp_path):
    """A server removes its own socket's file, not that of the one that took its place."""
    place, index = large
    swap(place, index)
    path = tmp_path / "s.sock"
    with serving(place.models, listen=f"unix:{path}") as first:
        path.unlink()
        with serving(place.models, listen=f"unix:{path}"):
            assert first.stop() == 0
            assert path.exists() and ask_unix(path).startswith(b"HTTP/1.1 200 ")
    assert not path.exists()


def test_many_that_begin_at_once_on_a_stale_unix_socket(large, tmp_path):
    """One of them gets it, and answers."""
    place, index = large
    swap(place, index)
    path = tmp_path / "s.sock"
    for _ in range(3):
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as stale:
            stale.bind(str(path))
        command = [TOOLS / "bake-serve", "-q", "-d", place.models, "--listen", f"unix:{path}"]
        servers = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(6)]
        try:
            until = time.monotonic() + 30
            while len([one for one in servers if one.poll() is None]) > 1 and time.monotonic() < until:
                time.sleep(0.02)
            assert sorted(one.poll() or 0 for one in servers) == [0] + [73] * 5
            assert ask_unix(path).startswith(b"HTTP/1.1 200 ")
        finally:
            for one in servers:
                one.terminate()
            assert {one.wait(30) for one in servers} <= {0, 73}


def test_server_that_hangs_is_not_waited_for(large, tmp_path):
    place, index = large
    swap(place, index)
    path = tmp_path / "s.sock"
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as hanging:
        hanging.bind(str(path))
        hanging.listen(0)
        waiting = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
                   for _ in range(4)]
        for sock in waiting:
            with contextlib.suppress(BlockingIOError):
                sock.connect(str(path))
        fails(run("bake-serve", "-d", place.models, "--listen", f"unix:{path}"), 73, "serve.address")
        fails(run("bake-serve", "--probe", f"unix:{path}", "--probe-timeout", "0.3"), 75,
              "serve.no-answer")
        for sock in waiting:
            sock.close()
    assert path.exists()


def slow(server, *options):
    return subprocess.Popen(
        ["slowhttptest", "-c", "300", "-r", "300", "-l", "6", "-p", "3", "-u",
         f"http://127.0.0.1:{server.port}/model-info", *options],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)


def test_slowhttptest_111(large):
    """Slow headers, slow bodies and slow readers, all at once: everybody else is answered."""
    place, index = large
    swap(place, index)
    with serving(place.models) as server:
        server.ask("/health")
        before = server.descriptors()
        attacks = [slow(server, "-H", "-i", "1"),
                   slow(server, "-B", "-i", "1", "-s", "8192", "-t", "POST"),
                   slow(server, "-X", "-w", "512", "-y", "1024", "-n", "1", "-z", "32", "-k", "3")]
        answered = 0
        while any(attack.poll() is None for attack in attacks):
            assert server.ask("/model-info").status == 200
            answered += 1
        for attack in attacks:
            out = attack.communicate()[0]
            assert "service available" in out.lower(), out
            assert not re.search(r"service available:\s*\S*NO", out), out
        assert answered > 10
        until = time.monotonic() + 60
        while server.descriptors() > before + 1 and time.monotonic() < until:
            time.sleep(0.2)
        assert server.descriptors() <= before + 1


def test_slow_reader_of_events(large):
    """Who does not read misses events; the others get them, and the end."""
    place, index = large
    swap(place, index)
    work = place.models / ".bake"
    work.mkdir()
    with serving(place.models) as server:
        asleep = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(10)]
        for sock in asleep:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.sendall(head("/events"))
        with server.connect() as awake:
            awake.sendall(head("/events"))
            for n in range(12):
                (work / "new").write_text(json.dumps({"schema": "bake.state/1", "state": f"s{n}",
                                                      "models": {"m": {"message": "x" * 300000}}}))
                (work / "new").rename(work / "state.json")
                assert f'"state": "s{n}"'.encode() in receive(awake, f'"state": "s{n}"'.encode())
            assert server.ask("/health").status == 200
            began = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began < 20
        for sock in asleep:
            sock.close()


def test_idle_connections_do_not_keep_others_out_115(large):
    place, index = large
    swap(place, index)
    with serving(place.models) as server, contextlib.ExitStack() as stack:
        for _ in range(1100):
            stack.enter_context(server.connect())
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda _: server.ask("/model-info"), range(200)))
        assert {reply.status for reply in replies} == {200}
        assert b"bake_http_connections 1101\n" in server.ask("/metrics").body


def test_children_are_seen_to_end_where_sigchld_is_ignored(place, hub, tmp_path):
    """Whoever starts it may ignore SIGCHLD, and then a child leaves no status."""
    hub.add("org/name", {"notes.txt": noise(5000)})
    place.baked({"one": hub_model(files=[{"name": "notes.txt"}], path="one")})
    token = tmp_path / "token"
    token.write_text(TOKEN)
    with serving(place.models, "--admin-token-file", token,
                 preexec=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN)) as server:
        assert server.post("/verify", token=TOKEN).status == 202
        done = server.wait("/verify", lambda reply: reply.json.get("state") == "done").json
        assert done["exit_code"] == 0 and done["report"]["ok"] is True
        children = f"/proc/{server.process.pid}/task/{server.process.pid}/children"
        assert not os.path.exists(children) or not open(children, encoding="ascii").read().strip()
