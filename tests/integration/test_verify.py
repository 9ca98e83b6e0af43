# SPDX-License-Identifier: Apache-2.0
"""bake-verify and verify_models: is what is baked what it should be?"""
import json
import os
import shutil
import subprocess

import pytest

from conftest import (TOOLS, Result, environment, fails, hub_model, noise, ok, run,
                      traced)
from hubserver import File, sha256
from models import gguf_weights, weights

FILES = {"config.json": b"{}\n", "w.safetensors": weights(200000), "sub/t.txt": b"t"}


@pytest.fixture
def baked(place, hub):
    hub.add("org/name", FILES)
    hub.add("org/extra", {"x.gguf": gguf_weights(6000, 3)})
    return place.baked({"m": hub_model(path="m", title="The model"),
                        "x": hub_model("org/extra", path="x", required=False)})


def test_all_is_well(baked):
    result = ok(baked.verify())
    assert "3 of 3 files verified" in result.out


def test_needs_neither_lock_nor_network(baked, hub):
    baked.lock_path.unlink()
    baked.manifest.unlink()
    hub.log.clear()
    ok(run("verify_models", env={"MODEL_CACHE_DIR": baked.models}))
    assert not hub.log


def test_opens_no_socket(baked, tmp_path):
    trace = tmp_path / "trace"
    command, env = traced("network", "-o", trace)
    subprocess.run([*command, TOOLS / "bake-verify", "-d", baked.models], check=True, env=env,
                   capture_output=True)
    assert "socket(" not in trace.read_text()


@pytest.mark.parametrize("name, damage, error", [
    ("flipped", lambda path: path.write_bytes(weights(200000, 8)), "integrity.sha256"),
    ("shorter", lambda path: path.write_bytes(weights(199999)), "integrity.size"),
    ("longer", lambda path: path.write_bytes(weights(200001)), "integrity.size"),
    ("empty", lambda path: path.write_bytes(b""), "integrity.size"),
    ("missing", lambda path: path.unlink(), "integrity.missing"),
])
def test_a_damaged_file(baked, name, damage, error):
    damage(baked.models / "m/w.safetensors")
    result = fails(baked.verify(), 20, error)
    assert "m/w.safetensors" in result.errors[0][1]
    assert "WRONG" in result.out and "m/w.safetensors" in result.out
    assert "2 of 3 files verified" in result.out


def test_one_flipped_byte_names_both_digests(baked):
    data = bytearray(FILES["w.safetensors"])
    data[12345] ^= 1
    (baked.models / "m/w.safetensors").write_bytes(data)
    message = fails(baked.verify(), 20, "integrity.sha256").errors[0][1]
    assert sha256(FILES["w.safetensors"]) in message and sha256(bytes(data)) in message


def test_quick_sees_sizes_only(baked):
    (baked.models / "m/w.safetensors").write_bytes(weights(200000, 8))
    ok(baked.verify("--quick"))
    (baked.models / "m/w.safetensors").write_bytes(b"")
    fails(baked.verify("--quick"), 20, "integrity.size")


def test_lfs_pointer_has_its_hint(baked):
    (baked.models / "m/w.safetensors").write_bytes(File(FILES["w.safetensors"]).pointer())
    assert "git lfs pull" in fails(baked.verify(), 20, "integrity.size").err


def test_extra_file(baked):
    (baked.models / "m/notes.txt").write_bytes(b"mine")
    result = fails(baked.verify(), 20, "integrity.extra")
    assert "m/notes.txt" in result.errors[0][1] and "--allow-extra" in result.err
    ok(baked.verify("--allow-extra"))
    ok(baked.verify("m"))


@pytest.mark.parametrize("names", [["0f.part"], ["0f.part", "lock"]], ids=str)
def test_leftovers_of_an_unfinished_fetch(baked, names):
    """In a finished image they are megabytes that nobody reads."""
    for name in names:
        path = baked.models / ".bake" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    result = fails(baked.verify(), 20, "integrity.unfinished")
    assert f".bake/{names[0]}" in result.errors[0][1]
    assert "bake-fetch" in result.err and ".bake/" in result.out
    report = fails(baked.verify("--json"), 20, "integrity.unfinished").json
    assert report["unfinished"] == len(report["extra"]) > 0
    assert ".bake" in ok(baked.verify("--list")).out
    ok(baked.verify("--allow-extra"))
    ok(baked.verify("m"))
    ok(baked.fetch("m"))
    ok(baked.verify())


