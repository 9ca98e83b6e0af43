# SPDX-License-Identifier: Apache-2.0
"""bake-fetch on a good day: what it brings, what it leaves alone, what it leaves behind."""
import json
import os
import shutil
import stat
import time

import pytest

from conftest import fails, hub_model, noise, ok, run, start
from hubserver import File, sha256

FILES = {
    "config.json": b'{"a": 1}\n',
    "empty.txt": b"",
    "sub/dir/weights.safetensors": noise(300000, 1),
    "weights-2.safetensors": noise(200000, 2),
}


def snapshot(place, hub, **fields):
    hub.add("org/name", FILES)
    return place.locked({"m": hub_model(path="m", **fields)})


def test_brings_every_byte(place, hub):
    snapshot(place, hub)
    ok(place.fetch())
    assert place.files() == {"m/" + path: data for path, data in FILES.items()}


def test_nothing_of_ours_is_left(place, hub):
    snapshot(place, hub)
    ok(place.fetch())
    assert not (place.models / ".bake").exists()


def test_mode_owner_and_time_are_the_same_everywhere(place, hub, tmp_path):
    snapshot(place, hub)
    place.models = tmp_path / "out/app/models"
    old = os.umask(0o077)
    try:
        ok(place.fetch())
    finally:
        os.umask(old)
    made = [tmp_path / "out", tmp_path / "out/app", *(tmp_path / "out/app").rglob("*")]
    assert len(made) == 3 + 3 + len(FILES)
    for path in made:
        info = path.stat()
        assert info.st_mtime == 0 and info.st_uid == os.geteuid() and info.st_gid == os.getegid()
        assert stat.S_IMODE(info.st_mode) == (0o755 if path.is_dir() else 0o644), path


def test_source_date_epoch(place, hub):
    snapshot(place, hub)
    ok(place.fetch(env={"SOURCE_DATE_EPOCH": "1234567890"}))
    assert {path.stat().st_mtime for path in [place.models, *place.models.rglob("*")]} == {
        1234567890}
    fails(place.fetch(env={"SOURCE_DATE_EPOCH": "yesterday"}), 78, "config.source-date-epoch")


def test_second_run_asks_for_nothing(place, hub):
    snapshot(place, hub)
    ok(place.fetch())
    hub.log.clear()
    before = {path: path.stat().st_ctime_ns for path in place.models.rglob("*")}
    result = ok(place.fetch("--json")).json
    assert not hub.log
    assert {entry["outcome"] for entry in result["files"]} == {"present"}
    assert {path: path.stat().st_ctime_ns for path in place.models.rglob("*")} == before


def test_wrong_file_is_replaced_and_the_others_left_alone(place, hub):
    snapshot(place, hub)
    ok(place.fetch())
    target = place.models / "m/weights-2.safetensors"
    target.write_bytes(noise(200000, 9))
    hub.log.clear()
    ok(place.fetch())
    assert place.files()["m/weights-2.safetensors"] == FILES["weights-2.safetensors"]
    assert {request.path.split("?")[0].split("/")[-1] for request in hub.log} == {
        "weights-2.safetensors"}


@pytest.mark.parametrize("where", ["models", "not/yet/there", "there"])
def test_dry_run_says_whether_it_fits(place, hub, tmp_path, where):
    hub.add("org/name", {"w.bin": noise(5000)})
    place.locked({"m": hub_model(path="m")})
    (tmp_path / "there").mkdir()
    place.models = tmp_path / where
    assert ok(place.fetch("--dry-run")).out.splitlines()[-1].endswith(" free: it fits")
    assert ok(place.fetch("--dry-run", "--json")).json["free_bytes"] > 5000
    result = ok(run("bake-fetch", "-l", place.lock_path, "-d", where, "--dry-run", cwd=tmp_path))
    assert "free: it fits" in result.out


def test_dry_run_says_that_it_does_not_fit(place, hub):
    def grow(lock):
        lock["models"]["m"]["files"][0]["size"] = 1 << 52
    hub.add("org/name", {"w.bin": noise(5000)})
    place.locked({"m": hub_model(path="m")}).edit_lock(grow)
    failed = fails(place.fetch("--dry-run"), 23, "disk.space")
    assert "it does not fit" in failed.out.splitlines()[-1]


