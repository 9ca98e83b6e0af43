# SPDX-License-Identifier: Apache-2.0
"""bake-serve: what is answered, to whom, and what is refused. A number in a name is
that of the adverse case."""
import concurrent.futures
import contextlib
import fcntl
import gzip
import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from conftest import TOOLS, environment, fails, hub_model, noise, ok, run
from models import gguf
from serving import TOKEN, head, receive, serving
from test_index import NAMES, nunchaku


def changed(place, **members):
    """The index with other members, put in its place at once."""
    index = {**place.index_json, **members}
    new = place.models / "new.json"
    new.write_text(json.dumps(index, indent=2))
    new.rename(place.models / "model-info.json")
    return index


@pytest.fixture
def baked(place, hub):
    """Two models: one is required, the other is not there."""
    hub.add("org/name", {"a.gguf": noise(5000, 1), "b.gguf": noise(6000, 2)})
    place.locked({"one": hub_model(files=[{"name": "a.gguf"}], path="one", role="chat", default=True,
                                   license="mit"),
                  "two": hub_model(files=[{"name": "b.gguf"}], path="two", required=False)})
    ok(place.fetch("one"))
    ok(place.index())
    return place


@pytest.fixture
def server(baked):
    with serving(baked.models) as server:
        yield server


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    return path


# What is answered


def test_model_info_has_the_keys_and_types_of_the_users_api(place, hub):
    index = nunchaku(place, hub, ["r128-8", "r128"])
    with serving(place.models) as server:
        reply = server.ask("/model-info")
    info = reply.json
    assert reply.status == 200 and reply.headers["content-type"] == "application/json"
    assert info["model_name"] == "Qwen Image Edit Nunchanku"
    assert info["model_version"] == "lightningv1.0"
    assert info["supported_ranks"] == [128] and info["supported_steps"] == [8]
    assert info["default_rank"] == 128 and info["default_steps"] == 8 and info["max_steps"] == 50
    assert info["gpu_memory_usage"] == "N/A" and info["base_model_available"] is True
    assert info["nunchaku_models"] == [NAMES["r128-8"], NAMES["r128"]]
    assert info["model_config"] == index["model_config"]
    assert info.pop("stale") is False and info.pop("gpu_memory_usage")
    assert info == index


def test_models_that_were_never_baked_are_missing(server):
    models = {model["id"]: model for model in server.ask("/model-info").json["models"]}
    assert models["one"]["status"] == "baked" and models["two"]["status"] == "missing"
    assert "problem" not in models["two"]


def test_one_model(server):
    info = server.ask("/model-info").json
    for model in info["models"]:
        assert server.ask(f"/model-info/{model['id']}").json == model
    reply = server.ask("/model-info/three")
    assert reply.status == 404 and reply.json["error"] == "index.unknown-model"


def test_openai(server):
    reply = server.ask("/v1/models").json
    assert reply["object"] == "list"
    assert [model["id"] for model in reply["data"]] == ["one"]
    model = reply["data"][0]
    assert model["object"] == "model" and model["created"] == 0 and model["owned_by"] == "org"


def test_ollama(server, baked):
    models = server.ask("/api/tags").json["models"]
    assert [(model["name"], model["size"]) for model in models] == [("one", 5000)]
    assert models[0]["digest"] == baked.index_json["models"][0]["aggregate_sha256"]
    assert models[0]["details"]["format"] == "gguf"
    show = server.post("/api/show", {"model": "one"}).json
    assert show["license"] == "mit" and show["details"]["format"] == "gguf"
    assert show["capabilities"] == ["completion"] and "model_info" in show
    assert server.post("/api/show", {"name": "one"}).json == show
    assert server.post("/api/show", {"model": "one:latest"}).json == show
    assert server.post("/api/show", {"model": "one:other"}).status == 404
    assert server.post("/api/show", {"model": ":latest"}).status == 404
    assert server.post("/api/show", {"model": "none"}).status == 404
    for body in (b"", b"[1]", b"{", b"\xff", b'{"model": 5}', b"[" * 5000):
        assert server.ask("/api/show", "POST", body).status == 422, body


def test_tgi(server, baked):
    info = server.ask("/info").json
    assert info["model_id"] == "org/name" and info["router"] == "bake-serve"
    assert info["model_sha"] == baked.lock_json["models"]["one"]["source"]["commit"]
    assert info["docker_label"] is None


def test_health(server):
    for path in ("/health", "/ready"):
        reply = server.ask(path)
        health = reply.json
        assert reply.status == 200 and health["status"] == "healthy"
        assert isinstance(health["timestamp"], float) and health["uptime"] >= 0
        assert health["gpu_memory_info"] == {} and health["model_loaded"] is False
        assert health["models"]["baked"] == 1 and health["models"]["missing"] == 1


def test_status_says_what_may_be_asked_for(server, baked, token_file):
    status = server.ask("/status").json
    assert status["actions"] == [] and status["server"].startswith("bake-serve ")
    assert {"timestamp", "uptime"} <= status.keys() & server.ask("/health").json.keys()
    (baked.models / "one/a.gguf").unlink()
    server.wait("/health", lambda reply: reply.status == 503)
    reply = server.ask("/status")
    assert reply.status == 200 and reply.json["status"] == "unhealthy"
    with serving(baked.models, "--admin-token-file", token_file) as own:
        assert own.ask("/status").json["actions"] == ["verify", "apply"]
    with serving(baked.models, "--admin-token-file", token_file, "--metrics", token_file) as own:
        assert own.ask("/status").json["actions"] == ["verify", "apply", "reconcile"]
    _, with_fetch = fallback(baked, token_file)
    with with_fetch as own:
        assert own.ask("/status").json["actions"] == ["verify", "apply", "fetch"]


def families(text):
    """Prometheus' text format, read strictly: {name: {labels: value}}."""
    found, kinds = {}, {}
    for line in text.splitlines():
        if helped := re.fullmatch(r"# HELP ([a-z_]+) \S.*", line):
            assert helped[1] not in found, line
            found[helped[1]] = {}
        elif typed := re.fullmatch(r"# TYPE ([a-z_]+) (counter|gauge)", line):
            assert list(found)[-1] == typed[1] and typed[1] not in kinds, line
            kinds[typed[1]] = typed[2]
            assert (typed[2] == "counter") == typed[1].endswith("_total"), line
        else:
            sample = re.fullmatch(r'([a-z_]+)(\{[a-z]+="[a-z0-9]+"\})? (\d+(?:\.\d+)?)', line)
            assert sample and sample[1] == list(kinds)[-1] and sample[2] not in found[sample[1]], line
            found[sample[1]][sample[2]] = float(sample[3])
    assert set(found) == set(kinds) and text.endswith("\n")
    return found


