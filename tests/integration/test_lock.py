# SPDX-License-Identifier: Apache-2.0
"""bake-lock: from names to bytes."""
import json

import pytest

from conftest import fails, hub_model, noise, ok, run
from hubserver import File, git_sha1, sha256

SNAPSHOT = {
    "model_index.json": b'{"_class_name": "X"}\n',
    "transformer/config.json": b"{}\n",
    "transformer/model-00001.safetensors": noise(9000, 1),
    "vae/config.json": b'{"z": 1}\n',
    "vae/model.safetensors": noise(8000, 2),
    ".gitattributes": b"*.safetensors filter=lfs\n",
    "a b/ü.txt": b"names need escaping\n",
}


def locked_files(place, model="m"):
    return {entry["path"]: entry for entry in place.lock_json["models"][model]["files"]}


def test_snapshot_is_pinned(place, hub):
    commit = hub.add("org/name", SNAPSHOT)
    place.locked({"m": hub_model(path="snap", exclude=["transformer/*.safetensors"])})
    model = place.lock_json["models"]["m"]
    assert model["source"] == {"hub": "org/name", "revision": "main", "commit": commit}
    files = locked_files(place)
    assert set(files) == {"snap/" + path for path in SNAPSHOT} - {
        "snap/transformer/model-00001.safetensors"}
    for path, entry in files.items():
        data = SNAPSHOT[path[5:]]
        assert entry["size"] == len(data) and entry["sha256"] == sha256(data)
        assert entry.get("git_sha1") == (None if len(data) >= 4096 else git_sha1(data))


def test_two_api_calls_for_a_repository_and_no_bytes_of_large_files(place, hub):
    hub.add("org/name", SNAPSHOT)
    place.locked({"a": hub_model(path="a", include=["vae/*"]),
                  "b": hub_model(path="b", include=["transformer/*"])})
    assert len(hub.requests("/api/models/")) == 2
    assert not hub.requests(origin="cdn")


def test_listing_comes_in_pages(place, hub):
    files = {f"dir{i % 3}/file{i:03}.txt": b"%d\n" % i for i in range(45)}
    hub.add("org/name", files)
    hub.page_size = 10
    place.locked({"m": hub_model(path="m")})
    assert len(locked_files(place)) == 45
    assert len(hub.requests("/tree/")) == 5


def test_default_path_is_the_hub_s_own(place, hub):
    hub.add("org/name", {"x.txt": b"x"})
    place.locked({"m": hub_model()})
    assert set(locked_files(place)) == {"org--name/x.txt"}


def test_named_files_and_save_as(place, hub):
    hub.add("org/name", SNAPSHOT)
    place.locked({"m": hub_model(path="m", files=[
        {"name": "vae/model.safetensors", "save_as": "vae.safetensors"},
        {"name": "model_index.json"}])})
    assert set(locked_files(place)) == {"m/vae.safetensors", "m/model_index.json"}
    assert locked_files(place)["m/vae.safetensors"]["name"] == "vae/model.safetensors"


def test_lock_is_one_file_per_line_and_sorted(place, hub):
    hub.add("org/name", SNAPSHOT)
    place.locked({"z": hub_model(path="z"), "a": hub_model(path="a")})
    lines = [line for line in place.lock_path.read_text().splitlines() if '"path"' in line]
    assert len(lines) == 2 * len(SNAPSHOT)
    for model in place.lock_json["models"].values():
        paths = [entry["path"] for entry in model["files"]]
        assert paths == sorted(paths, key=lambda path: path.encode())
    assert list(place.lock_json["models"]) == ["a", "z"]


def test_pins_are_kept_without_network(place, hub):
    hub.add("org/name", SNAPSHOT)
    place.locked({"m": hub_model(path="m")})
    before = place.lock_path.read_bytes()
    hub.add("org/name", {"new.txt": b"new"})
    hub.log.clear()
    ok(place.lock())
    assert place.lock_path.read_bytes() == before
    assert not hub.log
    ok(place.lock("--offline"))


def test_changed_title_keeps_pins_without_network(place, hub):
    hub.add("org/name", SNAPSHOT)
    place.locked({"m": hub_model(path="m")})
    before = place.lock_json["models"]
    hub.add("org/name", {"new.txt": b"new"})
    place.write({"m": hub_model(path="m", title="Another title")})
    fails(place.lock("--check"), 78, "lock.stale")
    hub.log.clear()
    ok(place.lock("--offline"))
    assert place.lock_json["models"] == before
    ok(place.lock("--check"))
    assert not hub.log


