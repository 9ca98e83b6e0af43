# SPDX-License-Identifier: Apache-2.0
"""bake-serve: what is answered, what is refused, and what happens to the index meanwhile."""
import concurrent.futures
import gzip
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from conftest import ROOT, TOOLS, environment, fails, ok, run

if not (TOOLS / "bake-serve").exists():
    pytest.skip("bake-serve is not among the static tools", allow_module_level=True)

# The keys and types of the service that this one is in the place of.
KEYS = {"model_name": str, "model_version": str, "supported_ranks": list, "supported_steps": list,
        "default_rank": int, "default_steps": int, "max_steps": int, "base_model_available": bool,
        "nunchaku_models": list, "model_config": dict, "gpu_memory_usage": str}


class Server:
    """bake-serve over a directory, until the test ends."""

    def __init__(self, models, *args, listen="127.0.0.1:0"):
        self.models = models
        self.process = subprocess.Popen(
            [TOOLS / "bake-serve", "-d", models, "--listen", listen, *map(str, args)],
            stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment())
        self.log = [self.process.stderr.readline()]
        found = re.search(r"port (\d+)", self.log[0])
        self.port = int(found[1]) if found else 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.log.append(line)

    def ask(self, path, method="GET", body=None, **headers):
        """(status, headers, bytes)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body,
                               {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def json(self, path, **options):
        status, _, body = self.ask(path, **options)
        assert status == 200, (path, status, body)
        return json.loads(body)

    def raw(self, data, wait=20):
        """All that comes back for these bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as link:
            link.sendall(data)
            got = b""
            try:
                while piece := link.recv(65536):
                    got += piece
            except (ConnectionResetError, socket.timeout):
                pass
            return got

    def status(self, data, **options):
        got = self.raw(data, **options)
        return int(got.split()[1]) if got.startswith(b"HTTP/1.1 ") else 0

    def stop(self, signal_=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(signal_)
        code = self.process.wait(10)
        self.reader.join(5)
        return code


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    models = tmp_path_factory.mktemp("demo") / "models"
    lock = ROOT / "manifests/demo.lock.json"
    ok(run("bake-fetch", "-l", lock, "-d", models))
    ok(run("bake-index", "build", "-l", lock, "-d", models))
    return models


@pytest.fixture
def models(demo, tmp_path):
    """A copy of one's own."""
    shutil.copytree(demo, tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture
def start():
    servers = []

    def begin(*args, **options):
        servers.append(Server(*args, **options))
        return servers[-1]

    yield begin
    for server in servers:
        server.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def server(demo):
    one = Server(demo)
    yield one
    one.stop()


def eventually(claim, seconds=15):
    end = time.monotonic() + seconds
    while not (result := claim()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)
    return result


def test_model_info_has_the_keys_of_the_service(server, demo):
    info = server.json("/model-info")
    for key, kind in KEYS.items():
        assert type(info[key]) is kind, key
    index = json.loads((demo / "model-info.json").read_text())
    assert {key: info[key] for key in index} == index
    assert info["stale"] is False and all(m["status"] == "baked" for m in info["models"])


def test_one_model(server, demo):
    index = json.loads((demo / "model-info.json").read_text())
    for model in index["models"]:
        assert server.json(f"/model-info/{model['id']}") == model
    assert server.ask("/model-info/nothing")[0] == 404


def test_views_of_other_servers(server):
    openai = server.json("/v1/models")
    assert openai["object"] == "list" and {m["id"] for m in openai["data"]} == {
        "demo-chat", "demo-image-edit", "demo-nunchaku-r32-4steps"}
    assert all(m["object"] == "model" for m in openai["data"])
    tags = {m["name"]: m for m in server.json("/api/tags")["models"]}
    assert tags["demo-chat"]["details"]["quantization_level"] == "Q8_0"
    assert re.fullmatch(r"[0-9a-f]{64}", tags["demo-chat"]["digest"])
    assert server.json("/info")["max_total_tokens"] == 2048
    shown = server.json("/api/show", method="POST", body='{"model": "demo-chat"}',
                        Content_Type="application/json")
    assert shown["details"]["format"] == "gguf"


def test_health(server):
    health = server.json("/health")
    assert health["status"] == "healthy" and type(health["timestamp"]) is float
    assert server.json("/ready")["models"]["baked"] == 3


def test_metrics(server):
    status, headers, body = server.ask("/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain")
    assert re.search(rb"^bake_http_requests_total [1-9]", body, re.M)
    assert b'bake_models{status="baked"} 3' in body


def test_estimate_is_that_of_the_command(server, demo):
    got = server.json("/estimate?model=demo-chat&context=1024")
    said = ok(run("bake-index", "estimate", "demo-chat", "-d", demo, "--context", "1024", "--json")).json
    assert got["parts"] == said["parts"] and got["max_bytes"] == said["max_bytes"]
    assert server.ask("/estimate?model=nothing")[0] == 404
    assert server.ask("/estimate?model=demo-chat&context=x")[0] == 400
    assert server.ask("/estimate?model=demo-chat&what=1")[0] == 400


def test_model_config_as_the_service_has_it(start, models):
    server = start(models)
    post = {"method": "POST", "Content_Type": "application/json"}
    config = server.json("/model-config", body='{"default_steps": 12, "default_rank": 64, "x": 1,'
                         ' "enable_cpu_offload": false}', **post)
    assert config["default_steps"] == 12 and config["default_rank"] == 32
    assert config["enable_cpu_offload"] is False
    assert server.json("/model-info")["default_steps"] == 12
    assert server.ask("/model-config", body='{"default_steps": "x"}', **post)[0] == 400
    assert server.ask("/model-config", body="{", **post)[0] == 400
    assert json.loads((models / "model-info.json").read_text())["default_steps"] == 4


def test_entity_tag_head_and_gzip(server):
    status, headers, body = server.ask("/model-info")
    assert server.ask("/model-info", If_None_Match=headers["ETag"])[0] == 304
    assert server.ask("/model-info", If_None_Match='"other"')[0] == 200
    head = server.ask("/model-info", method="HEAD")
    assert head[2] == b"" and head[1]["Content-Length"] == headers["Content-Length"]
    zipped = server.ask("/model-info", Accept_Encoding="gzip")
    assert zipped[1]["Content-Encoding"] == "gzip" and gzip.decompress(zipped[2]) == body
    assert len(zipped[2]) < len(body) / 2


def test_unix_socket_and_probe(start, models, tmp_path):
    path = tmp_path / "socket"
    start(models, listen=f"unix:{path}")
    ok(run("bake-serve", "--probe", f"unix:{path}"))
    fails(run("bake-serve", "--probe", f"unix:{tmp_path}/none"), 75, "serve.no-answer")


def test_probe(start, models):
    server = start(models)
    ok(run("bake-serve", "--probe", f"http://127.0.0.1:{server.port}/health"))
    fails(run("bake-serve", "--probe", f"http://127.0.0.1:{server.port}/nothing"), 69,
          "serve.unhealthy")


@pytest.mark.parametrize("name,request_,status", [
    ("a method", b"BREW /model-info HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    ("DELETE", b"DELETE /model-info HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
    ("POST where only GET is", b"POST /model-info HTTP/1.1\r\nHost: localhost\r\n"
     b"Content-Length: 0\r\n\r\n", 405),
    ("a body on GET", b"GET /model-info HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nxx", 400),
    ("two lengths", b"POST /model-config HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
     b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400),
    ("no host", b"GET /model-info HTTP/1.1\r\n\r\n", 400),
    ("another host", b"GET /model-info HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
    ("a long target", b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
    ("a large header", b"GET /model-info HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431),
    ("many headers", b"GET /model-info HTTP/1.1\r\nHost: localhost\r\n" + b"X: 1\r\n" * 150 + b"\r\n", 431),
    ("a NUL", b"GET /model-info HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n", 400),
    ("a folded line", b"GET /model-info HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", 400),
    ("dots", b"GET /../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    ("encoded dots", b"GET /%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
    ("two slashes", b"GET //model-info HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
], ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "")
def test_cases_112_to_114_refused(server, name, request_, status):
    assert server.status(request_) == status, name
    server.json("/health")


def test_case_111_slow_headers_are_ended_and_hold_up_nobody(server):
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    try:
        begin = time.monotonic()
        ended = 0
        while time.monotonic() < begin + 14 and ended == 0:
            for link in slow:
                try:
                    link.sendall(b"G" if time.monotonic() < begin + 0.5 else b"X")
                except OSError:
                    ended += 1
            server.json("/model-info")
            time.sleep(0.5)
        assert ended, "a header that never ends is waited for"
    finally:
        for link in slow:
            link.close()


def test_case_115_many_connections(server):
    def many(_):
        return [server.ask("/model-info")[0] for _ in range(25)]

    before = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert {status for part in pool.map(many, range(16)) for status in part} == {200}
    eventually(lambda: len(os.listdir(f"/proc/{server.process.pid}/fd")) <= before + 2)


def test_case_116_a_replaced_index_is_read_and_a_bad_one_is_not(start, models):
    server = start(models)
    path = models / "model-info.json"
    index = json.loads(path.read_text())

    def put(text):
        (models / "new").write_text(text)
        (models / "new").rename(path)

    put("{ broken")
    assert eventually(lambda: server.json("/model-info")["stale"])
    assert server.json("/model-info")["model_name"] == index["model_name"]
    put(json.dumps({**index, "model_name": "Another"}))
    eventually(lambda: server.json("/model-info")["model_name"] == "Another")
    assert server.json("/model-info")["stale"] is False


def test_index_swapped_under_load_gives_no_bad_reply(start, models):
    server = start(models)
    path = models / "model-info.json"
    index = json.loads(path.read_text())
    texts = [json.dumps({**index, "model_name": f"Name {n}", "model_version": f"v{n}"})
             for n in range(2)]
    done = threading.Event()
    seen = []

    def ask():
        while not done.is_set():
            info = server.json("/model-info")
            seen.append((info["model_name"], info["model_version"]))

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    for n in range(200):
        (models / "new").write_text(texts[n % 2])
        (models / "new").rename(path)
        time.sleep(0.01)
    done.set()
    for asker in askers:
        asker.join()
    wanted = {("Name 0", "v0"), ("Name 1", "v1"), (index["model_name"], index["model_version"])}
    assert len(seen) > 50 and set(seen) <= wanted


def test_a_bad_index_at_the_start_is_an_error(tmp_path):
    (tmp_path / "model-info.json").write_text("{")
    fails(run("bake-serve", "-d", tmp_path, "--listen", "127.0.0.1:0"), 65, "json.syntax")
    fails(run("bake-serve", "-d", tmp_path / "none", "--listen", "127.0.0.1:0"), 66, "fs.not-found")


def test_models_that_are_hidden_are_said(start, models, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    server = start(empty, "--index", models / "model-info.json")
    status, _, body = server.ask("/health")
    assert status == 503 and json.loads(body)["models_hidden"] is True
    assert b"volume" in body
    assert {m["status"] for m in server.json("/model-info")["models"]} == {"missing"}


def test_a_wrong_file_is_said_and_the_others_are_served(start, models):
    path = models / "chat/demo-chat-Q8_0.gguf"
    path.write_bytes(path.read_bytes() + b"x")
    server = start(models)
    states = {m["id"]: m["status"] for m in server.json("/model-info")["models"]}
    assert states.pop("demo-chat") == "wrong" and set(states.values()) == {"baked"}
    assert server.ask("/health")[0] == 503


def test_fallback(start, models, tmp_path):
    fallback = tmp_path / "fallback"
    (fallback / "chat").mkdir(parents=True)
    shutil.move(models / "chat/demo-chat-Q8_0.gguf", fallback / "chat")
    server = start(models, "--fallback", fallback)
    states = {m["id"]: m["status"] for m in server.json("/model-info")["models"]}
    assert states["demo-chat"] == "fallback" and server.ask("/health")[0] == 200


def test_case_118_no_path_of_the_machine_in_a_reply(server, demo):
    for path in ("/model-info", "/health", "/v1/models", "/api/tags", "/info", "/metrics", "/nothing"):
        _, headers, body = server.ask(path)
        assert str(demo).encode() not in body and b"/tmp/" not in body
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_soon(start, models, which):
    server = start(models)
    server.json("/health")
    begin = time.monotonic()
    assert server.stop(which) in (0, -which, 128 + which)
    assert time.monotonic() - begin < 4


def test_address_in_use(start, models):
    server = start(models)
    fails(run("bake-serve", "-d", models, "--listen", f"127.0.0.1:{server.port}"), 73, "serve.address")


def test_killed_and_started_again(start, models):
    server = start(models)
    server.stop(signal.SIGKILL)
    again = start(models, listen=f"127.0.0.1:{server.port}")
    assert again.port == server.port and again.json("/health")["status"] == "healthy"