def test_metrics_are_in_the_text_format(server):
    before = families(server.ask("/metrics").body.decode())
    server.ask("/model-info", "HEAD")
    server.ask("/nothing")
    after = families(server.ask("/metrics").body.decode())
    assert after["bake_http_requests_total"][None] == before["bake_http_requests_total"][None] + 3
    assert sum(after["bake_http_responses_total"].values()) == after["bake_http_requests_total"][None]


def test_metrics(server):
    server.ask("/model-info")
    server.ask("/nothing")
    text = server.ask("/metrics").body.decode()
    assert 'bake_http_responses_total{code="200"} 1\n' in text
    assert 'bake_http_responses_total{code="404"} 1\n' in text
    assert 'bake_models{status="baked"} 1\n' in text and "bake_models_bytes 5000\n" in text
    for line in text.splitlines():
        assert line.startswith("# ") or len(line.split()) == 2, line


def test_storage(server):
    reply = server.ask("/storage").json
    assert reply["total"] > reply["free"] > 0 and "fallback" not in reply


def test_estimate_is_that_of_the_command(place, hub):
    facts = {"block_count": 4, "context_length": 2048, "embedding_length": 256,
             "feed_forward_length": 512, "attention.head_count": 8, "attention.head_count_kv": 2}
    data = gguf({f"llama.{name}": ("u32", value) for name, value in facts.items()},
                {f"blk.{n}.attn_q.weight": ([256, 256], 0, 262144) for n in range(4)})
    hub.add("org/name", {"a.gguf": data})
    place.baked({"one": hub_model(files=[{"name": "a.gguf"}], path="one")})
    asked = {"context": "1024", "engine": "llama.cpp", "gpu_memory": "1GiB"}
    with serving(place.models) as server:
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        got = server.ask(f"/estimate?model=one&{query}").json
    args = [f"--{name.replace('_', '-')}={value}" for name, value in asked.items()]
    said = ok(run("bake-index", "estimate", "one", "-d", place.models, *args, "--json")).json
    assert got["parts"][0]["known"] is True and got["parts"] == said["parts"]
    assert {k: v for k, v in got.items() if k != "sources"} == \
        {k: v for k, v in said.items() if k != "sources"}


def test_estimate(server):
    reply = server.ask("/estimate?model=one&context=4096&engine=llama.cpp").json
    assert reply["ok"] is True and reply["model"] == "one" and reply["engine"] == "llama.cpp"
    assert reply["parts"] and "facts" in reply


@pytest.mark.parametrize("query, status, error", [
    ("", 400, "usage.arguments"),
    ("model=none", 404, "index.unknown-model"),
    ("model=one&model=one", 400, "usage.value"),
    ("model=one&context=0", 400, "usage.value"),
    ("model=one&context=-1", 400, "usage.value"),
    ("model=one&context=99999999999999999999", 400, "usage.value"),
    ("model=one&engine=sglang", 400, "usage.value"),
    ("model=one&wrong=1", 400, "usage.option"),
    ("model=one&gpu_memory_utilization=1.5", 400, "usage.value"),
    ("model=one&solve=context", 400, "usage.conflict"),
    ("model=%00", 400, "usage.value"),
    ("model=%zz", 400, "usage.value"),
    ("model=%ff", 400, "usage.value"),
    ("model=" + "a" * 600, 400, "usage.value"),
])
def test_estimate_refuses(server, query, status, error):
    reply = server.ask(f"/estimate?{query}")
    assert (reply.status, reply.json["error"]) == (status, error)


def test_page(server):
    reply = server.ask("/")
    assert reply.status == 200 and reply.headers["content-type"] == "text/html; charset=utf-8"
    assert b"<html" in reply.body
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy
    assert "unsafe" not in policy and "*" not in policy


def test_settings(place, hub):
    nunchaku(place, hub, ["r128-8", "r128"])
    with serving(place.models) as server:
        before = server.ask("/model-info")
        config = before.json["model_config"]
        reply = server.post("/model-config", {"default_steps": 4, "default_rank": 64, "other": [1],
                                              "enable_cpu_offload": False})
        assert reply.status == 200
        assert reply.json == {**config, "default_steps": 4, "enable_cpu_offload": False}
        after = server.ask("/model-info")
        assert after.json["model_config"] == reply.json and after.json["default_steps"] == 4
        assert after.headers["etag"] != before.headers["etag"]
        for steps in (0, 51, -5, 2**40):
            assert server.post("/model-config", {"default_steps": steps}).json == reply.json
        for body in ({"default_steps": "8"}, {"memory_optimization": 1}, [], {"default_rank": 1.5}):
            assert server.post("/model-config", body).status == 422
        assert server.post("/model-config", {}).json == reply.json
        assert server.post("/model-config", {key: None for key in config}).json == reply.json
        assert server.ask("/model-config", "POST", b"{}").status == 415
    assert "default_rank 64 ignored" in server.log and "default_steps 51 ignored" in server.log
    with serving(place.models) as server:
        assert server.ask("/model-info").json["model_config"] == config


# Representations


def test_head_is_get_without_a_body_118(server):
    for path in ("/model-info", "/v1/models", "/metrics", "/", "/nothing"):
        get, bare = server.ask(path), server.ask(path, "HEAD")
        skip = ("date", "content-length") if path == "/metrics" else ("date",)
        assert bare.body == b"" and bare.status == get.status
        assert {k: v for k, v in bare.headers.items() if k not in skip} == \
            {k: v for k, v in get.headers.items() if k not in skip}


def test_entity_tag(server):
    reply = server.ask("/model-info")
    tag = reply.headers["etag"]
    assert tag[0] == tag[-1] == '"' and reply.headers["cache-control"] == "no-cache"
    for match in (tag, f"W/{tag}", f'"x", {tag}', "*", f' {tag} , "y"'):
        same = server.ask("/model-info", headers={"If-None-Match": match})
        assert same.status == 304 and same.body == b"" and same.headers["etag"] == tag, match
    for match in ('"x"', tag[1:-1], tag[:-2], "", "W/"):
        assert server.ask("/model-info", headers={"If-None-Match": match}).status == 200, match