def test_dry_run_touches_nothing(place, hub):
    snapshot(place, hub)
    hub.log.clear()
    result = ok(place.fetch("--dry-run"))
    assert not hub.log and not place.models.exists()
    assert "4 files" in result.out and "4 to fetch" in result.out
    summary = ok(place.fetch("--dry-run", "--json")).json
    assert summary["needed_bytes"] == sum(map(len, FILES.values()))


def test_equal_content_is_fetched_once(place, hub):
    data = noise(100000)
    hub.add("org/name", {"a.bin": data, "b/c.bin": data, "d.bin": data})
    place.locked({"m": hub_model(path="m")})
    ok(place.fetch())
    assert len(hub.requests(origin="cdn")) == 1
    assert set(place.files().values()) == {data} and len(place.files()) == 3


def test_small_files_share_a_connection(place, hub):
    hub.add("org/name", {f"f{index}.txt": b"%d" % index for index in range(60)})
    place.locked({"m": hub_model(path="m")})
    ok(place.fetch("-j", 4))
    assert len(place.files()) == 60


# Which models.

@pytest.fixture
def several(place, hub):
    for name in ("a", "b", "c"):
        hub.add("org/" + name, {name + ".bin": noise(5000, ord(name))})
    return place.locked({
        "a": hub_model("org/a", path="a", role="base", aliases=["first"], group="g"),
        "b": hub_model("org/b", path="b", default=True, group="g"),
        "c": hub_model("org/c", path="c", required=False),
    }, profiles={"two": ["b", "c"]})


@pytest.mark.parametrize("name, args, want", [
    ("required", [], "ab"), ("all", ["--all"], "abc"), ("id", ["c"], "c"),
    ("alias", ["first"], "a"), ("profile", ["--profile", "two"], "bc"),
    ("group", ["--group", "g"], "ab"), ("defaults", ["--defaults"], "b"),
    ("sum", ["--defaults", "a"], "ab"), ("layer", ["--layer", "1"], "a"),
    ("layer-of-all", ["--all", "--layer", "3"], "bc"),
])
def test_selection(several, name, args, want):
    ok(several.fetch(*args))
    assert set(several.files()) == {f"{letter}/{letter}.bin" for letter in want}


def test_a_default_profile_is_the_default(several):
    several.locked({"a": hub_model("org/a", path="a"), "b": hub_model("org/b", path="b")},
                   profiles={"default": ["b"]})
    ok(several.fetch())
    assert set(several.files()) == {"b/b.bin"}


def test_an_empty_layer_is_no_error(several):
    ok(several.fetch("--layer", "4"))
    assert several.models.is_dir() and several.models.stat().st_mtime == 0
    assert not several.files()


@pytest.mark.parametrize("name, args, code, error, hint", [
    ("model", ["frist"], 64, "usage.unknown-model", None),
    ("profile", ["--profile", "tow"], 64, "usage.unknown-profile", "two"),
    ("group", ["--group", "h"], 64, "usage.unknown-group", None),
    ("layer", ["--layer", "5"], 64, "usage.value", None),
])
def test_selection_of_what_is_not_there(several, name, args, code, error, hint):
    result = fails(several.fetch(*args), code, error)
    assert hint is None or hint in result.err


def test_nothing_selected(several):
    several.locked({"c": hub_model("org/c", path="c", required=False)})
    fails(several.fetch(), 66, "fetch.nothing")


def test_a_profile_of_models_that_are_not_locked(several):
    several.edit_lock(lambda lock: lock["profiles"].update(two=["b", "gone"]))
    fails(several.fetch("--profile", "two"), 78, "lock.stale")


def test_a_lock_older_than_its_manifest(several, hub):
    several.manifest.write_text(several.manifest.read_text() + "\n")
    hub.log.clear()
    result = fails(several.fetch(), 78, "lock.stale")
    assert "run bake-lock" in result.err and not hub.log
    several.manifest.unlink()  # as in an image build that has the lock only
    ok(several.fetch())