def test_a_changed_model_keeps_its_commit(place, hub):
    old = hub.add("org/name", SNAPSHOT)
    place.locked({"m": hub_model(path="m", include=["vae/*"])})
    hub.add("org/name", {"new.txt": b"new"})
    place.locked({"m": hub_model(path="m", include=["transformer/*"])})
    model = place.lock_json["models"]["m"]
    assert model["source"]["commit"] == old
    assert set(locked_files(place)) == {"m/transformer/config.json",
                                        "m/transformer/model-00001.safetensors"}


def test_upgrade_moves_the_branch(place, hub):
    hub.add("org/name", SNAPSHOT)
    place.locked({"m": hub_model(path="m")})
    new = hub.add("org/name", {"new.txt": b"new"})
    ok(place.lock("--upgrade"))
    assert place.lock_json["models"]["m"]["source"]["commit"] == new
    assert set(locked_files(place)) == {"m/new.txt"}


def test_upgrade_of_one_model_leaves_the_others(place, hub):
    hub.add("org/one", {"x.txt": b"1"})
    hub.add("org/two", {"x.txt": b"2"})
    place.locked({"one": hub_model("org/one"), "two": hub_model("org/two")})
    hub.add("org/one", {"x.txt": b"11"})
    hub.add("org/two", {"x.txt": b"22"})
    ok(place.lock("--upgrade", "two"))
    assert locked_files(place, "one")["org--one/x.txt"]["size"] == 1
    assert locked_files(place, "two")["org--two/x.txt"]["size"] == 2


def test_upgrade_of_one_of_two_from_one_repository(place, hub):
    hub.add("org/name", {"a.txt": b"1", "b.txt": b"1"})
    place.locked({"a": hub_model(path="a", include=["a.txt"]),
                  "b": hub_model(path="b", include=["b.txt"])})
    hub.add("org/name", {"a.txt": b"22", "b.txt": b"22"})
    place.write({"a": hub_model(path="a", include=["a*"]),
                 "b": hub_model(path="b", include=["b.txt"])})
    ok(place.lock("--upgrade", "b"))
    assert locked_files(place, "a")["a/a.txt"]["size"] == 1
    assert locked_files(place, "b")["b/b.txt"]["size"] == 2


def test_a_commit_in_the_manifest_needs_one_call(place, hub):
    commit = hub.add("org/name", {"x.bin": noise(5000)})
    place.locked({"m": {"source": {"hub": "org/name", "revision": commit}}})
    assert len(hub.requests("/api/")) == 1


def test_check_without_lock(place, hub):
    place.write({"m": hub_model()})
    fails(place.lock("--check"), 78, "lock.missing")
    assert not hub.log


def test_check_of_one_model(place, hub):
    hub.add("org/name", {"x.txt": b"x"})
    place.write({"m": hub_model(path="m"), "n": hub_model("org/none", path="n")})
    ok(place.lock("m"))
    ok(place.lock("--check", "m"))
    fails(place.lock("--check", "n"), 78, "lock.stale")
    fails(place.lock("--check"), 78, "lock.stale")


def test_unknown_model_name_has_a_hint(place, hub):
    place.write({"some-model": hub_model()})
    result = fails(place.lock("some-mdoel"), 64, "usage.unknown-model")
    assert 'did you mean "some-model"?' in result.err


# What the Hub says no to: each its own clear error.

def test_renamed_repository(place, hub):
    hub.add("new/name", SNAPSHOT)
    hub.add("old/name", {}, renamed_to="new/name")
    place.write({"m": hub_model("old/name")})
    result = fails(place.lock(), 69, "hub.renamed")
    assert "'old/name' is now 'new/name'" in result.err
    assert 'hint: write "hub": "new/name" in the manifest' in result.err
    assert not place.lock_path.exists()


def test_gated_without_token(place, hub):
    hub.add("org/name", SNAPSHOT, gated="auto")
    place.write({"m": hub_model()})
    result = fails(place.lock(), 77, "hub.gated")
    assert "accept the terms" in result.err and "--secret id=hf_token" in result.err