def test_gzip_where_it_is_asked_for(server):
    plain = server.ask("/model-info")
    assert plain.headers["vary"] == "Accept-Encoding" and "content-encoding" not in plain.headers
    for asked in ("gzip", "br, gzip;q=0.5", "*", "GZIP", "deflate,gzip"):
        packed = server.ask("/model-info", headers={"Accept-Encoding": asked})
        assert packed.headers["content-encoding"] == "gzip", asked
        assert gzip.decompress(packed.body) == plain.body
        assert packed.headers["etag"] != plain.headers["etag"]
    for asked in ("identity", "gzip;q=0", "br", "*;q=0", "gzip;q=0.0, *", ""):
        assert server.ask("/model-info", headers={"Accept-Encoding": asked}).body == plain.body
    tag = packed.headers["etag"]
    same = {"If-None-Match": tag, "Accept-Encoding": "gzip"}
    assert server.ask("/model-info", headers=same).status == 304


# The index and the files change


def wait_for_json(server, wanted):
    return server.wait("/model-info", lambda reply: wanted(reply.json)).json


def test_replaced_index_is_served_116(server, baked):
    changed(baked, model_name="another")
    info = wait_for_json(server, lambda info: info["model_name"] == "another")
    assert info["stale"] is False


@pytest.mark.parametrize("text", ["", "{", '{"schema": "bake.index/2", "models": []}',
                                  '{"schema": "bake.index/1"}', "\0" * 100])
def test_bad_index_leaves_the_former_116(server, baked, text):
    good = server.ask("/model-info").json
    keep = (baked.models / "model-info.json").read_bytes()
    (baked.models / "model-info.json").write_text(text)
    stale = wait_for_json(server, lambda info: info["stale"])
    assert stale == {**good, "stale": True}
    assert server.ask("/health").json["stale"] is True
    assert "bake_index_stale 1\n" in server.ask("/metrics").body.decode()
    server.said("the former one is kept")
    (baked.models / "model-info.json").write_bytes(keep)
    assert wait_for_json(server, lambda info: not info["stale"]) == good


def test_index_that_goes_away_leaves_the_former_116(server, baked):
    (baked.models / "model-info.json").unlink()
    assert wait_for_json(server, lambda info: info["stale"])["models"]


def test_corrupt_index_at_the_start_116(baked):
    (baked.models / "model-info.json").write_text("{")
    fails(run("bake-serve", "-d", baked.models, "--listen", "127.0.0.1:0"), 65, "json.syntax")
    (baked.models / "model-info.json").unlink()
    fails(run("bake-serve", "-d", baked.models, "--listen", "127.0.0.1:0"), 66, "fs.not-found")


def test_file_that_goes_away_makes_a_required_model_unusable_68(server, baked):
    path = baked.models / "one/a.gguf"
    path.rename(baked.models / "kept")
    health = server.wait("/health", lambda reply: reply.status == 503).json
    assert health["status"] == "unhealthy" and health["models_hidden"] is True
    assert "index says baked, files absent" in health["message"]
    model = server.ask("/model-info/one").json
    assert model["status"] == "missing" and model["problem"] == "index says baked, files absent"
    assert server.ask("/v1/models").json["data"] == []
    assert server.ask("/model-info").status == 200 and server.ask("/ready").status == 503
    (baked.models / "kept").rename(path)
    server.wait("/health", lambda reply: reply.status == 200)
    assert "volume mounted over" in server.log


@pytest.mark.parametrize("change", ["size", "link", "directory"])
def test_file_of_another_kind_or_size_68(server, baked, change):
    path = baked.models / "one/a.gguf"
    data = path.read_bytes()
    path.unlink()
    if change == "size":
        path.write_bytes(data + b"x")
    elif change == "link":
        (baked.path / "elsewhere").write_bytes(data)
        path.symlink_to(baked.path / "elsewhere")
    else:
        path.mkdir()
    # For a moment, there was none.
    server.wait("/model-info/one", lambda reply: reply.json["status"] == "wrong")
    assert server.ask("/health").status == 503


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_volume_over_the_index_is_recognised(baked):
    done = subprocess.run(["unshare", "-m", "sh", "-c", 'mount -t tmpfs none "$1" && exec "$2" -d "$1" '
                           "--listen 127.0.0.1:0", "sh", baked.models, TOOLS / "bake-serve"],
                          capture_output=True, text=True, env=environment(), timeout=60)
    assert done.returncode == 66 and "error[fs.not-found]: index:" in done.stderr
    assert "is a mount point: does a volume hide what was baked there?" in done.stderr
    done = run("bake-serve", "-d", baked.path / "none", "--listen", "127.0.0.1:0")
    assert done.code == 66 and "hint: bake-index build makes it" in done.err


def test_optional_models_do_not_make_it_unhealthy(baked):
    index = baked.index_json
    for model in index["models"]:
        model["required"] = False
    (baked.models / "model-info.json").write_text(json.dumps(index))
    shutil.rmtree(baked.models / "one")
    with serving(baked.models) as server:
        assert server.ask("/health").status == 200


def test_base_model_that_is_gone_is_not_available(place, hub):
    nunchaku(place, hub, ["r128-8", "r128"])
    shutil.rmtree(place.models / "Qwen--Qwen-Image-Edit")
    (place.models / "nunchaku" / NAMES["r128-8"]).unlink()
    with serving(place.models) as server:
        info = server.ask("/model-info").json
    assert info["base_model_available"] is False and info["nunchaku_models"] == [NAMES["r128"]]
    assert info["supported_ranks"] == [128] and info["supported_steps"] == []
    assert info["default_rank"] == 128 and info["default_steps"] == 50


def test_another_index_may_support_less(place, hub):
    nunchaku(place, hub, ["r128-8", "r128"])
    with serving(place.models) as server:
        assert server.post("/model-config", {"default_steps": 40}).json["default_steps"] == 40
        changed(place, max_steps=20, model_version="less")
        info = server.wait("/model-info", lambda reply: reply.json["model_version"] == "less").json
        assert info["default_steps"] == info["model_config"]["default_steps"] == 8


def test_a_damaged_index_is_seen_by_its_tag_116(server, baked):
    """A reply that says stale is another one: a cache must not hold it for the former."""
    before = server.ask("/model-info")
    (baked.models / "new").write_text("{")
    (baked.models / "new").rename(baked.models / "model-info.json")
    tag = {"If-None-Match": before.headers["etag"]}
    reply = server.wait("/model-info", lambda reply: reply.status == 200, headers=tag)
    assert reply.json == {**before.json, "stale": True}
    assert server.ask("/model-info", headers={"If-None-Match": reply.headers["etag"]}).status == 304