def test_leftovers_explain_what_is_missing(baked):
    (baked.models / "m/w.safetensors").unlink()
    (baked.models / ".bake").mkdir()
    (baked.models / ".bake/0f.part").write_bytes(b"x")
    result = fails(baked.verify(), 20, "integrity.missing")
    assert "unfinished" in result.err and "(and 1 more)" in result.errors[0][1]


def test_an_empty_work_directory_is_a_directory(baked):
    (baked.models / ".bake").mkdir()
    ok(baked.verify())


def test_work_directory_that_is_none(baked, tmp_path):
    (baked.models / ".bake").symlink_to(tmp_path)
    assert ".bake" in fails(baked.verify(), 20, "integrity.unfinished").errors[0][1]


def verify_unprivileged(place, *args):
    """As somebody whom permissions concern: another user when the tests are root's."""
    command = [TOOLS / "bake-verify", "-d", place.models, *args]
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", *command]
        for path in [place.path, *place.path.parents]:
            if path.stat().st_uid == 0 and path.name.startswith(("pytest-", "popen-", "test_")):
                path.chmod(0o755)
    return Result(subprocess.run(command, capture_output=True, env=environment()))


def test_work_directory_that_cannot_be_read(baked):
    """Left by root, in an image whose user is another one."""
    work = baked.models / ".bake"
    work.mkdir()
    (work / "0f.part").write_bytes(b"x")
    work.chmod(0)
    fails(verify_unprivileged(baked), 20, "integrity.unfinished")
    work.chmod(0o700)


def test_reserved_names_are_names_of_files(baked):
    runtime = baked.models / "model-info.runtime.json"
    runtime.write_text("{}")
    ok(baked.verify())
    runtime.unlink()
    runtime.mkdir()
    result = fails(baked.verify(), 20, "integrity.extra")
    assert "model-info.runtime.json" in result.errors[0][1]
    runtime.rmdir()
    index = baked.models / "model-info.json"
    index.rename(baked.models / "model-info.runtime.json")
    index.mkdir()
    fails(baked.verify("-l", baked.lock_path), 20, "integrity.extra")


def test_a_directory_that_cannot_be_read_hides_no_finding(baked):
    """Of several failures the worst names the exit code."""
    closed = baked.models / "closed"
    closed.mkdir(mode=0)
    assert "closed" in fails(verify_unprivileged(baked), 77, "fs.permission").errors[0][1]
    ok(verify_unprivileged(baked, "--allow-extra"))
    (baked.models / "m/w.safetensors").write_bytes(weights(200000, 8))
    result = fails(verify_unprivileged(baked), 20, "integrity.sha256")
    assert "(and 1 more)" in result.errors[0][1]
    closed.rmdir()


def test_several_findings_are_counted(baked):
    (baked.models / "m/w.safetensors").unlink()
    (baked.models / "m/config.json").write_bytes(b"[]\n")
    (baked.models / "x.tmp").write_bytes(b"")
    result = fails(baked.verify(), 20, "integrity.sha256")
    assert "(and 2 more)" in result.errors[0][1]


@pytest.mark.parametrize("kind", ["symlink", "directory", "fifo"])
def test_something_else_in_the_place_of_a_file(baked, kind, tmp_path):
    target = baked.models / "m/w.safetensors"
    data = target.read_bytes()
    target.unlink()
    if kind == "symlink":
        (tmp_path / "w").write_bytes(data)
        target.symlink_to(tmp_path / "w")
    elif kind == "directory":
        target.mkdir()
    else:
        os.mkfifo(target)
    fails(baked.verify(), 20, "integrity.type")


def test_nothing_there_at_all(tmp_path):
    fails(run("bake-verify", "-d", tmp_path), 66, "verify.no-index")
    fails(run("bake-verify", "-d", tmp_path / "none"), 66, "verify.no-index")
    fails(run("bake-verify", "-d", tmp_path, "--list"), 66, "verify.nothing")