def test_gated_with_a_token_that_has_no_access(place, hub, tmp_path):
    hub.add("org/name", SNAPSHOT, gated="auto")
    hub.fault("GET /api/models/", times=5, status=403,
              headers={"X-Error-Code": "GatedRepo", "X-Error-Message": "not in the list"})
    (tmp_path / "token").write_text("hf_abc\n")
    place.write({"m": hub_model()})
    result = fails(place.lock("--token-file", tmp_path / "token"), 77, "hub.gated")
    assert "the token has no access" in result.err


def test_gated_with_access(place, hub, tmp_path):
    hub.add("org/name", SNAPSHOT, gated="manual")
    hub.token = "hf_right"
    (tmp_path / "token").write_text("hf_right\n")
    place.write({"m": hub_model()})
    ok(place.lock("--token-file", tmp_path / "token"))
    assert place.lock_json["models"]["m"]["gated"] is True


def test_repository_not_found(place, hub):
    place.write({"m": hub_model("org/none")})
    result = fails(place.lock(), 69, "hub.repository-not-found")
    assert "'org/none'" in result.err and "if it is private, give a token" in result.err


def test_revision_not_found(place, hub):
    hub.add("org/name", SNAPSHOT)
    place.write({"m": {"source": {"hub": "org/name", "revision": "v9"}}})
    result = fails(place.lock(), 69, "hub.revision-not-found")
    assert "'v9'" in result.err


def test_entry_not_found_names_the_nearest(place, hub):
    hub.add("org/name", {"model-Q4_0.gguf": noise(5000)})
    place.write({"m": hub_model(files=[{"name": "model-q4_0.gguf"}])})
    result = fails(place.lock(), 69, "hub.entry-not-found")
    assert 'did you mean "model-Q4_0.gguf"?' in result.err


def test_pattern_that_matches_nothing(place, hub):
    hub.add("org/name", SNAPSHOT)
    place.write({"m": hub_model(include=["*.gguf"])})
    fails(place.lock(), 69, "hub.no-match")


def test_wrong_token(place, hub, tmp_path):
    hub.add("org/name", SNAPSHOT)
    hub.token = "hf_right"
    (tmp_path / "token").write_text("hf_wrong\n")
    place.write({"m": hub_model()})
    result = fails(place.lock("--token-file", tmp_path / "token"), 77, "auth.denied")
    assert "hf_wrong" not in result.err


def test_pin_in_the_manifest_that_the_hub_contradicts(place, hub):
    hub.add("org/name", {"x.gguf": noise(5000)})
    place.write({"m": hub_model(files=[{"name": "x.gguf", "sha256": "ab" * 32}])})
    fails(place.lock(), 78, "pin.conflict")
    place.write({"m": hub_model(files=[{"name": "x.gguf", "size": 1}])})
    fails(place.lock(), 78, "pin.conflict")


def test_small_file_that_is_not_what_git_says(place, hub):
    hub.add("org/name", {"config.json": b"{}"})
    hub.fault("resolve-cache", times=9, flip=1)
    place.write({"m": hub_model()})
    fails(place.lock(), 20, "integrity.git-sha1")
    assert not place.lock_path.exists()


def test_one_bad_model_leaves_the_old_lock(place, hub):
    hub.add("org/name", SNAPSHOT)
    place.locked({"m": hub_model(path="m")})
    before = place.lock_path.read_bytes()
    place.write({"m": hub_model(path="m"), "n": hub_model("org/none", path="n")})
    fails(place.lock(), 69, "hub.repository-not-found")
    assert place.lock_path.read_bytes() == before


def test_keep_going_locks_the_rest(place, hub):
    hub.add("org/name", SNAPSHOT)
    place.write({"a": hub_model("org/none", path="a"), "m": hub_model(path="m")})
    fails(place.lock("--keep-going"), 69, "hub.repository-not-found")
    assert list(place.lock_json["models"]) == ["m"]


# Hostile listings: refused as a whole, before any file is asked for.