# Where from.

def test_signed_urls_are_asked_for_anew(place, hub):
    """Each is good for one request: a retry that reused one would be denied."""
    snapshot(place, hub)
    hub.fault("xet-bridge.*weights-2", times=3, cut=50000)
    ok(place.fetch())
    assert len(hub.requests("resolve.*weights-2")) == 4
    assert place.files()["m/weights-2.safetensors"] == FILES["weights-2.safetensors"]


def test_asks_by_range_and_without_encoding(place, hub):
    snapshot(place, hub)
    hub.log.clear()
    ok(place.fetch())
    for request in hub.log:
        assert request.headers["Accept-Encoding"] == "identity"
        assert request.headers["User-Agent"].startswith("bake-fetch/")
    ranges = {request.headers.get("Range") for request in hub.requests("weights-2")}
    assert ranges == {"bytes=0-199999"}
    assert not hub.requests("empty.txt")  # nothing has one content


def test_file_source(place, tmp_path):
    (tmp_path / "x.gguf").write_bytes(noise(70000))
    place.write({"m": {"source": {"file": "x.gguf"}, "path": "m"}})
    ok(place.lock("--offline"))
    result = ok(place.fetch("--offline", "--json")).json
    assert result["files"][0]["outcome"] == "copied"
    assert place.files() == {"m/x.gguf": noise(70000)}


def test_url_source(place, hub):
    hub.plain["/x y.gguf"] = File(noise(70000))
    place.locked({"m": {"source": {"url": hub.origin + "/"}, "path": "m",
                        "files": [{"name": "x y.gguf", "save_as": "z.gguf"}]}})
    ok(place.fetch())
    assert place.files() == {"m/z.gguf": noise(70000)}


def test_renamed_repository_is_followed_by_its_lock(place, hub):
    """The lock pins bytes: where they are served from by now does not matter."""
    snapshot(place, hub)
    hub.repos["new/name"] = dict(hub.repos["org/name"], facts={})
    hub.repos["org/name"]["facts"]["renamed_to"] = "new/name"
    ok(place.fetch())
    assert len(place.files()) == len(FILES)


def test_mirror_in_the_manifest_serves_when_the_hub_does_not(place, hub):
    hub.plain["/mirror/weights.bin"] = File(noise(90000))
    hub.add("org/name", {"weights.bin": noise(90000)})
    place.locked({"m": hub_model(path="m", mirrors=[hub.origin + "/mirror/"])})
    hub.fault("/resolve/", times=99, status=404)
    result = ok(place.fetch("--progress", "plain"))
    assert "retry m/weights.bin" in result.err and "404" in result.err
    assert place.files() == {"m/weights.bin": noise(90000)}


def test_mirror_that_serves_other_bytes(place, hub):
    """The first source is wrong, the second right: nothing wrong is published."""
    hub.plain["/mirror/weights.bin"] = File(noise(90000))
    hub.add("org/name", {"weights.bin": noise(90000)})
    place.locked({"m": hub_model(path="m", mirrors=[hub.origin + "/mirror/"])})
    hub.fault("xet-bridge", times=99, flip=5)
    ok(place.fetch())
    assert place.files() == {"m/weights.bin": noise(90000)}


def test_offline(place, hub):
    snapshot(place, hub)
    fails(place.fetch("--offline"), 69, "net.offline")
    fails(place.fetch(env={"HF_HUB_OFFLINE": "YES"}), 69, "net.offline")
    ok(place.fetch())
    ok(place.fetch("--offline"))


# The cache.

def test_cache_serves_a_second_directory(place, hub, tmp_path):
    snapshot(place, hub)
    ok(place.fetch("--cache", tmp_path / "cache"))
    assert len(place.files()) == len(FILES)
    shutil.rmtree(place.models)
    hub.log.clear()
    result = ok(place.fetch("--json", env={"BAKE_CACHE": tmp_path / "cache"})).json
    assert not hub.log
    assert {entry["outcome"] for entry in result["files"]} <= {"cached", "copied"}
    assert place.files() == {"m/" + path: data for path, data in FILES.items()}