# Who may


@pytest.mark.parametrize("path", ["/fetch/two", "/cancel/two", "/reconcile", "/apply/one", "/verify"])
def test_nothing_is_changed_without_a_token(server, baked, token_file, path):
    status = 405 if path == "/verify" else 404
    assert server.post(path).status == status
    assert server.post(path, token=TOKEN).status == status
    with serving(baked.models, "--admin-token-file", token_file) as own:
        for wrong in (None, "x", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "x" * 5000):
            reply = own.post(path, token=wrong)
            assert reply.status == 401 and reply.headers["www-authenticate"].startswith("Bearer")
        assert own.ask(path, "POST", "{}", {"Authorization": f"Basic {TOKEN}"}).status == 401
        assert own.post(path, token=TOKEN).status not in (401, 404, 405)


@pytest.mark.parametrize("text", ["", "short", "a" * 300, "two words are no token here", "ä" * 20])
def test_token_file_that_is_no_token(baked, tmp_path, text):
    (tmp_path / "bad").write_text(text)
    fails(run("bake-serve", "-d", baked.models, "--admin-token-file", tmp_path / "bad"), 64,
          "serve.token")


def test_fallback_is_off_119(baked, token_file):
    with serving(baked.models, "--admin-token-file", token_file) as server:
        reply = server.post("/fetch/two", token=TOKEN)
        assert reply.status == 403 and reply.json["error"] == "serve.fallback-off"
        assert server.post("/fetch/none", token=TOKEN).status == 404


def fallback(baked, token_file, **options):
    where = baked.path / "fallback"
    where.mkdir()
    return where, serving(baked.models, "--admin-token-file", token_file, "--fallback", where, "--lock",
                          baked.lock_path, "--fetch-option=--allow-http", "--fetch-option",
                          f"--endpoint={baked.hub.origin}", **options)


def test_fetch_into_the_fallback_directory_119(baked, token_file):
    before = baked.files()
    where, server = fallback(baked, token_file)
    with server as server:
        assert server.post("/fetch/one", token=TOKEN).json["state"] == "baked"
        reply = server.post("/fetch/two", token=TOKEN)
        assert reply.status == 202 and reply.json["state"] == "queued", reply
        server.wait("/model-info/two", lambda reply: reply.json["status"] == "fallback")
        assert [model["id"] for model in server.ask("/v1/models").json["data"]] == ["one", "two"]
        assert server.post("/fetch/two", token=TOKEN).json["state"] == "fallback"
        assert server.ask("/storage").json["fallback"]["shared"] is True
    assert (where / "two/b.gguf").read_bytes() == noise(6000, 2)
    assert baked.files() == before and not (where / ".bake").exists()


def events(server, wanted, seconds=30):
    """Events until one is as wanted."""
    with server.connect() as sock:
        sock.sendall(head("/events"))
        text, until = b"", time.monotonic() + seconds
        sock.settimeout(seconds)
        while time.monotonic() < until:
            text += sock.recv(65536)
            for line in text.split(b"\n"):
                if line.startswith(b"data: {") and line.endswith(b"}"):
                    event = json.loads(line[6:])
                    if wanted(event):
                        return event, text
    raise AssertionError(text)


def test_one_download_under_many_requests_and_a_failure_leaves_the_server_119(baked, token_file, hub):
    hub.fault("b.gguf", status=404, times=1000)
    _, server = fallback(baked, token_file)
    with server as server:
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            replies = list(pool.map(lambda _: server.post("/fetch/two", token=TOKEN), range(32)))
        assert {reply.status for reply in replies} == {202}
        event, _ = events(server, lambda event: event["tasks"].get("two", {}).get("state") == "failed")
        assert event["tasks"]["two"]["exit_code"] == 69
        assert server.ask("/health").status == 200
        assert server.ask("/model-info/two").json["status"] == "missing"


def test_offline_fetch_fails_119(baked, token_file):
    where = baked.path / "fallback"
    where.mkdir()
    with serving(baked.models, "--admin-token-file", token_file, "--fallback", where, "--lock",
                 baked.lock_path, env={"HF_HUB_OFFLINE": 1}) as server:
        assert server.post("/fetch/two", token=TOKEN).status == 202
        events(server, lambda event: event["tasks"].get("two", {}).get("state") == "failed")
        assert server.ask("/health").status == 200


def test_running_download_is_told_and_cancelled(baked, token_file, hub):
    hub.fault("b.gguf", rate=500, times=1000)
    where, server = fallback(baked, token_file)
    with server as server:
        assert server.post("/cancel/two", token=TOKEN).status == 409
        assert server.post("/fetch/two", token=TOKEN).status == 202
        event, text = events(server, lambda event: event["models"].get("two", {})
                             .get("state") == "downloading")
        state = event["models"]["two"]
        assert state["total"] == 6000 and 0 <= state["progress"] < 1
        assert state["size_text"].endswith("MB") and state["files"] == 1
        assert str(where).encode() not in text and b'"pid"' not in text
        assert server.post("/cancel/two", token=TOKEN).status == 202
        events(server, lambda event: event["tasks"]["two"]["state"] == "cancelled")
        assert server.ask("/model-info/two").json["status"] == "missing"


def test_stopping_ends_the_download(baked, token_file, hub):
    hub.fault("b.gguf", rate=500, times=1000)
    where, server = fallback(baked, token_file)
    with server as server:
        assert server.post("/fetch/two", token=TOKEN).status == 202
        events(server, lambda event: event["models"].get("two", {}).get("state") == "downloading")
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 10
    ok(run("bake-fetch", "-l", baked.lock_path, "-d", where, "--lock-timeout", 1, "--dry-run", "two",
           env={"HF_ENDPOINT": hub.origin}))


def test_quick_check(place, hub, token_file):
    hub.add("org/name", {"notes.txt": noise(5000)})
    place.baked({"one": hub_model(files=[{"name": "notes.txt"}], path="one")})
    with serving(place.models, "--admin-token-file", token_file) as server:
        assert server.ask("/verify").json == {}
        assert server.post("/verify", token=TOKEN).status == 202
        done = server.wait("/verify", lambda reply: reply.json.get("state") == "done")
        report = done.json["report"]
        assert report["ok"] is True and report["quick"] is True and report["verified"] == 1, done
        assert str(place.path).encode() not in done.body
        (place.models / "one/notes.txt").write_bytes(b"x")
        server.post("/verify", token=TOKEN)
        server.wait("/verify", lambda reply: reply.json.get("state") == "done" and
                    not reply.json["report"]["ok"])