@pytest.mark.parametrize("name, path", [
    ("parent", "../x"), ("middle-parent", "a/../../x"), ("absolute", "/etc/passwd"),
    ("empty-component", "a//b"), ("dot", "./a"), ("newline", "a\nb"), ("escape", "a\x1b[31mb"),
    ("backslash", "a\\b"), ("drive", "C:/x"), ("bidi", "a‮b"), ("trailing-dot", "a./b"),
    ("trailing-blank", "a /b"), ("long-component", "x" * 300), ("deep", "d/" * 70 + "x"),
])
def test_unsafe_path_in_a_listing(place, hub, name, path):
    hub.add("org/name", {path: b"x"})
    place.write({"m": hub_model()})
    result = place.lock()
    assert result.code == 65, result
    assert result.errors[0][0] in ("path.unsafe", "path.too-long"), result
    assert not hub.requests("/resolve/") and "\x1b" not in result.err
    assert not place.lock_path.exists()


@pytest.mark.parametrize("name, paths", [
    ("case", ["A.json", "a.json"]), ("prefix", ["x", "x/y"]), ("directory-case", ["D/a", "d/b"]),
])
def test_colliding_paths_in_a_listing(place, hub, name, paths):
    hub.add("org/name", {path: noise(5000, index) for index, path in enumerate(paths)})
    place.write({"m": hub_model()})
    fails(place.lock(), 65, "path.collision")
    assert not place.lock_path.exists()


@pytest.mark.parametrize("name, body", [
    ("html", b"<!DOCTYPE html><html>log in</html>"), ("empty", b""), ("truncated", b'[{"type":'),
    ("not-an-array", b"{}"), ("no-path", b'[{"type": "file", "size": 1}]'),
    ("negative-size", b'[{"type": "file", "path": "x", "size": -1, "oid": "' + b"a" * 40 + b'"}]'),
    ("huge-size", b'[{"type": "file", "path": "x", "size": 9007199254740992, "oid": "' + b"a" * 40 + b'"}]'),
    ("no-oid", b'[{"type": "file", "path": "x", "size": 1}]'),
    ("bad-lfs-oid", b'[{"type": "file", "path": "x", "size": 1, "lfs": {"oid": "../x", "size": 1}}]'),
    ("duplicate-key", b'[{"type": "file", "type": "file", "path": "x", "size": 1}]'),
    ("deep", b"[" * 100 + b"]" * 100),
])
def test_bad_listing(place, hub, name, body):
    hub.add("org/name", {"x": b"x"})
    hub.fault("/tree/", times=9, status=200, body=body,
              headers={"Content-Type": "text/html" if name == "html" else "application/json"})
    place.write({"m": hub_model()})
    result = fails(place.lock(), 76, "hub.reply")
    assert ("HTML page" in result.err) == (name == "html")


def test_commit_that_is_none(place, hub):
    hub.add("org/name", {"x": b"x"})
    hub.fault("/revision/", times=9, status=200, body=b'{"sha": "../../etc"}')
    place.write({"m": hub_model()})
    fails(place.lock(), 76, "hub.reply")


def test_listing_larger_than_the_cap(place, hub):
    hub.add("org/name", {"x": b"x"})
    hub.fault("/tree/", times=9, status=200, body=b"[" + b" " * (17 << 20) + b"]")
    place.write({"m": hub_model()})
    fails(place.lock(), 76, "net.too-large")


def test_api_is_retried(place, hub):
    hub.add("org/name", {"x": noise(5000)})
    hub.fault("/revision/", times=1, status=503, body=b"")
    hub.fault("/tree/", times=1, cut=3)
    place.locked({"m": hub_model()})


def test_mirror_answers_when_the_hub_does_not(place, hub):
    hub.add("org/name", SNAPSHOT)
    place.write({"m": hub_model(path="m")})
    result = ok(run("bake-lock", place.manifest, "--endpoint", "http://127.0.0.1:1", "--mirror",
                    hub.origin, "--retries", 0))
    assert "trying " + hub.origin in result.err
    assert len(locked_files(place)) == len(SNAPSHOT)


def test_mirror_is_not_asked_what_the_hub_denies(place, hub):
    place.write({"m": hub_model("org/none")})
    fails(place.lock("--mirror", "http://127.0.0.1:1"), 69, "hub.repository-not-found")


# Plain URLs.

def test_url_is_read_once_for_its_digest(place, hub):
    data = noise(50000)
    hub.plain["/files/model.gguf"] = File(data)
    place.locked({"m": {"source": {"url": hub.origin + "/files/model.gguf"}, "path": "m"}})
    assert locked_files(place)["m/model.gguf"]["sha256"] == sha256(data)
    assert len(hub.requests("/files/")) == 1


