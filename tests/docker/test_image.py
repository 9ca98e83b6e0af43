# SPDX-License-Identifier: Apache-2.0
"""The Dockerfile, end to end: from a manifest to a container that can say what is in it."""
import base64
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import time

import pytest

from conftest import ROOT
from hubserver import sha256
from models import gguf_weights

MODELS = range(-5, 0)  # the last five layers: four of models, one of index and tools


def noise(count, seed=1):
    return random.Random(seed).randbytes(count)


def manifest(context, name, models, **more):
    path = context / f"manifests/{name}.json"
    path.write_text(json.dumps({"schema": "bake.manifest/1", "name": name, "models": models,
                                **more}))
    return path


def lock(context, name, hub, *args):
    tools = pathlib.Path(os.environ.get("BAKE_TOOLS", ROOT / "build/dev/tools"))
    subprocess.run([tools / "bake-lock", context / f"manifests/{name}.json", "--endpoint",
                    hub.origin, "--allow-http", *args], check=True, capture_output=True)


def hub_arguments(hub):
    return {"HF_ENDPOINT": hub.origin, "BAKE_FETCH_ARGS": "--allow-http",
            "BAKE_LOCK_ARGS": "--allow-http"}


@pytest.fixture(scope="session")
def demo(engine):
    """The default: tools from source, the demo, no network beyond the packages."""
    return engine.build(LOCK_SHA256="ab" * 32, REVISION="r1").tag


def test_demo_verifies_in_a_container(engine, demo):
    done = engine.in_container(demo, "verify_models")
    assert "14 of 14 files verified" in done.stdout
    tree = engine.in_container(demo, "verify_models", "--list").stdout
    assert "model-00001-of-00002.safetensors (49.4 kB)" in tree
    assert engine.in_container(demo).stdout == tree  # what the image does when it is just run


def test_demo_has_its_index(engine, demo):
    index = json.loads(engine.in_container(demo, "cat", "/app/models/model-info.json").stdout)
    assert index["model_name"] == "Demo Image Edit" and index["supported_ranks"] == [32]
    assert {model["id"]: model["status"] for model in index["models"]} == {
        "demo-chat": "baked", "demo-image-edit": "baked", "demo-nunchaku-r32-4steps": "baked"}
    path = engine.in_container(demo, "bake-index", "path", "--group", "demo-image-edit").stdout
    assert engine.in_container(demo, "test", "-f", path.strip()).returncode == 0


def test_the_index_is_what_the_tools_make_outside(engine, demo, tmp_path):
    tools = pathlib.Path(os.environ.get("BAKE_TOOLS", ROOT / "build/dev/tools"))
    lock_path = ROOT / "manifests/demo.lock.json"
    subprocess.run([tools / "bake-fetch", "-q", "-l", lock_path, "-d", tmp_path], check=True)
    subprocess.run([tools / "bake-index", "build", "-q", "-l", lock_path, "-d", tmp_path],
                   check=True)
    inside = engine.in_container(demo, "cat", "/app/models/model-info.json").stdout
    assert inside == (tmp_path / "model-info.json").read_text()