def test_apply_and_reconcile(baked, token_file):
    with serving(baked.models, "--admin-token-file", token_file) as server:
        reply = server.post("/apply/one", {"engine": "vllm", "context": 4096}, token=TOKEN)
        assert reply.status == 200 and reply.json["after"] == ["--max-model-len 4096"], reply
        assert server.ask("/model-info/one").json["overrides"], "shown at once"
        for body in ({}, {"engine": "vllm"}, {"engine": "x", "context": 1}, {"context": 1},
                     {"engine": "vllm", "context": 0}, {"engine": "vllm", "contxt": 1}):
            assert server.post("/apply/one", body, token=TOKEN).status in (400, 422), body
        assert server.post("/apply/none", {"engine": "vllm", "context": 1},
                           token=TOKEN).status == 404
        assert server.post("/reconcile", token=TOKEN).json["error"] == "serve.no-metrics"


# What is refused

LONG = "/health?" + "a" * 4096


def test_long_header_112(server):
    assert server.status_of(head("/health", "X: " + "a" * 8300)) == 431
    assert server.status_of(head("/health", "X: " + "a" * 7000)) == 200
    assert server.status_of(head("/health", "X: " + "a" * 200000)) == 431
    assert server.status_of(head("/health", *["X: " + "a" * 50] * 90)) == 200


def test_many_headers_112(server):
    assert server.status_of(head("/health", *["X: a"] * 98)) == 200
    assert server.status_of(head("/health", *["X: a"] * 99)) == 431
    assert server.status_of(head("/health", *["X: a"] * 900)) == 431


def test_long_address_112(server):
    assert server.status_of(head("/health?" + "a" * 4088)) == 200
    assert server.status_of(head("/health?" + "a" * 4089)) == 414
    assert server.status_of(head("/" + "a" * 100000)) == 414


MALFORMED = {
    "bare LF": b"GET /health HTTP/1.1\nHost: localhost\n\n",
    "bare LF behind the request line": b"GET /health HTTP/1.1\nHost: localhost\r\n\r\n",
    "bare LF behind a header": b"GET /health HTTP/1.1\r\nHost: localhost\nA: b\r\n\r\n",
    "bare LF behind the last header": b"GET /health HTTP/1.1\r\nHost: localhost\n\r\n",
    "bare LF as the last line": b"GET /health HTTP/1.1\r\nHost: localhost\r\n\n",
    "bare CR": b"GET /health HTTP/1.1\r\nHost: localhost\rA: b\r\n\r\n",
    "obs-fold with a blank": b"GET /health HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n",
    "obs-fold with a tab": b"GET /health HTTP/1.1\r\nA: b\r\n\tc\r\nHost: localhost\r\n\r\n",
    "obs-fold of the first": b"GET /health HTTP/1.1\r\n A: b\r\nHost: localhost\r\n\r\n",
    "NUL in a value": b"GET /health HTTP/1.1\r\nHost: localhost\r\nA: b\0c\r\n\r\n",
    "NUL in a name": b"GET /health HTTP/1.1\r\nHost: localhost\r\nA\0: b\r\n\r\n",
    "NUL in the address": b"GET /health\0x HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "blank before the colon": b"GET /health HTTP/1.1\r\nHost: localhost\r\nA : b\r\n\r\n",
    "no colon": b"GET /health HTTP/1.1\r\nHost: localhost\r\nAb\r\n\r\n",
    "no name": b"GET /health HTTP/1.1\r\nHost: localhost\r\n: b\r\n\r\n",
    "two blanks": b"GET  /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a blank in the address": b"GET /hea lth HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a blank behind the version": b"GET /health HTTP/1.1 \r\nHost: localhost\r\n\r\n",
    "no version": b"GET /health\r\nHost: localhost\r\n\r\n",
    "no Host": b"GET /health HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
    "a control character": b"GET /health HTTP/1.1\r\nHost: localhost\r\nA: b\x01\r\n\r\n",
    "method with a colon": b"G:T /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("pieces", [1, 7])
@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_112(server, name, pieces):
    got = server.raw(MALFORMED[name], pieces)
    assert got.startswith(b"HTTP/1.1 400 ") or not got, got
    assert got.count(b"\r\nDate: ") <= 1
    assert server.ask("/health").status == 200


@pytest.mark.parametrize("version", ["HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/9.9", "http/1.1"])
def test_other_versions_112(server, version):
    got = server.raw(head(version=version))
    assert not got.startswith(b"HTTP/1.1 200"), got


@pytest.mark.parametrize("path", [
    "/../etc/passwd", "/%2e%2e/etc/passwd", "//", "//health", "/health/", "/health//", "/./health",
    "/Health", "/health%00", "/health%2f", "http://localhost/health", "/model-info/../health",
    "/model-info/%2e%2e", "/model-info/", "/model-info//one", "/model-info/one/", "/model-info/..",
    "/page/../index.html", "/page/", "/page", "/.bake/state.json", "/model-info.json", "*", "health",
    "/proc/self/environ", "/model-info/one%20", "/index.html", "/health#x", "/\xe4"])
def test_only_what_is_in_the_table_is_found_113(server, path):
    assert server.status_of(head(path)) == 404


def test_query_of_a_route_without_one_is_ignored_113(server):
    assert server.status_of(head("/health?a=../../etc/passwd&%00")) == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "PATCH", "OPTIONS", "PROPFIND"])
def test_other_methods_114(server, method):
    got = server.raw(head("/model-info", method=method))
    assert got.startswith(b"HTTP/1.1 405 ") and b"\r\nAllow: GET, HEAD\r\n" in got
    got = server.raw(head("/model-config", method=method))
    assert got.startswith(b"HTTP/1.1 405 ") and b"\r\nAllow: POST\r\n" in got


