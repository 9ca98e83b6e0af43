# SPDX-License-Identifier: Apache-2.0
"""FILE.json beside files of weights, and parts that stay for other runs."""
import json
import os

import pytest

from conftest import fails, hub_model, noise, ok, run
from models import gguf_weights

MODEL = {"title": "Chat 3B", "description": "fast", "min_ram": "3.5GB", "default": True, "path": "chat"}


@pytest.fixture
def chat(place):
    place.hub.add("org/name", {"chat.gguf": gguf_weights(3 << 20), "config.json": b"{}"})
    return place.locked({"m": hub_model(**MODEL)})


def test_what_it_says(chat):
    ok(chat.fetch("--sidecar", env={"SOURCE_DATE_EPOCH": 1728576000}))
    files = chat.files()
    assert sorted(files) == ["chat/chat.gguf", "chat/chat.gguf.json", "chat/config.json"]
    assert json.loads(files["chat/chat.gguf.json"]) == {
        "model_id": "m", "display_name": "Chat 3B", "filename": "chat.gguf", "size_mb": 3,
        "min_ram_gb": 4, "description": "fast", "download_date": "1728576000.0", "is_default": True}
    stat = (chat.models / "chat/chat.gguf.json").stat()
    assert stat.st_mtime == 1728576000 and stat.st_mode & 0o777 == 0o644
    assert not (chat.models / ".bake").exists()


def test_without_a_manifest_nothing_is_made_up(chat):
    chat.manifest.unlink()
    ok(chat.fetch("--sidecar"))
    assert json.loads(chat.files()["chat/chat.gguf.json"]) == {
        "model_id": "m", "display_name": "m", "filename": "chat.gguf", "size_mb": 3,
        "download_date": "0.0", "is_default": True}


def test_the_same_lock_gives_the_same_bytes_and_times(chat):
    ok(chat.fetch("--sidecar"))
    before = chat.files()
    times = {path: path.stat() for path in chat.models.rglob("*")}
    ok(chat.fetch("--sidecar"))
    assert chat.files() == before
    assert {path: path.stat().st_ino for path in times} == {path: stat.st_ino for path, stat in times.items()}
    ok(chat.fetch())
    assert chat.files() == before


def test_later_and_anew(chat):
    """It comes also when the files are there already, and follows the manifest."""
    ok(chat.fetch())
    ok(chat.fetch("--sidecar"))
    assert "chat/chat.gguf.json" in chat.files()
    chat.write({"m": hub_model(**{**MODEL, "title": "Other"})})
    ok(chat.lock())
    ok(chat.fetch("--sidecar"))
    assert json.loads(chat.files()["chat/chat.gguf.json"])["display_name"] == "Other"


def test_verify_knows_it(chat):
    ok(chat.fetch("--sidecar"))
    ok(chat.index())
    ok(chat.verify())
    ok(run("bake-verify", "-l", chat.lock_path, "-d", chat.models))


@pytest.mark.parametrize("name, text", [
    ("chat.gguf.json", "{}"), ("chat.gguf.json", "x"),
    ("chat.gguf.json", '{"model_id": "m", "filename": "other.gguf"}'),
    ("chat.gguf.json", '{"model_id": "m", "filename": "chat.gguf", "more": 1}'),
    ("chat.gguf.json", '{"model_id": "m", "filename": "chat.gguf", "description": "%s"}' % ("x" * 70000)),
    ("other.gguf.json", '{"model_id": "m", "filename": "other.gguf"}'),
    ("config.json.json", '{"model_id": "m", "filename": "config.json"}'),
], ids=["empty", "text", "of-another", "more", "long", "of-nothing", "of-no-weights"])
def test_nothing_else_hides_behind_the_name(chat, name, text):
    ok(chat.fetch())
    ok(chat.index())
    (chat.models / "chat" / name).write_text(text)
    fails(chat.verify(), 20, "integrity.extra")


@pytest.mark.parametrize("what", ["text", "link", "directory"])
def test_what_is_not_ours_stays(chat, what):
    path = chat.models / "chat/chat.gguf.json"
    ok(chat.fetch())
    if what == "text":
        path.write_text("mine")
    elif what == "link":
        path.symlink_to("config.json")
    else:
        path.mkdir()
    result = ok(chat.fetch("--sidecar"))
    assert what != "text" or path.read_text() == "mine"
    assert what != "link" or os.readlink(path) == "config.json"
    assert (chat.models / "chat/config.json").read_bytes() == b"{}"
    assert "stays as it is" in result.err or what != "text"


def test_a_file_of_the_model_of_that_name(place):
    place.hub.add("org/name", {"w.bin": noise(5000), "w.bin.json": b'{"its": "own"}'})
    place.locked({"m": hub_model(path="m")})
    ok(place.fetch("--sidecar"))
    assert place.files()["m/w.bin.json"] == b'{"its": "own"}'


def test_no_place_in_a_cache_of_the_hub(chat):
    fails(chat.fetch("--sidecar", "--layout", "hf-cache"), 64, "usage.conflict")


def test_kept_parts(place):
    """What one selection left unfinished survives the success of another."""
    place.hub.add("org/one", {"one.bin": noise(4 << 20, 1)})
    place.hub.add("org/two", {"two.bin": noise(5000, 2)})
    place.locked({"one": hub_model("org/one", path="one"), "two": hub_model("org/two", path="two")})
    place.hub.fault("xet-bridge", cut=3 << 20, times=1)
    assert place.fetch("one", "--retries", "0", "-x", "1").code == 75
    assert len(place.parts()) == 1
    ok(place.fetch("two", "--keep-parts"))
    ok(place.fetch("two", "--keep-parts"))
    assert len(place.parts()) == 1 and not (place.models / ".bake/state.json").exists()
    report = ok(place.fetch("one", "--keep-parts", "--json"))
    report = report.json
    assert report["files"][0]["resumed"] >= 2 << 20
    assert not (place.models / ".bake").exists()