def test_configuration(engine, demo):
    config = engine.image(demo).config["config"]
    assert config["User"] == "65532:65532"
    assert config["Healthcheck"]["Test"] == ["CMD", "/usr/local/bin/bake-verify", "--quick",
                                             "--quiet"]
    assert config["Cmd"] == ["/usr/local/bin/verify_models", "--list"]
    assert "MODEL_CACHE_DIR=/app/models" in config["Env"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.revision"] == "r1"
    assert labels["org.opencontainers.image.base.name"] == engine.base
    assert labels["io.modelbake.manifest"] == "demo"
    assert labels["io.modelbake.lock.sha256"] == "ab" * 32


def test_health_check_passes(engine, demo):
    name = f"modelbake-health-{os.getpid()}"
    engine.run("run", "-d", "--rm", "--name", name, "--network", "none", "--health-interval",
               "1s", "--health-start-period", "0s", demo, "sleep", "60")
    try:
        for _ in range(60):
            state = engine.run("inspect", "-f", "{{.State.Health.Status}}", name).stdout.strip()
            if state != "starting":
                break
            time.sleep(0.5)
        assert state == "healthy"
    finally:
        engine.run("rm", "-f", name, check=False)


def test_layers_hold_models_and_nothing_else(engine, demo):
    image = engine.image(demo)
    for layer in MODELS:
        for name, entry in image.entries(layer).items():
            assert name in ("app", "app/models", "app/models.lock.json", "usr", "usr/local", "usr/local/bin") or \
                name.startswith(("app/models/", "usr/local/bin/")), name
            assert ".bake" not in name and "run/secrets" not in name and "cache" not in name
            assert entry.mtime == 0 and entry.uid == 0 and entry.gid == 0, name
            if entry.isdir():
                assert entry.mode & 0o7777 == 0o755, name
            elif name.startswith("app/"):
                assert entry.isfile() and entry.mode & 0o7777 == 0o644, name
    assert "app/models/demo--image-edit/model_index.json" in image.entries(-5)
    assert any("svdq-" in name for name in image.entries(-4))
    assert "app/models/chat/demo-chat-Q8_0.gguf" in image.entries(-3)
    assert set(image.entries(-1)) >= {"app/models/model-info.json", "usr/local/bin/bake-verify",
                                      "usr/local/bin/verify_models"}


def test_works_as_another_user_on_a_read_only_root(engine, demo):
    engine.in_container(demo, "verify_models", options=["--read-only", "--user", "12345:12345"])


# The same bytes, always.

def test_layers_are_the_same_bytes_without_cache_and_on_another_base(engine, tools, demo,
                                                                    other_base):
    first = engine.image(engine.build(TOOLS_IMAGE=tools, no_cache=True).tag).diff_ids[-5:]
    time.sleep(2)  # so that a clock that got in would show
    second = engine.image(engine.build(TOOLS_IMAGE=tools, no_cache=True).tag).diff_ids[-5:]
    other = engine.image(engine.build(TOOLS_IMAGE=tools, no_cache=True,
                                      base=other_base).tag).diff_ids
    assert first == second
    assert other[-5:] == first and other[0] == engine.image(demo).diff_ids[0]
    assert engine.image(demo).diff_ids[-5:] == first


def test_baked_onto_a_closed_directory_it_can_be_read(engine, tools, other_base):
    tag = engine.build(TOOLS_IMAGE=tools, base=other_base).tag
    engine.in_container(tag, "verify_models")


def test_source_date_epoch(engine, tools):
    """Without cache: BuildKit takes a tree that differs only in times for the same tree."""
    image = engine.image(engine.build(TOOLS_IMAGE=tools, SOURCE_DATE_EPOCH="86400",
                                      no_cache=True).tag)
    assert {entry.mtime for entry in image.entries(-5).values()} == {86400}
    index = json.loads(image.content(-1, "app/models/model-info.json"))
    assert index["generated_at"] == "1970-01-02T00:00:00Z"


def test_a_changed_pin_rebuilds_its_layer_only(engine, tools, hub, context):
    for name, role in (("one", "base"), ("two", "chat")):
        hub.add("org/" + name, {name + ".bin": noise(50000, len(name) + len(role))})
    models = {name: {"source": {"hub": "org/" + name}, "role": role, "path": name}
              for name, role in (("one", "base"), ("two", "chat"))}
    manifest(context, "pins", models)
    lock(context, "pins", hub)
    build = dict(context=context, TOOLS_IMAGE=tools, MANIFEST="pins", **hub_arguments(hub))
    before = engine.image(engine.build(**build).tag).diff_ids[-5:]
    hub.add("org/two", {"two.bin": noise(50000, 77)})
    lock(context, "pins", hub, "--upgrade")
    hub.log.clear()
    done = engine.build(**build)
    after = engine.image(done.tag).diff_ids[-5:]
    assert [a == b for a, b in zip(before, after)] == [True, False, True, True, False]
    assert not hub.requests("org/one") and hub.requests("org/two")
    step = re.search(r"#(\d+) \[layer1 .*RUN", done.log)[1]
    assert re.search(rf"^#{step} CACHED", done.log, re.M)


# Locks.

def test_manifest_without_lock_is_locked_in_the_build(engine, tools, hub, context):
    hub.add("org/name", {"config.json": b"{}", "w.gguf": gguf_weights(50000)})
    manifest(context, "fresh", {"m": {"source": {"hub": "org/name"}, "path": "m"}})
    done = engine.build(context=context, TOOLS_IMAGE=tools, MANIFEST="fresh",
                        **hub_arguments(hub))
    assert "commit manifests/fresh.lock.json" in done.log
    engine.in_container(done.tag, "verify_models")


def test_stale_lock_ends_the_build(engine, tools, hub, context):
    hub.add("org/name", {"w.gguf": gguf_weights(50000)})
    path = manifest(context, "stale", {"m": {"source": {"hub": "org/name"}, "path": "m"}})
    lock(context, "stale", hub)
    path.write_text(path.read_text() + "\n")
    done = engine.build(context=context, check=False, TOOLS_IMAGE=tools, MANIFEST="stale",
                        **hub_arguments(hub))
    assert done.returncode != 0 and "error[lock.stale]" in done.log and "exit code: 78" in done.log


def test_wrong_bytes_end_the_build(engine, tools, hub, context):
    hub.add("org/name", {"w.gguf": gguf_weights(50000, time.time_ns())})  # in no cache
    manifest(context, "wrong", {"m": {"source": {"hub": "org/name"}, "path": "m"}})
    lock(context, "wrong", hub)
    hub.fault("xet-bridge", times=99, flip=7)
    done = engine.build(context=context, check=False, TOOLS_IMAGE=tools, MANIFEST="wrong",
                        **hub_arguments(hub))
    assert done.returncode != 0
    assert "error[integrity.sha256]" in done.log and "exit code: 20" in done.log


def test_a_build_that_fails_goes_on_from_its_cache(engine, tools, hub, context):
    data = noise(6 << 20, time.time_ns())
    hub.add("org/name", {"w.bin": data})
    manifest(context, "resumed", {"m": {"source": {"hub": "org/name"}, "path": "m"}})
    lock(context, "resumed", hub)
    hub.fault("xet-bridge", times=1, cut=4 << 20)
    hub.fault("xet-bridge", times=99, status=503)
    build = dict(context=context, TOOLS_IMAGE=tools, MANIFEST="resumed",
                 **{**hub_arguments(hub), "BAKE_FETCH_ARGS": "--allow-http --retries 1 -x 1"})
    done = engine.build(check=False, **build)
    assert done.returncode != 0 and "error[net.server]" in done.log
    hub.faults.clear()
    hub.log.clear()
    done = engine.build(**build)
    assert "resume m/w.bin at 4.19 MB" in done.log
    assert sum(request.sent for request in hub.requests(origin="cdn")) == 2 << 20
    engine.in_container(done.tag, "verify_models")


STAGES = """\
FROM {tools} AS one
COPY two.lock.json /src/
RUN --mount=type=cache,id={cache},target=/cache bake-fetch -l /src/two.lock.json -d /out/app/models \\
    --cache /cache --endpoint {endpoint} --allow-http && touch -d @0 /out
FROM {tools} AS two
COPY two.lock.json /src/
RUN --mount=type=cache,id={cache},target=/cache bake-fetch -l /src/two.lock.json -d /out/app/models \\
    --cache /cache --endpoint {endpoint} --allow-http && touch -d @0 /out && echo another >/other
FROM {base}
COPY --from=one /out/ /one/
COPY --from=two /out/ /two/
"""


def test_parallel_stages_share_one_cache_mount(engine, tools, hub, context, tmp_path):
    """Both run at a time, and each byte comes once: one downloads, the other waits and copies."""
    data = {"a.bin": noise(6 << 20, time.time_ns()), "b.bin": noise(5 << 20, 2)}
    hub.add("org/name", data)
    manifest(context, "two", {"m": {"source": {"hub": "org/name"}, "path": "m"}})
    lock(context, "two", hub)
    where = tmp_path / "stages"
    where.mkdir()
    shutil.copy(context / "manifests/two.lock.json", where)
    (where / "Dockerfile").write_text(STAGES.format(
        tools=tools, base=engine.base, endpoint=hub.origin, cache=f"two-{time.time_ns()}"))
    hub.log.clear()
    hub.fault("xet-bridge", times=99, rate=2 << 20)
    tag = "modelbake-stages:test"
    done = engine.run("build", "--network", "host", "--progress", "plain", "-t", tag, where)
    engine.tags.append(tag)
    sent = sum(request.sent for request in hub.requests(origin="cdn"))
    # A connection that ends early leaves what the server had already handed to the kernel, so more
    # is sent than received; a second download would be twice the bytes.
    assert sent < 1.5 * sum(map(len, data.values())), done.stderr
    # Of the two, each file was fetched by one.
    for name in data:
        assert len(re.findall(rf"bake-fetch: fetched m/{name} ", done.stderr)) == 1, done.stderr
    image = engine.image(tag)
    for stage in ("one", "two"):
        for name, content in data.items():
            layer = next(i for i in range(len(image.layers))
                         if f"{stage}/app/models/m/{name}" in image.entries(i))
            assert image.content(layer, f"{stage}/app/models/m/{name}") == content


# Secrets.

def forms(token):
    """The token as it might lie somewhere: raw, base64 at any alignment, hex, reversed."""
    raw = token.encode()
    found = [raw, raw.hex().encode(), raw[::-1]]
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        found.append(encoded[4:-4])
    return found


def leaks(image, token):
    places = {"configuration": image.config_text}
    places.update({f"layer {index}": layer for index, layer in enumerate(image.layers)})
    return [where for where, data in places.items() if any(form in data for form in forms(token))]


def test_the_token_is_nowhere(engine, tools, hub, context, tmp_path):
    token = "hf_" + "".join(random.SystemRandom().choices("abcdefghijkmnpqrstuvwxyz", k=32))
    hub.token = token
    hub.add("org/gated", {"config.json": b"{}", "w.gguf": gguf_weights(50000, 5)}, gated="auto")
    manifest(context, "gated", {"m": {"source": {"hub": "org/gated"}, "path": "m"}})
    (tmp_path / "token").write_text(token + "\n")
    done = engine.build(context=context, TOOLS_IMAGE=tools, MANIFEST="gated",
                        secret=tmp_path / "token", **hub_arguments(hub))
    assert any(request.headers.get("Authorization") == f"Bearer {token}" for request in hub.log)
    assert not any("Authorization" in request.headers for request in hub.requests(origin="cdn"))
    image = engine.image(done.tag)
    assert leaks(image, token) == []
    history = engine.run("history", "--no-trunc", done.tag).stdout
    assert not any(form.decode("latin-1") in history + done.log for form in forms(token))
    engine.in_container(done.tag, "verify_models")


def test_a_leak_would_be_found(engine, tmp_path):
    """The control: what the test above looks for, it finds when it is there."""
    token = "hf_leakleakleakleakleakleakleak"
    (tmp_path / "Dockerfile").write_text(
        f"FROM {engine.base}\nARG TOKEN\nRUN echo $TOKEN | base64 > /etc/leak\n")
    tag = "modelbake-leak:test"
    engine.run("build", "--network", "host", "--build-arg", f"TOKEN={token}", "-t", tag, tmp_path)
    engine.tags.append(tag)
    where = leaks(engine.image(tag), token)
    assert "configuration" in where and any(place.startswith("layer") for place in where)


def test_gated_without_token_says_what_to_do(engine, tools, hub, context):
    hub.token = "hf_x"
    hub.add("org/gated", {"w.gguf": gguf_weights(50000, 5)}, gated="auto")
    manifest(context, "locked-out", {"m": {"source": {"hub": "org/gated"}, "path": "m"}})
    done = engine.build(context=context, check=False, TOOLS_IMAGE=tools, MANIFEST="locked-out",
                        **hub_arguments(hub))
    assert done.returncode != 0 and "error[hub.gated]" in done.log
    assert "--secret id=hf_token" in done.log


# A Dockerfile of one's own, as the README has it.

def test_the_readme_s_dockerfile(engine, tools, tmp_path):
    text = (ROOT / "README.md").read_text()
    dockerfile = re.search(r"```dockerfile\n(.*?)```", text, re.S)[1]
    dockerfile = dockerfile.replace("FROM modelbake ", f"FROM {tools} ")
    dockerfile = re.sub(r"^FROM my-server\S*$", f"FROM {engine.base}", dockerfile, flags=re.M)
    dockerfile = dockerfile.replace("COPY models.json", "COPY demo /src/demo\nCOPY models.json")
    shutil.copytree(ROOT / "manifests/demo", tmp_path / "demo")
    for suffix in ("json", "lock.json"):
        text = (ROOT / f"manifests/demo.{suffix}").read_text()
        (tmp_path / f"models.{suffix}").write_text(text)
    (tmp_path / "Dockerfile").write_text(dockerfile)
    tag = "modelbake-readme:test"
    engine.run("build", "--network", "host", "-t", tag, tmp_path)
    engine.tags.append(tag)
    assert "14 of 14" in engine.in_container(tag, "/usr/local/bin/bake-verify").stdout


# Real files.

FIXTURES = pathlib.Path(os.environ.get("BAKE_FIXTURES", ROOT / "nothing"))


def real_models(hub):
    """The fixtures as repositories of the Hub; the demo's own files where there are none."""
    if FIXTURES.is_dir():
        folders = {"real/gguf-vocabularies": "gguf", "real/mnist": "safetensors",
                   "real/Qwen-VL-Chat-Int4": "hf-config/qwen-vl-chat-int4-gptq"}
        return {repo: FIXTURES / folder for repo, folder in folders.items()}
    return {"demo/image-edit": ROOT / "manifests/demo/image-edit"}


def test_real_files_are_baked_and_verified(engine, tools, hub, context):
    models, wanted = {}, {}
    for repo, folder in real_models(hub).items():
        # An index of shards that are not there is no whole model: verifying would say so.
        files = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
                 if path.is_file() and not path.name.endswith(".index.json")}
        hub.add(repo, files)
        name = repo.split("/")[1]
        models[name] = {"source": {"hub": repo}, "path": name,
                        "role": "chat" if "gguf" in name else "base"}
        wanted.update({f"{name}/{path}": data for path, data in files.items()})
    manifest(context, "real", models)
    lock(context, "real", hub)
    done = engine.build(context=context, TOOLS_IMAGE=tools, MANIFEST="real", **hub_arguments(hub))
    assert hub.requests(origin="cdn")
    assert f"{len(wanted)} of {len(wanted)} files verified" in engine.in_container(
        done.tag, "verify_models").stdout
    tree = engine.in_container(done.tag, "verify_models", "--list").stdout
    index = json.loads(engine.in_container(done.tag, "bake-index", "show", "--json").stdout)
    listed = {entry["path"]: entry for model in index["models"] for entry in model["files"]}
    assert set(listed) == set(wanted)
    for path, data in wanted.items():
        assert path.split("/")[-1] + " (" in tree
        assert listed[path]["sha256"] == sha256(data) and listed[path]["size"] == len(data)
    check_flipped_byte(engine, done.tag, max(wanted, key=lambda path: len(wanted[path])), wanted)


def check_flipped_byte(engine, tag, path, wanted):
    """A copy of the image with one bit of one file changed: exit 20, the file and both digests."""
    script = (f"cd /app/models && b=$(od -An -tu1 -j1000 -N1 '{path}') && "
              f"printf \"$(printf '\\\\%03o' $((b ^ 1)))\" | "
              f"dd of='{path}' bs=1 seek=1000 conv=notrunc status=none && verify_models")
    done = engine.in_container(tag, "sh", "-c", script, check=False, options=["--user", "0"])
    data = bytearray(wanted[path])
    data[1000] ^= 1
    assert done.returncode == 20, done.stdout + done.stderr
    assert "error[integrity.sha256]" in done.stderr and path in done.stderr
    assert sha256(wanted[path]) in done.stderr and sha256(bytes(data)) in done.stderr