def test_connect_114(server):
    assert server.status_of(head("example.org:443", method="CONNECT")) == 404
    assert server.status_of(b"POST /model-info HTTP/1.1\r\nHost: localhost\r\n"
                            b"Content-Length: 0\r\n\r\n") == 405


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("data, status", [
    (head("/health", "Content-Length: 46") + SMUGGLED, 400),
    (head("/health", "Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
    (head("/api/show", "Transfer-Encoding: chunked", "Content-Length: 5", method="POST") +
     b"0\r\n\r\n" + SMUGGLED, 400),
    (head("/api/show", "Transfer-Encoding: chunked", method="POST") + b"0\r\n\r\n", 411),
    (head("/api/show", "Transfer-Encoding: x, chunked", method="POST") + b"0\r\n\r\n", 411),
    (head("/api/show", method="POST"), 411),
    (head("/api/show", "Content-Length: 2", "Content-Length: 3", method="POST") + b"{} ", 400),
    (head("/api/show", "Content-Length: 2", "Content-Length: 2", method="POST") + b"{}", 400),
    (head("/api/show", "Content-Length: +2", method="POST") + b"{}", 400),
    (head("/api/show", "Content-Length: 2,2", method="POST") + b"{}", 400),
    (head("/api/show", "Content-Length: 0x2", method="POST") + b"{}", 400),
    (head("/api/show", "Content-Length: -2", method="POST") + b"{}", 400),
    (head("/api/show", "Content-Length : 2", method="POST") + b"{}", 400),
    (head("/api/show", "Content-Length:", method="POST") + b"{}", 400),
    (head("/api/show", "Content-Length: 2\x00", method="POST") + b"{}", 400),
    (head("/api/show", "Content_Length: 2", method="POST") + b"{}" + SMUGGLED, 411),
    (head("/health", "Transfer-Encoding:\x0bchunked") + b"0\r\n\r\n" + SMUGGLED, 400),
    (head("/health", "Transfer-Encoding : chunked") + b"0\r\n\r\n" + SMUGGLED, 400),
    (head("/health", "Transfer-Encoding: identity") + SMUGGLED, 400),
    (head("/health", "Transfer-Encoding:") + SMUGGLED, 400),
    (head("/health", "transfer-encoding: CHUNKED", "content-length: 0") + SMUGGLED, 400),
    (head("/health", "X: a\r\n Transfer-Encoding: chunked") + SMUGGLED, 400),
    (head("/health", "X: a\rTransfer-Encoding: chunked") + SMUGGLED, 400),
    (head("/health", "X: a\nContent-Length: 45") + SMUGGLED, 400),
    (head("/api/show", "Content-Length: 65537", method="POST"), 413),
    (head("/api/show", "Content-Length: 99999999999999999999999", method="POST"), 413),
])
def test_bodies_114(server, data, status):
    got = server.raw(data.replace(b"Connection: close\r\n", b""))
    assert got.startswith(b"HTTP/1.1 %d " % status), got
    # libmicrohttpd sends the header of its own refusals of Content-Length twice: so not the count.
    assert b" 404 " not in got, "it closes: what follows is no request"


def test_expect_continue(server):
    body = json.dumps({"model": "one"}).encode()
    with server.connect() as sock:
        sock.sendall(head("/api/show", "Expect: 100-continue", f"Content-Length: {len(body)}",
                          method="POST"))
        assert receive(sock, b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        sock.sendall(body)
        assert receive(sock).startswith(b"HTTP/1.1 200 ")


def test_slow_header_111(server):
    """The time for a header is that for all of it: a byte now and then does not buy more."""
    with server.connect() as sock:
        sock.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ")
        sock.settimeout(0.5)
        began, got = time.monotonic(), b""
        while time.monotonic() - began < 40:
            try:
                sock.sendall(b"a")
                piece = sock.recv(1000)
                got += piece
                if not piece:
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            pytest.fail("it is still there")
    assert got.startswith(b"HTTP/1.1 408 "), got
    assert server.ask("/health").status == 200


def test_slow_body_111(server):
    with server.connect() as sock:
        sock.sendall(head("/api/show", "Content-Length: 1000", method="POST"))
        began = time.monotonic()
        while time.monotonic() - began < 40:
            try:
                sock.sendall(b"{")
                sock.settimeout(0.5)
                if piece := sock.recv(1000):
                    assert piece.startswith(b"HTTP/1.1 408 ")
                break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            pytest.fail("it is still there")


def test_connection_without_a_request_is_closed_111(server):
    with server.connect() as sock:
        assert receive(sock).startswith(b"HTTP/1.1 408 ")


def test_pipelined_requests_115(server):
    count = 2000
    request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with server.connect() as sock:
        sender = threading.Thread(target=sock.sendall, args=(request * count + head(),))
        sender.start()
        got = receive(sock)
        sender.join()
    assert got.count(b"HTTP/1.1 200 OK\r\n") == count + 1


def test_eleven_hundred_connections_and_no_descriptor_is_left_115(server):
    server.ask("/health")
    before = server.descriptors()
    socks = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(1100)]
    for sock in socks[::2]:
        sock.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
    assert server.ask("/health").status == 200
    for number, sock in enumerate(socks):
        if number % 3 == 0:  # a reset
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    until = time.monotonic() + 30
    while server.descriptors() > before and time.monotonic() < until:
        time.sleep(0.1)
    assert server.descriptors() <= before


def test_too_many_connections_are_told_so_115(baked):
    with serving(baked.models, "--max-connections", 5) as server:
        socks = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(5)]
        server.wait("/health", lambda reply: reply.status == 503 and "retry-after" in reply.headers)
        for sock in socks:
            sock.close()
        server.wait("/health", lambda reply: reply.status == 200)


def test_survives_having_no_descriptors_115(baked):
    limit = (60, 60)
    with serving(baked.models, preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit)) \
            as server:
        socks = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(150)]
        time.sleep(0.5)
        assert server.process.poll() is None
        for sock in socks:
            sock.close()
        server.wait("/health", lambda reply: reply.status == 200)


@pytest.mark.parametrize("host, status", [
    ("localhost", 200), ("LOCALHOST:1", 200), ("127.0.0.1:8000", 200), ("[::1]:80", 200),
    ("127.1.2.3", 200), ("a.localhost", 200), ("localhost.", 200), ("evil.example", 421),
    ("127.0.0.1.evil.example", 421), ("evil.example:8000", 421), ("10.0.0.1", 421), ("[::2]", 421),
    ("localhost:99999", 421), ("localhost:x", 421), ("[::1", 421), ("a b", 421), ("", 421),
    ("localhost@evil", 421), ("localhost,evil", 421), ("xlocalhost", 421)])
def test_host_117(server, host, status):
    data = f"GET /health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    assert server.status_of(data) == status