def test_cache_works_offline(place, hub, tmp_path):
    snapshot(place, hub)
    ok(place.fetch("--cache", tmp_path / "cache"))
    shutil.rmtree(place.models)
    ok(place.fetch("--offline", "--cache", tmp_path / "cache"))


def test_damaged_cache_is_noticed_and_mended(place, hub, tmp_path):
    snapshot(place, hub)
    ok(place.fetch("--cache", tmp_path / "cache"))
    shutil.rmtree(place.models)
    digest = sha256(FILES["weights-2.safetensors"])
    cached = tmp_path / "cache/sha256" / digest[:2] / digest
    cached.write_bytes(noise(200000, 7))
    result = ok(place.fetch("--cache", tmp_path / "cache"))
    assert "the cache's copy of m/weights-2.safetensors is damaged" in result.err
    assert place.files()["m/weights-2.safetensors"] == FILES["weights-2.safetensors"]
    assert cached.read_bytes() == FILES["weights-2.safetensors"]


def test_a_failed_build_goes_on_from_the_cache(place, hub, tmp_path):
    """In an image build the models directory of a failed step is gone; the cache is not."""
    data = noise(3 << 20)
    hub.add("org/name", {"big.bin": data})
    place.locked({"m": hub_model(path="m")})
    hub.fault("xet-bridge", times=1, cut=2 << 20)
    hub.fault("xet-bridge", times=99, status=503)
    fails(place.fetch("--cache", tmp_path / "cache", "--retries", 1, "-x", 1), 75, "net.server")
    shutil.rmtree(place.models)
    hub.faults.clear()
    hub.log.clear()
    entry = ok(place.fetch("--cache", tmp_path / "cache", "--json")).json["files"][0]
    assert entry["resumed"] == 2 << 20 and entry["received"] == 1 << 20
    assert place.files() == {"m/big.bin": data}


def test_two_builds_share_one_download(place, hub, tmp_path):
    data = noise(1 << 20)
    hub.add("org/name", {"big.bin": data})
    place.locked({"m": hub_model(path="m")})
    hub.fault("xet-bridge", times=1, rate=2 << 20)
    builds = [start("bake-fetch", "-l", place.lock_path, "-d", tmp_path / f"out{n}",
                    "--endpoint", hub.origin, "--allow-http", "--cache", tmp_path / "cache")
              for n in range(3)]
    for build in builds:
        out, err = build.communicate(timeout=60)
        assert build.returncode == 0, err
    assert len(hub.requests(origin="cdn")) == 1
    for n in range(3):
        assert (tmp_path / f"out{n}/m/big.bin").read_bytes() == data


# Two processes, one directory.

def test_two_processes_on_one_directory(place, hub):
    data = noise(1 << 20)
    hub.add("org/name", {"big.bin": data})
    place.locked({"m": hub_model(path="m")})
    hub.fault("xet-bridge", times=1, rate=2 << 20)
    args = ["-l", place.lock_path, "-d", place.models, "--endpoint", hub.origin, "--allow-http"]
    first = start("bake-fetch", *args)
    while not place.parts():
        time.sleep(0.01)
    second = start("bake-fetch", *args)
    errors = [process.communicate(timeout=60)[1] for process in (first, second)]
    assert first.returncode == 0 and second.returncode == 0, errors
    assert f"waiting for process {first.pid}" in errors[1]
    assert len(hub.requests(origin="cdn")) == 1
    assert place.files() == {"m/big.bin": data} and not (place.models / ".bake").exists()


def test_waiting_has_an_end(place, hub):
    hub.add("org/name", {"big.bin": noise(1 << 20)})
    place.locked({"m": hub_model(path="m")})
    hub.fault("xet-bridge", times=1, rate=1 << 18)
    first = start("bake-fetch", "-l", place.lock_path, "-d", place.models, "--endpoint",
                  hub.origin, "--allow-http")
    while not place.parts():
        time.sleep(0.01)
    result = fails(place.fetch("--lock-timeout", "0.3"), 75, "lock.held")
    assert f"pid {first.pid}" in result.err
    first.communicate(timeout=60)
    assert first.returncode == 0