def test_zero_files_is_an_error(baked):
    index = baked.models / "model-info.json"
    text = index.read_text()
    index.write_text('{"schema": "bake.index/1", "models": []}')
    fails(baked.verify(), 66, "verify.nothing")
    index.write_text(text)


def test_a_volume_over_the_models(baked, tmp_path):
    """The index came with the image, the weights are hidden."""
    shutil.copy(baked.models / "model-info.json", tmp_path / "index.json")
    (tmp_path / "volume").mkdir()
    result = fails(run("bake-verify", "-d", tmp_path / "volume", "--index",
                       tmp_path / "index.json"), 20, "integrity.missing")
    assert "volume" in result.err


def test_optional_model_is_checked_when_it_is_there(baked):
    ok(baked.fetch("x"))
    result = ok(baked.verify())
    assert "4 of 4 files verified" in result.out
    (baked.models / "x/x.gguf").write_bytes(gguf_weights(6000, 4))
    fails(baked.verify(), 20, "integrity.sha256")


def test_named_models(baked):
    ok(baked.verify("m"))
    fails(baked.verify("x"), 20, "integrity.missing")
    result = fails(baked.verify("mm"), 64, "usage.unknown-model")
    assert result.out == ""


def test_required_model_that_was_not_baked(place, hub):
    hub.add("org/name", FILES)
    hub.add("org/two", {"t.bin": noise(5000)})
    place.locked({"m": hub_model(path="m"), "t": hub_model("org/two", path="t")})
    ok(place.fetch("m"))
    assert "t is required and not there" in ok(place.index()).err
    fails(place.verify(), 20, "integrity.missing")


def test_against_a_lock(baked):
    (baked.models / "model-info.json").unlink()
    ok(baked.verify("-l", baked.lock_path))
    (baked.models / "m/config.json").unlink()
    fails(baked.verify("-l", baked.lock_path), 20, "integrity.missing")


def test_lock_that_is_older_than_its_manifest(baked):
    """What it pins may not be what the manifest wants by now."""
    baked.write({"m": hub_model(path="m", title="Changed")})
    assert "bake-lock" in fails(baked.verify("-l", baked.lock_path), 78, "lock.stale").err
    ok(baked.verify())
    baked.manifest.unlink()
    ok(baked.verify("-l", baked.lock_path))


def test_json(baked):
    report = ok(baked.verify("--json")).json
    assert report["ok"] is True and report["verified"] == 3
    (baked.models / "m/w.safetensors").write_bytes(weights(200000, 8))
    result = fails(baked.verify("--json"), 20, "integrity.sha256")
    model = next(model for model in result.json["models"] if model["id"] == "m")
    wrong = next(entry for entry in model["files"] if entry["status"] != "ok")
    assert wrong["status"] == "sha256"
    assert wrong["actual_sha256"] == sha256(weights(200000, 8))


def test_list_is_a_tree_with_sizes(baked):
    out = ok(baked.verify("--list")).out
    assert "  m/\n" in out and "    w.safetensors (200.0 kB)\n" in out
    assert "    sub/\n      t.txt (1 byte)\n" in out
    entries = ok(baked.verify("--list", "--json")).json
    assert {"path": "m/w.safetensors", "type": "file", "size": 200000} in entries


def test_json_is_utf_8_whatever_files_are_called(baked):
    with open(os.fsencode(baked.models) + b"/a\xffb", "wb"):
        pass
    entries = ok(baked.verify("--list", "--json"))
    assert "a\ufffdb" in [entry["path"] for entry in strict(entries)]
    result = fails(baked.verify("--json"), 20, "integrity.extra")
    assert strict(result)["extra"] == ["a\ufffdb"]
    lock = os.fsencode(baked.path) + b"/l\xff.json"
    shutil.copy(baked.lock_path, lock)
    done = subprocess.run([TOOLS / "bake-verify", "-d", baked.models, "--allow-extra", "--json",
                           "-l", lock], capture_output=True, env=environment())
    assert json.loads(done.stdout.decode())["against"].endswith("/l\ufffd.json")


def strict(result):
    """The document, whose bytes were UTF-8: a replacement would have been one of ours."""
    assert result.raw.decode("utf-8") == result.out
    return result.json