def test_allowed_hosts_117(baked):
    with serving(baked.models, "--allow-host", "models.example", "--allow-host", "b") as server:
        for host, status in (("models.example:80", 200), ("B", 200), ("c", 421), ("localhost", 200)):
            assert server.status_of(head(host=host)) == status
    with serving(baked.models, "--allow-host", "*") as server:
        assert server.status_of(head(host="anything.example")) == 200


def test_no_other_site_117(server):
    reply = server.ask("/model-info", headers={"Origin": "http://evil.example"})
    assert not [name for name in reply.headers if name.startswith("access-control-")]
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"
    for origin in ("http://evil.example", "null", "http://localhost.evil.example", "x"):
        reply = server.post("/model-config", {}, headers={"Origin": origin})
        assert reply.status == 403, origin
    own = f"http://127.0.0.1:{server.port}"
    assert server.post("/model-config", {}, headers={"Origin": own}).status == 200
    for origin in (f"{own}0", "http://127.0.0.1", "http://127.0.0.1:1", f"http://localhost:{server.port}",
                   f"http://[::1]:{server.port}", f"{own}/", f"x{own}"):
        reply = server.post("/model-config", {}, headers={"Origin": origin})
        assert reply.status == 403, origin


def test_default_address_is_loopback_117():
    help_text = ok(run("bake-serve", "--help")).out
    assert "127.0.0.1:8000" in help_text


def test_replies_have_no_path_of_the_machine_no_query_no_environment_118(place, token_file, hub):
    hub.add("org/name", {"a.gguf": noise(5000)})
    place.baked({"one": hub_model(files=[{"name": "a.gguf"}], path="one")})
    index = place.index_json
    index["models"][0]["source"] = {"url": "https://user:pw@host.example/x?sig=CANARY1#f"}
    (place.models / "model-info.json").write_text(json.dumps(index))
    with serving(place.models, "--admin-token-file", token_file,
                 env={"HF_TOKEN": "CANARY2", "SECRET": "CANARY3"}) as server:
        server.post("/verify", token=TOKEN)
        server.wait("/verify", lambda reply: reply.json.get("state") == "done")
        bodies = [server.ask(path).body for path in (
            "/model-info", "/model-info/one", "/health", "/status", "/v1/models", "/api/tags", "/info",
            "/metrics", "/storage", "/verify", "/nothing", "/estimate?model=one", "/estimate")]
        bodies.append(server.post("/api/show", {"model": "one"}).body)
        bodies.append(server.post("/apply/one", {"engine": "vllm"}, token=TOKEN).body)
        bodies.append(server.post("/reconcile", token=TOKEN).body)
        for reply in (server.ask("/model-info"), server.ask("/nothing")):
            assert reply.headers["x-content-type-options"] == "nosniff"
            assert "default-src 'none'" in reply.headers["content-security-policy"]
            assert "server" not in reply.headers
    assert json.loads(bodies[1])["source"] == {"url": "https://host.example/x"}
    for body in bodies:
        for secret in (b"CANARY", b"user:pw", str(place.path).encode(), TOKEN.encode()):
            assert secret not in body, body


def test_what_a_runtime_logged_is_told_without_its_secrets_118(baked, token_file):
    log = baked.path / "log"
    log.write_text(json.dumps({"model": "one", "timestamp": "2025-01-01T00:00:00Z", "payload": {
        "metrics": {"configured_max_model_len": 4096, "path": f"{baked.path}/x",
                    "list": [f"{baked.path}/y", {"u": "https://a:b@h/p?CANARY=1"}]},
        "extra_args": ["--api-key", "CANARY", "--download-dir", str(baked.path)]}}) + "\n")
    with serving(baked.models, "--admin-token-file", token_file, "--metrics", log) as server:
        assert server.post("/reconcile", token=TOKEN).json["models"] == {"one": "new"}
        reply = server.ask("/model-info/one")
        assert reply.json["architecture"]["runtime"] == {
            "configured_max_model_len": 4096, "path": "x", "list": ["y", {"u": "https://h/p"}],
            "observed_at": "2025-01-01T00:00:00Z"}
        for path in ("/model-info", "/v1/models", "/estimate?model=one"):
            body = server.ask(path).body
            assert b"CANARY" not in body and str(baked.path).encode() not in body


def test_source_that_is_written_with_escapes_118(baked):
    text = json.dumps({**baked.index_json["models"][0], "source": {"url": "URL", "file": "FILE"}})
    text = text.replace('"URL"', r'"https:\/\/u:p@h\/x?y"').replace('"FILE"', r'"\/a\u002fb\/c d"')
    index = {**baked.index_json, "models": ["MODEL"]}
    (baked.models / "model-info.json").write_text(json.dumps(index).replace('"MODEL"', text))
    with serving(baked.models) as server:
        source = server.ask("/model-info/one").json["source"]
    assert source == {"url": "https://h/x", "file": "c d"}


@pytest.mark.parametrize("condition", [
    "baked", "fallback", "absent", "longer", "link", "directory", "link above", "nothing there"])
def test_status_is_what_a_probe_of_the_files_says_68(baked, tmp_path, condition):
    """The same words as libbake's origins, and what it calls absent and wrong."""
    path, elsewhere = baked.models / "one/a.gguf", tmp_path / "fallback"
    (elsewhere / "one").mkdir(parents=True)
    data = path.read_bytes()
    if condition != "baked":
        path.unlink()
    if condition == "fallback":
        (elsewhere / "one/a.gguf").write_bytes(data)
    elif condition == "longer":
        path.write_bytes(data + b"x")
    elif condition == "link":
        (tmp_path / "x").write_bytes(data)
        path.symlink_to(tmp_path / "x")
    elif condition == "directory":
        path.mkdir()
    elif condition == "link above":
        (tmp_path / "one").mkdir()
        (tmp_path / "one/a.gguf").write_bytes(data)
        path.parent.rmdir()
        path.parent.symlink_to(tmp_path / "one")
    elif condition == "nothing there":
        path.parent.rmdir()
    wanted = {"baked": "baked", "fallback": "fallback", "absent": "missing",
              "nothing there": "missing"}.get(condition, "wrong")
    with serving(baked.models, "--fallback", elsewhere) as server:
        assert server.ask("/model-info/one").json["status"] == wanted
        assert server.ask("/health").status == (200 if wanted in ("baked", "fallback") else 503)