# What is said.

def test_plain_progress_is_a_line_per_start_and_end(place, hub):
    snapshot(place, hub)
    lines = ok(place.fetch("--progress", "plain")).err.splitlines()
    for path in FILES:
        assert sum(f" start m/{path} " in line for line in lines) == 1, lines
        assert sum(f" fetched m/{path} " in line for line in lines) == 1, lines
    assert "4 files" in lines[-1] and "\r" not in "".join(lines)


def test_quiet_says_nothing(place, hub):
    snapshot(place, hub)
    result = ok(place.fetch("-q"))
    assert result.err == "" and result.out == ""


def test_json_report(place, hub):
    snapshot(place, hub)
    report = ok(place.fetch("--json")).json
    assert report["ok"] is True and report["models"] == 1
    by_path = {entry["path"]: entry for entry in report["files"]}
    assert by_path["m/weights-2.safetensors"]["received"] == 200000
    assert by_path["m/weights-2.safetensors"]["outcome"] == "fetched"
    assert "?" not in by_path["m/weights-2.safetensors"]["from"]


def test_models_directory_from_the_environment(place, hub, tmp_path):
    snapshot(place, hub)
    ok(run("bake-fetch", "-l", place.lock_path, "--endpoint", hub.origin, "--allow-http",
           env={"MODEL_CACHE_DIR": tmp_path / "elsewhere"}))
    assert (tmp_path / "elsewhere/m/config.json").exists()


def test_a_lock_from_standard_input_is_relative_to_here(place, hub):
    snapshot(place, hub)
    result = run("bake-fetch", "-l", "-", "-d", place.models, "--endpoint", hub.origin,
                 "--allow-http", stdin=place.lock_path.read_text(), cwd=place.path)
    assert result.code == 0, result


def test_no_lock_named():
    result = fails(run("bake-fetch"), 64, "usage.arguments")
    assert "-l LOCK" in result.err


def test_quick_trusts_the_size(place, hub):
    """What is there was verified when it got its name: who says so need not have it read again."""
    data = noise(50000)
    hub.add("org/name", {"w.bin": data})
    place.locked({"m": hub_model(path="m")})
    ok(place.fetch())
    (place.models / "m/w.bin").write_bytes(bytes(50000))
    entry = ok(place.fetch("--quick", "--json")).json["files"][0]
    assert entry["outcome"] == "present" and place.files()["m/w.bin"] == bytes(50000)
    (place.models / "m/w.bin").write_bytes(bytes(40000))
    assert ok(place.fetch("--quick", "--json")).json["files"][0]["outcome"] == "fetched"
    assert place.files()["m/w.bin"] == data


def test_a_report_says_how_many_connections(place, hub, tmp_path):
    hub.add("org/name", {"w.bin": noise(20 << 20), "small.json": b"{}"})
    place.locked({"m": hub_model(path="m")})
    hub.fault("xet-bridge", times=99, rate=20 << 20)
    ok(place.fetch("-x", "4", "--report", tmp_path / "report"))
    report = json.loads((tmp_path / "report").read_text())
    assert {file["path"]: file["connections"] for file in report["files"]} == {
        "m/w.bin": 4, "m/small.json": 1}


def test_the_part_of_a_former_pin_is_dropped(place, hub):
    """Under another digest it is of no use, and its room is wanted."""
    hub.add("org/name", {"w.bin": noise(3 << 20)})
    place.locked({"m": hub_model(path="m")})
    hub.fault("xet-bridge", cut=2 << 20)
    fails(place.fetch("--retries", "0", "-x", "1"), 75, "net.short")
    former = place.parts()
    assert len(former) == 1
    hub.add("org/name", {"w.bin": noise(3 << 20, 2)})
    place.lock_path.unlink()
    hub.faults.clear()
    place.locked({"m": hub_model(path="m")})
    hub.fault("xet-bridge", times=99, status=503)
    failed = fails(place.fetch("--retries", "0"), 75, "net.server")
    assert "its pin changed" in failed.err
    assert not former[0].exists() and len(place.parts()) == 1
