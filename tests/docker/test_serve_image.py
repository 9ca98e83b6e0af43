# SPDX-License-Identifier: Apache-2.0
"""The target "serve", and docker/compose.yaml that runs it: containers that are asked over HTTP."""
import contextlib
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
import uuid

import pytest
import yaml

from conftest import ROOT
from models import gguf_weights
from test_image import hub_arguments, lock, manifest

SERVE = "/usr/local/bin/bake-serve"
TOKEN = "a-token-that-is-long-enough"
# What the API has always answered, and what a typed client of it asks.
KEYS = {"model_name": str, "model_version": str, "supported_ranks": [int], "supported_steps": [int],
        "default_rank": int, "default_steps": int, "max_steps": int, "gpu_memory_usage": str,
        "base_model_available": bool, "nunchaku_models": [str], "model_config": dict}


def has_type(value, kind):
    if isinstance(kind, list):
        return type(value) is list and all(type(item) is kind[0] for item in value)
    return type(value) is kind


def ask(port, path, method="GET", host="localhost", token=None):
    """The status and what the reply says."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Host": host, **({"Authorization": f"Bearer {token}"} if token else {})}
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def wait(get, wanted, say=lambda: "", seconds=60):
    """What get gives, once it is as wanted. A server that is not there yet is asked again."""
    until, last = time.monotonic() + seconds, None
    while time.monotonic() < until:
        try:
            last = get()
            if wanted(last):
                return last
        except (OSError, http.client.HTTPException) as error:
            last = error
        time.sleep(0.1)
    raise AssertionError(f"{last}\n{say()}")


class Container:
    def __init__(self, engine, name):
        self.engine, self.name = engine, name

    def inspect(self):
        return json.loads(self.engine.run("inspect", self.name).stdout)[0]

    @property
    def log(self):
        done = self.engine.run("logs", self.name, check=False)
        return done.stdout + done.stderr

    @property
    def port(self):
        return int(self.engine.run("port", self.name, "8000").stdout.split(":")[-1])

    def ask(self, path, *args, **more):
        return wait(lambda: ask(self.port, path, *args, **more), lambda reply: True,
                    lambda: self.log)

    def becomes(self, health):
        wait(lambda: self.inspect()["State"]["Health"]["Status"], lambda state: state == health,
             lambda: self.inspect()["State"]["Health"])


@pytest.fixture(scope="module")
def image(engine, tools):
    return engine.build(target="serve", TOOLS_IMAGE=tools).tag


@pytest.fixture(scope="module")
def network(engine):
    name = f"modelbake-test-{uuid.uuid4().hex[:12]}"
    engine.run("network", "create", name)
    yield name
    engine.run("network", "rm", name)


@pytest.fixture
def start(engine, network):
    """Containers as they should be run: no capability, nothing to write to."""
    names = []

    def run(tag, *args, options=()):
        names.append(f"modelbake-test-{uuid.uuid4().hex[:12]}")
        engine.run("run", "-d", "--name", names[-1], "--network", network, "-p",
                   "127.0.0.1::8000", "--read-only", "--cap-drop", "ALL", "--security-opt",
                   "no-new-privileges", "--health-interval", "1s", "--health-start-period", "1s",
                   *options, tag, *args)
        return Container(engine, names[-1])

    yield run
    for name in names:
        engine.run("rm", "-f", "-v", name, check=False)


# The image.

def test_has_the_models_of_the_other_image_and_no_system(engine, tools, image):
    saved = engine.image(image)
    runtime = engine.image(engine.build(TOOLS_IMAGE=tools).tag)
    assert saved.diff_ids[:5] == runtime.diff_ids[-5:]  # one layer in a registry, for both
    names = {name for layer in range(len(saved.layers)) for name in saved.entries(layer)}
    outside = {name for name in names if not name.startswith("app/models/")}
    assert outside == {
        "app", "app/models", "app/models.lock.json", "usr", "usr/local", "usr/local/bin",
        "usr/local/bin/bake-verify", "usr/local/bin/verify_models", "usr/local/bin/bake-index",
        "usr/local/bin/bake-serve", "usr/local/bin/bake-fetch", "etc", "etc/ssl", "etc/ssl/certs",
        "etc/ssl/certs/ca-certificates.crt", "var", "var/lib", "var/lib/bake"}
    lock_text = saved.content(4, "app/models.lock.json")
    assert lock_text == (ROOT / "manifests/demo.lock.json").read_bytes()
    for name, entry in saved.entries(5).items():
        owner = 65532 if name == "var/lib/bake" else 0
        assert (entry.mtime, entry.uid, entry.gid) == (0, owner, owner), name


def test_configuration(engine, image):
    config = engine.image(image).config["config"]
    assert config["User"] == "65532:65532" and "8000/tcp" in config["ExposedPorts"]
    assert config["Entrypoint"] == [SERVE, "--listen", "0.0.0.0:8000"]
    assert config["Healthcheck"]["Test"] == ["CMD", SERVE, "--probe", "http://127.0.0.1:8000"]
    assert {"MODEL_CACHE_DIR=/app/models", "BAKE_FALLBACK_DIR=/var/lib/bake"} <= set(config["Env"])


# A container.

def test_model_info_has_the_keys_and_types_of_the_api(engine, image, start):
    server = start(image)
    status, info = server.ask("/model-info")
    assert status == 200
    for key, kind in KEYS.items():
        assert has_type(info[key], kind), (key, info[key])
    assert info["model_name"] == "Demo Image Edit" and info["model_version"] == "lightningv1.0"
    assert (info["supported_ranks"], info["supported_steps"]) == ([32], [4])
    assert (info["default_rank"], info["default_steps"], info["max_steps"]) == (32, 4, 50)
    assert info["base_model_available"] is True and len(info["nunchaku_models"]) == 1
    assert {"default_steps": 4, "default_rank": 32, "enable_cpu_offload": True}.items() <= \
        info["model_config"].items()
    # And otherwise it is the index, byte for byte what a program finds in the file.
    index = json.loads(engine.image(image).content(4, "app/models/model-info.json"))
    assert info.pop("gpu_memory_usage") == "N/A" and info.pop("stale") is False
    assert info == index
    server.becomes("healthy")


def test_the_json_alone_says_what_the_server_does(engine, image, start, tmp_path):
    """A server of one's own reads the file of the image and answers the same."""
    (tmp_path / "model-info.json").write_bytes(
        engine.image(image).content(4, "app/models/model-info.json"))
    done = subprocess.run([sys.executable, ROOT / "examples/python_json.py"], check=True,
                          env={**os.environ, "MODEL_CACHE_DIR": str(tmp_path)}, capture_output=True)
    said = json.loads(done.stdout)
    info = start(image).ask("/model-info")[1]
    assert said.pop("gpu_memory_usage") is None  # only a server with a model in a GPU knows it
    assert said == {key: info[key] for key in said} and set(KEYS) - set(said) <= {
        "gpu_memory_usage", "base_model_available", "nunchaku_models"}