def test_list_shows_hostile_names_safely(baked):
    (baked.models / "a\x1b[31mb").write_bytes(b"")
    out = ok(baked.verify("--list")).out
    assert "\x1b" not in out and "a\\x1b[31mb" in out


def test_files_are_verified_in_parallel(place, hub):
    hub.add("org/name", {f"{n}.bin": noise(300000, n) for n in range(16)})
    place.baked({"m": hub_model(path="m")})
    for jobs in (1, 2, 8):
        assert "16 of 16" in ok(place.verify("-j", jobs)).out


def test_changed_while_it_is_read(baked, tmp_path):
    """The file on disk is looked at again after it was read."""
    command, env = traced("pread64", "-o", "/dev/null", "-e", "inject=pread64:delay_exit=400000")
    process = subprocess.Popen([*command, TOOLS / "bake-verify", "-d", baked.models, "-j", "1"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    target = baked.models / "m/w.safetensors"
    while process.poll() is None:
        os.utime(target)
    _, err = process.communicate()
    assert process.returncode == 20 and "integrity.changed" in err


def test_changes_nothing(baked):
    before = {path: path.lstat() for path in baked.models.rglob("*")}
    ok(baked.verify())
    after = {path: path.lstat() for path in baked.models.rglob("*")}
    assert {p: (s.st_mtime_ns, s.st_ctime_ns) for p, s in before.items()} == {
        p: (s.st_mtime_ns, s.st_ctime_ns) for p, s in after.items()}


@pytest.mark.parametrize("name, text, code, error", [
    ("not-json", "{", 65, "json.syntax"), ("no-schema", "{}", 65, "json.missing-field"),
    ("other", '{"schema": "bake.lock/1", "models": []}', 65, "schema.name"),
    ("newer", '{"schema": "bake.index/2", "models": []}', 78, "schema.version"),
    ("path", '{"schema": "bake.index/1", "models": [{"id": "a", "required": true, "status": '
     '"baked", "path": "../x", "files": []}]}', 65, "path.unsafe"),
])
def test_bad_index(baked, name, text, code, error):
    (baked.models / "model-info.json").write_text(text)
    fails(baked.verify(), code, error)


def test_unknown_keys_of_a_newer_index_are_ignored(baked):
    index = baked.models / "model-info.json"
    index.write_text(index.read_text().replace('"generator"', '"x_new": {"y": []}, "generator"'))
    ok(baked.verify())


def test_lock_and_index_exclude_each_other(baked):
    fails(baked.verify("-l", baked.lock_path, "--index", "x"), 64, "usage.conflict")


@pytest.mark.parametrize("args", [
    ["m"], ["-l", "test.lock.json"], ["--index", "x"], ["--quick"], ["-j", "2"],
    ["--allow-extra"]], ids=" ".join)
def test_list_leaves_nothing_unused(baked, args):
    result = fails(baked.verify("--list", *args), 64, "usage.conflict")
    assert result.out == ""


def test_quick_takes_jobs(baked):
    ok(baked.verify("--quick", "-j", "4"))


@pytest.mark.parametrize("name, args, code, error", [
    ("no-index", ["-d", "{}/none"], 66, "verify.no-index"),
    ("nothing-to-list", ["-d", "{}/empty", "--list"], 66, "verify.nothing"),
    ("no-lock", ["-l", "{}/none"], 66, "fs.not-found"),
    ("unknown-model", ["-d", "{}/models", "mm"], 64, "usage.unknown-model"),
    ("bad-option", ["--frob", "x"], 64, "usage.option"),
    ("bad-value", ["-j", "0", "x"], 64, "usage.value"),
    ("conflict", ["--list", "x"], 64, "usage.conflict"),
])
@pytest.mark.parametrize("last", [False, True])
def test_json_of_a_failure(baked, name, args, code, error, last):
    """Before and behind what is wrong with the line."""
    (baked.path / "empty").mkdir()
    args = [word.format(baked.path) for word in args]
    result = fails(run("bake-verify", *([] if last else ["--json"]), *args,
                       *(["--json"] if last else [])), code, error)
    report = result.json
    assert report["ok"] is False and report["error"] == error and report["exit_code"] == code
    assert report["message"] == result.errors[0][1]
    assert report.get("hint") == (result.err.split("hint: ")[1].rstrip("\n")
                                  if "hint: " in result.err else None)