# Beginning and ending


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_when_asked(baked, number):
    with serving(baked.models) as server:
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
        stream = socket.create_connection(("127.0.0.1", server.port))
        stream.sendall(head("/events"))
        receive(stream, b"data:")
        assert server.stop(number) == 0
        for sock in idle:
            sock.close()
        stream.close()


def test_killed_and_started_again(baked, tmp_path):
    path = tmp_path / "s.sock"
    for _ in range(3):
        with serving(baked.models, listen=f"unix:{path}") as server:
            ok(run("bake-serve", "--probe", f"unix:{path}"))
            server.process.kill()
            server.process.wait()
    fails(run("bake-serve", "--probe", f"unix:{path}"), 75, "serve.no-answer")


def test_unix_socket(baked, tmp_path):
    path = tmp_path / "s.sock"
    with serving(baked.models, listen=f"unix:{path}"):
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as sock:
            sock.connect(str(path))
            sock.sendall(head("/model-info"))
            assert receive(sock).startswith(b"HTTP/1.1 200 ")
        fails(run("bake-serve", "-d", baked.models, "--listen", f"unix:{path}"), 73, "serve.address")
    assert not path.exists()
    path.write_text("not a socket")
    fails(run("bake-serve", "-d", baked.models, "--listen", f"unix:{path}"), 73, "serve.address")
    assert path.read_text() == "not a socket"


def test_address_that_is_taken(server, baked):
    fails(run("bake-serve", "-d", baked.models, "--listen", f"127.0.0.1:{server.port}"), 73,
          "serve.address")


@pytest.mark.parametrize("listen", ["8000", "localhost", ":8000", "a:b", "127.0.0.1:70000", "::1:80",
                                    "unix:relative", "unix:/" + "a" * 200, "[::1]", "-1:2"])
def test_no_address(baked, listen):
    fails(run("bake-serve", "-d", baked.models, "--listen", listen), 64, "usage.value")


def test_probe(server, baked):
    url = f"http://127.0.0.1:{server.port}"
    assert ok(run("bake-serve", "--probe", f"{url}/health")).out == ""
    assert ok(run("bake-serve", "--probe", url)).out == ""
    assert ok(run("bake-serve", "-q", "--probe", f"{url}/")).out == ""
    fails(run("bake-serve", "--probe", f"{url}/nothing"), 69, "serve.unhealthy")
    shutil.rmtree(baked.models / "one")
    server.wait("/health", lambda reply: reply.status == 503)
    fails(run("bake-serve", "--probe", url), 69, "serve.unhealthy")
    server.stop()
    fails(run("bake-serve", "--probe", url), 75, "serve.no-answer")


def test_probe_of_what_is_silent_or_no_server(tmp_path):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        fails(run("bake-serve", "--probe-timeout", "0.3", "--probe", url), 75, "serve.no-answer")

        def answer():
            sock, _ = listener.accept()
            with contextlib.suppress(OSError):
                sock, _ = listener.accept()
                sock.sendall(b"SSH-2.0-OpenSSH_9\r\n")
                sock.close()

        thread = threading.Thread(target=answer)
        thread.start()
        fails(run("bake-serve", "--probe", url), 76, "serve.protocol")
        thread.join()


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "127.0.0.1:8000", "http://", "http://a b/",
                                 "unix:x", "ftp://x/", "http://127.0.0.1:x/"])
def test_probe_of_no_url(url):
    fails(run("bake-serve", "--probe", url), 64, "usage.value")


def test_event_stream(server):
    with server.connect() as sock:
        sock.sendall(head("/events"))
        got = receive(sock, b'"tasks"')
    assert b"Content-Type: text/event-stream\r\n" in got
    assert b'event: state\ndata: {"schema": "bake.state/1", "state": "idle"' in got


def test_state_of_somebody_elses_fetch(server, baked):
    """bake-fetch into the models directory is seen as well; paths of this machine are not told."""
    work = baked.models / ".bake"
    work.mkdir()
    (work / "new").write_text(json.dumps({
        "schema": "bake.state/1", "pid": 5, "models": {"two": {
            "state": "failed", "message": f"'{baked.models}/two/b.gguf': No space left on device"}}}))
    (work / "new").rename(work / "state.json")
    event, text = events(server, lambda event: "two" in event["models"])
    assert event["models"]["two"]["message"] == "'b.gguf': No space left on device"
    assert str(baked.path).encode() not in text and "pid" not in event


def test_revision_is_told_when_the_index_is_another_one_116(server, baked):
    first, _ = events(server, lambda event: "revision" in event)
    changed(baked, model_name="Another")
    server.wait("/model-info", lambda reply: reply.json["model_name"] == "Another")
    second, _ = events(server, lambda event: event["revision"] != first["revision"])
    (baked.models / "one/a.gguf").unlink()
    events(server, lambda event: event["revision"] != second["revision"])


def test_a_fetch_that_was_killed_is_not_running(server, baked):
    work = baked.models / ".bake"
    work.mkdir()

    def tell(age):
        (work / "new").write_text(json.dumps({"schema": "bake.state/1", "state": "downloading",
                                              "models": {"two": {"state": "downloading"}}}))
        os.utime(work / "new", (time.time() - age,) * 2)
        (work / "new").rename(work / "state.json")

    with open(work / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tell(60)
        events(server, lambda event: "two" in event["models"])
        fcntl.flock(lock, fcntl.LOCK_UN)
        event, _ = events(server, lambda event: "two" not in event["models"])
        assert event["state"] == "idle"
        tell(0)
        events(server, lambda event: "two" in event["models"])


def test_too_many_listeners(server):
    socks = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(64)]
    for sock in socks:
        sock.sendall(head("/events"))
        receive(sock, b"data:")
    assert server.status_of(head("/events")) == 503
    for sock in socks:
        sock.close()


@pytest.mark.parametrize("threads", [1, 4])
def test_it_ends_well_while_connections_come_and_go(baked, threads):
    """What wakes its threads just then is no reason to end in another way."""
    for _ in range(10):
        over = threading.Event()

        def ask_on(server):
            while not over.is_set():
                with contextlib.suppress(OSError, http.client.HTTPException):
                    server.ask("/health")

        with serving(baked.models, "--threads", str(threads)) as server:
            clients = [threading.Thread(target=ask_on, args=(server,)) for _ in range(4)]
            for client in clients:
                client.start()
            try:
                time.sleep(0.05)
                assert server.stop() == 0, server.log
            finally:
                over.set()
                for client in clients:
                    client.join()