def test_killed_it_starts_again(engine, image, start):
    server = start(image)
    before = server.ask("/model-info")
    engine.run("kill", server.name)
    assert server.inspect()["State"]["ExitCode"] == 137
    engine.run("start", server.name)
    assert server.ask("/model-info") == before
    server.becomes("healthy")


def test_stopped_it_ends_by_itself(engine, image, start):
    """137 would be that Docker had to kill it."""
    server = start(image)
    server.ask("/health")
    engine.run("stop", "-t", "20", server.name)
    state = server.inspect()["State"]
    assert state["ExitCode"] == 0 and not state["OOMKilled"], server.log


def test_answers_only_to_its_names(image, start):
    server = start(image, "--allow-host", "models")
    assert server.ask("/health")[0] == 200
    assert server.ask("/health", host="models:8000")[0] == 200
    for host in ("evil.example", "0.0.0.0.evil.example", "10.0.0.1"):
        assert server.ask("/health", host=host)[0] == 421


def test_as_another_user(image, start):
    server = start(image, options=["--user", "12345:12345"])
    assert server.ask("/health")[1]["models"]["baked"] == 3


# What a volume hides. A named one would be filled with what is below it: these are not.

def test_a_volume_over_the_models_is_recognised_at_the_start(engine, image, start):
    server = start(image, options=["--mount", "type=tmpfs,dst=/app/models"])
    assert engine.run("wait", server.name).stdout.strip() == "66"
    assert "error[fs.not-found]" in server.log
    assert "is a mount point: does a volume hide what was baked there?" in server.log


def test_a_volume_that_has_only_the_index_is_recognised(engine, image, start, tmp_path):
    (tmp_path / "model-info.json").write_bytes(
        engine.image(image).content(4, "app/models/model-info.json"))
    (tmp_path / "model-info.json").chmod(0o644)
    server = start(image, options=[
        "--health-retries", "1", "--mount", "type=tmpfs,dst=/app/models", "--mount",
        f"type=bind,src={tmp_path}/model-info.json,dst=/app/models/model-info.json,readonly"])
    status, health = server.ask("/health")
    assert status == 503 and health["models_hidden"] is True
    assert "a volume mounted over the models directory?" in health["message"]
    assert "is a volume mounted over the models directory?" in server.log
    assert {model["problem"] for model in server.ask("/model-info")[1]["models"]} == {
        "index says baked, files absent"}
    server.becomes("unhealthy")