def test_url_with_all_pins_needs_no_network(place, hub):
    place.write({"m": {"source": {"url": "https://example.invalid/x.gguf"}, "files": [
        {"name": "x.gguf", "size": 5, "sha256": "AB" * 32}]}})
    ok(place.lock("--offline"))
    assert locked_files(place)["m/x.gguf"]["sha256"] == "ab" * 32


def test_url_with_a_digest_asks_only_for_the_size(place, hub):
    data = noise(1 << 20)
    hub.plain["/model.gguf"] = File(data)
    place.locked({"m": {"source": {"url": hub.origin + "/model.gguf"}, "files": [
        {"name": "model.gguf", "sha256": sha256(data)}]}})
    assert locked_files(place)["m/model.gguf"]["size"] == len(data)
    assert sum(request.sent for request in hub.log) <= 1


def test_url_base_with_files(place, hub):
    for name in ("a.bin", "sub/b c.bin"):
        hub.plain["/base/" + name] = File(noise(5000, len(name)))
    place.locked({"m": {"source": {"url": hub.origin + "/base/"}, "path": "m",
                        "files": [{"name": "a.bin"}, {"name": "sub/b c.bin"}]}})
    assert set(locked_files(place)) == {"m/a.bin", "m/sub/b c.bin"}


def test_html_at_a_url_is_not_pinned(place, hub):
    hub.plain["/model.gguf"] = File(b"<html><body>please log in</body></html>")
    place.write({"m": {"source": {"url": hub.origin + "/model.gguf"}}})
    result = fails(place.lock(), 20, "integrity.content")
    assert "looks like HTML" in result.err


def test_lfs_pointer_at_a_url_is_not_pinned(place, hub):
    hub.plain["/model.gguf"] = File(File(noise(5000)).pointer())
    place.write({"m": {"source": {"url": hub.origin + "/model.gguf"}}})
    result = fails(place.lock(), 20, "integrity.content")
    assert "Git LFS pointer" in result.err and "git lfs pull" in result.err


def test_url_without_length_is_not_pinned(place, hub):
    hub.plain["/model.gguf"] = File(noise(5000))
    hub.fault("/model.gguf", times=9, length=False)
    place.write({"m": {"source": {"url": hub.origin + "/model.gguf"}}})
    fails(place.lock("--retries", 0), 76, "net.no-length")


@pytest.mark.parametrize("name, url", [
    ("userinfo", "https://user:pass@example.com/x.gguf"),
    ("query-token", "https://example.com/x.gguf?token=abc"),
    ("signature", "https://example.com/x.gguf?X-Amz-Signature=abc"),
])
def test_secret_in_url(place, hub, name, url):
    place.write({"m": {"source": {"url": url}, "files": [
        {"name": "x.gguf", "size": 1, "sha256": "ab" * 32}]}})
    result = fails(place.lock("--offline"), 22, "policy.secret-in-url")
    assert "abc" not in result.err and "pass" not in result.err.replace("password", "")


# Files beside the manifest.

def test_local_directory(place, tmp_path):
    (tmp_path / "local/sub").mkdir(parents=True)
    (tmp_path / "local/a.bin").write_bytes(b"a")
    (tmp_path / "local/sub/b.txt").write_bytes(b"bb")
    place.write({"m": {"source": {"file": "local"}, "path": "m", "exclude": ["*.txt"]}})
    ok(place.lock("--offline"))
    assert set(locked_files(place)) == {"m/a.bin"}


def test_local_lfs_pointer_is_told_apart(place, tmp_path):
    (tmp_path / "x.safetensors").write_bytes(File(noise(5000)).pointer())
    place.write({"m": {"source": {"file": "x.safetensors"}}})
    result = fails(place.lock("--offline"), 20, "integrity.lfs-pointer")
    assert "git lfs pull" in result.err


def test_local_file_absent(place):
    place.write({"m": {"source": {"file": "nothing.gguf"}}})
    fails(place.lock("--offline"), 66, "fs.not-found")