def test_a_volume_over_one_model_leaves_the_others(image, start):
    server = start(image, options=["--mount", "type=tmpfs,dst=/app/models/chat"])
    status, health = server.ask("/health")
    assert status == 503 and health["models_hidden"] is False
    assert health["models"]["missing"] == 1 and health["models"]["baked"] == 2
    assert server.ask("/model-info/demo-chat")[1]["problem"] == "index says baked, files absent"


# docker/compose.yaml.

def composer(engine):
    if engine.run("compose", "version", check=False).returncode == 0:
        return [engine.docker, "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


class Project:
    """The file as it is, run under a name of its own; change(service) for what a test must have
    otherwise."""

    def __init__(self, engine, where, image, change=None):
        self.engine, self.where = engine, where
        self.name = f"modelbake-test-{uuid.uuid4().hex[:8]}"
        self.compose = composer(engine)
        if not self.compose:
            pytest.skip("docker: neither its compose plugin nor docker-compose is installed")
        (where / "token").write_text(TOKEN + "\n")
        (where / "token").chmod(0o400)
        os.chown(where / "token", 65532, 65532)
        self.env = {**engine.env, "BAKE_IMAGE": image, "BAKE_PORT": "0",
                    "BAKE_ADMIN_TOKEN_FILE": str(where / "token")}
        self.file = ROOT / "docker/compose.yaml"
        if change:
            content = yaml.safe_load(self.file.read_text())
            change(content["services"]["models"])
            self.file = where / "compose.yaml"
            self.file.write_text(yaml.safe_dump(content))

    def run(self, *args):
        done = subprocess.run([*self.compose, "-p", self.name, "-f", self.file, *args],
                              env=self.env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def container(self):
        return Container(self.engine, self.run("ps", "-q", "models").strip())

    def __enter__(self):
        self.run("up", "-d")
        return self

    def __exit__(self, *exception):
        self.run("down", "-v")


def test_compose_runs_the_image(engine, image, tmp_path):
    with Project(engine, tmp_path, image) as project:
        server = project.container
        status, info = server.ask("/model-info")
        assert status == 200 and set(KEYS) <= set(info)
        assert server.ask("/health", host="models:8000")[0] == 200
        assert server.ask("/health", host="other:8000")[0] == 421
        assert server.ask("/fetch/demo-chat", "POST", token="wrong-token-of-length")[0] == 401
        assert server.ask("/fetch/demo-chat", "POST", token=TOKEN)[1]["state"] == "baked"
        server.becomes("healthy")
        found = server.inspect()
        host = found["HostConfig"]
        assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"]
        assert "no-new-privileges:true" in host["SecurityOpt"]
        assert host["PortBindings"]["8000/tcp"][0]["HostIp"] == "127.0.0.1"
        assert [mount["Destination"] for mount in found["Mounts"] if mount["RW"]] == [
            "/var/lib/bake"]
        engine.run("kill", server.name)  # what somebody kills is not started again by the policy
        engine.run("start", server.name)
        assert server.ask("/model-info")[1] == info
        project.run("stop")
        assert server.inspect()["State"]["ExitCode"] == 0  # in time, and not killed


def test_compose_fetches_what_is_missing_into_its_volume(engine, tools, hub, context, tmp_path):
    """The hub listens on the loopback of this machine, so the container is there, too."""
    hub.add("org/baked", {"a.gguf": gguf_weights(50000, 1)})
    hub.add("org/later", {"b.gguf": gguf_weights(60000, 2)})
    manifest(context, "later", {
        "baked": {"source": {"hub": "org/baked"}, "path": "baked"},
        "later": {"source": {"hub": "org/later"}, "path": "later", "required": False}})
    lock(context, "later", hub)
    image = engine.build(context=context, target="serve", TOOLS_IMAGE=tools, MANIFEST="later",
                         **hub_arguments(hub)).tag

    def change(service):
        del service["ports"]
        service["network_mode"] = "host"
        service["command"] += ["--listen=127.0.0.1:0", "--fetch-option=--allow-http",
                               f"--fetch-option=--endpoint={hub.origin}"]

    def port(container):
        return wait(lambda: re.findall(r"listening on http://127\.0\.0\.1:(\d+)", container.log),
                    bool, lambda: container.log)[-1]

    with Project(engine, tmp_path, image, change) as project:
        server = project.container
        at = port(server)
        assert ask(at, "/model-info/later")[1]["status"] == "missing"
        assert ask(at, "/health")[0] == 200  # it is not required
        status, reply = ask(at, "/fetch/later", "POST", token=TOKEN)
        assert status == 202 and reply["state"] == "queued"
        wait(lambda: ask(at, "/model-info/later")[1]["status"], lambda status: status == "fallback",
             lambda: server.log)
        project.run("down")  # the volume stays
        project.run("up", "-d")
        at = port(project.container)
        assert ask(at, "/model-info/later")[1]["status"] == "fallback"
        names = [model["id"] for model in ask(at, "/v1/models")[1]["data"]]
        assert names == ["baked", "later"]