def test_local_source_does_not_leave_its_directory(place, tmp_path):
    place.write({"m": {"source": {"file": "../secret"}}})
    fails(place.lock("--offline"), 65, "path.unsafe")
    (tmp_path / "link").symlink_to("/etc/hostname")
    place.write({"m": {"source": {"file": "link"}}})
    fails(place.lock("--offline"), 73, "path.symlink")


def test_lock_of_local_files_stays_beside_them(place, tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"x")
    (tmp_path / "elsewhere").mkdir()
    place.write({"m": {"source": {"file": "x.gguf"}}})
    fails(place.lock("--offline", "-o", tmp_path / "elsewhere/l.json"), 78, "lock.place")


# Where the lock goes.

def test_output_to_standard_output(place, hub):
    hub.add("org/name", {"x.txt": b"x"})
    place.write({"m": hub_model()})
    result = ok(place.lock("-o", "-"))
    assert result.json["schema"] == "bake.lock/1" and not place.lock_path.exists()


def test_offline_without_pins(place, hub):
    place.write({"m": hub_model()})
    fails(place.lock("--offline"), 69, "net.offline")
    fails(place.lock(env={"HF_HUB_OFFLINE": "1"}), 69, "net.offline")
    assert not hub.log


def test_json_summary(place, hub):
    hub.add("org/name", {"x.txt": b"x", "y.bin": noise(5000)})
    place.write({"m": hub_model()})
    summary = ok(place.lock("--json")).json
    assert summary["files"] == 2 and summary["bytes"] == 5001 and summary["changed"] is True


def test_endpoint_from_the_environment(place, hub):
    hub.add("org/name", {"x.txt": b"x"})
    place.write({"m": hub_model()})
    ok(run("bake-lock", place.manifest, env={"HF_ENDPOINT": hub.origin + "/"}))


def test_a_manifest_that_is_not_there(tmp_path):
    fails(run("bake-lock", tmp_path / "none.json"), 66, "fs.not-found")


def test_an_old_lock_that_cannot_be_read(place, hub):
    hub.add("org/name", {"x.txt": b"x"})
    place.write({"m": hub_model()}).lock_path.write_text("{")
    result = fails(place.lock(), 65, "json.syntax")
    assert "remove it" in result.err


# Slices: what a layer of an image depends on.

def test_slices(place, hub, tmp_path):
    hub.add("org/name", {"x.bin": noise(5000)})
    (tmp_path / "local.gguf").write_bytes(noise(6000))
    place.locked({
        "base": hub_model(path="base", role="base"),
        "chat": {"source": {"file": "local.gguf"}, "path": "chat", "role": "chat"},
    }, profiles={"default": ["base", "chat"], "only-base": ["base"]})
    first = ok(run("bake-lock", "--slice", 1, place.lock_path)).json
    assert list(first["models"]) == ["base"] and first["slice"] == 1
    assert "manifest_sha256" not in first
    assert first["profiles"] == {"default": ["base"], "only-base": ["base"]}
    second = ok(run("bake-lock", "--slice", 2, "--copy-files", tmp_path / "out",
                    "-o", tmp_path / "out.json", place.lock_path))
    assert second.out == ""
    assert (tmp_path / "out/local.gguf").read_bytes() == noise(6000)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["local.gguf"]
    empty = ok(run("bake-lock", "--slice", 4, place.lock_path)).json
    assert empty["models"] == {} and empty["profiles"]["default"] == []


def test_a_slice_does_not_change_with_another_layer(place, hub):
    hub.add("org/one", {"x.bin": noise(5000, 1)})
    hub.add("org/two", {"x.bin": noise(5000, 2)})
    models = {"one": hub_model("org/one", role="base"), "two": hub_model("org/two", role="chat")}
    place.locked(models)
    before = run("bake-lock", "--slice", 1, place.lock_path).out
    hub.add("org/two", {"x.bin": noise(5000, 3)})
    models["one"]["title"] = "Another title"
    place.write(models)
    ok(place.lock("--upgrade", "two"))
    assert run("bake-lock", "--slice", 1, place.lock_path).out == before


def test_slice_of_a_changed_local_file(place, tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"x")
    place.write({"m": {"source": {"file": "x.gguf"}}})
    ok(place.lock("--offline"))
    (tmp_path / "x.gguf").write_bytes(b"y")
    fails(run("bake-lock", "--slice", 3, "--copy-files", tmp_path / "out", place.lock_path), 20,
          "integrity.sha256")
