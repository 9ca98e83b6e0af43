# SPDX-License-Identifier: Apache-2.0
"""bake-fetch --layout: byte for byte what a Hub client leaves, and so recognises.

What the client writes is said here once more, from its own documentation: names, link targets,
texts. A tree that is fetched is compared with that as a whole, so nothing may be missing and
nothing more may be there.
"""
import json
import os
import signal
import stat
import subprocess
import time

import pytest

from conftest import TOOLS, fails, hub_model, noise, ok, start, traced
from hubserver import File, git_sha1, sha256
from models import gguf_weights, weights

FILES = {
    "config.json": b'{"a": 1}\n',
    "empty.txt": b"",
    "sub/dir/weights.safetensors": weights(300000, 1),
    "unet/\u00fcber \"1\".txt": b"umlaut",
    "weights-2.safetensors": weights(200000, 2),
}
MOVED = {**FILES, "config.json": b'{"a": 2}\n'}


# What the client writes.

def tree_text(files):
    """json.dump(..., indent=1) of the listing, by name."""
    def entry(data):
        file = File(data)
        if not file.lfs:
            return {"size": file.size, "blob_id": git_sha1(data)}
        return {"size": file.size, "blob_id": git_sha1(file.pointer()),
                "lfs_sha256": file.sha256, "lfs_size": file.size}

    return json.dumps({"format_version": 1,
                       "files": {name: entry(files[name]) for name in sorted(files)}},
                      indent=1).encode()


def cache_tree(repo, commit, files, revision="main", complete=True):
    """{path: bytes, or "-> target"} below $HF_HUB_CACHE."""
    base = "models--" + repo.replace("/", "--")
    tree = {}
    for name, data in files.items():
        etag = File(data).etag()
        tree[f"{base}/blobs/{etag}"] = data
        up = "../" * (2 + name.count("/"))
        tree[f"{base}/snapshots/{commit}/{name}"] = f"-> {up}blobs/{etag}"
    if revision:
        tree[f"{base}/refs/{revision}"] = commit.encode()
    if complete:
        tree[f"{base}/trees/{commit}.json"] = tree_text(files)
    return tree


def local_tree(directory, commit, files, seconds="0.0", complete=True):
    """The same for a --local-dir."""
    own = directory + ".cache/huggingface/"
    tree = {own + ".gitignore": b"*"}
    for name, data in files.items():
        tree[directory + name] = data
        tree[f"{own}download/{name}.metadata"] = (
            f"{commit}\n{File(data).etag()}\n{seconds}\n".encode())
    if complete:
        tree[f"{own}trees/{commit}.json"] = tree_text(files)
    return tree


def found(models):
    """What is there: everything but directories."""
    tree = {}
    for folder, folders, names in os.walk(models):
        for name in names + [name for name in folders
                             if os.path.islink(os.path.join(folder, name))]:
            path = os.path.join(folder, name)
            key = os.path.relpath(path, models)
            if os.path.islink(path):
                tree[key] = "-> " + os.readlink(path)
            elif os.path.isfile(path):
                with open(path, "rb") as stream:
                    tree[key] = stream.read()
            else:
                tree[key] = "something else"
    return tree


def marks(models):
    """What a second run must not change of anything."""
    return {path: (info.st_ino, info.st_ctime_ns) for path in [models, *models.rglob("*")]
            for info in [os.lstat(path)]}


@pytest.fixture
def commit(hub):
    return hub.add("org/name", FILES)


@pytest.fixture
def locked(place, commit):
    return place.locked({"m": hub_model(path="m")})


def cache(place, *args, **options):
    return place.fetch("--layout", "hf-cache", *args, **options)


def local(place, *args, **options):
    return place.fetch("--layout", "hf-local", *args, **options)


# A good day.

def test_cache(locked, commit):
    ok(cache(locked))
    assert found(locked.models) == cache_tree("org/name", commit, FILES)


def test_local(locked, commit):
    ok(local(locked))
    assert found(locked.models) == local_tree("m/", commit, FILES)


def test_plain_is_what_it_was(locked):
    ok(locked.fetch("--layout", "plain"))
    assert found(locked.models) == {"m/" + name: data for name, data in FILES.items()}


def test_every_link_leads_to_its_content(locked, commit):
    ok(cache(locked))
    snapshot = locked.models / "models--org--name/snapshots" / commit
    assert {name: (snapshot / name).read_bytes() for name in FILES} == FILES
    for name in FILES:
        assert (snapshot / name).resolve().parent == locked.models / "models--org--name/blobs"


@pytest.mark.parametrize("layout", ["hf-local", "hf-cache"])
def test_modes_owners_and_times(locked, layout):
    old = os.umask(0o077)
    try:
        ok(locked.fetch("--layout", layout, env={"SOURCE_DATE_EPOCH": "1234567890"}))
    finally:
        os.umask(old)
    for path in [locked.models, *locked.models.rglob("*")]:
        info = os.lstat(path)
        assert info.st_mtime_ns == 1234567890 * 10**9, path
        assert (info.st_uid, info.st_gid) == (os.geteuid(), os.getegid()), path
        if not stat.S_ISLNK(info.st_mode):
            want = 0o755 if stat.S_ISDIR(info.st_mode) else 0o644
            assert stat.S_IMODE(info.st_mode) == want, path


def test_metadata_carries_the_time_of_its_file(locked, commit):
    """The client takes a file for changed when it is newer than its metadata says."""
    ok(local(locked, env={"SOURCE_DATE_EPOCH": "1234567890"}))
    assert found(locked.models) == local_tree("m/", commit, FILES, seconds="1234567890.0")


def test_a_file_that_was_there_keeps_its_time_and_gets_metadata_that_fits(locked, commit):
    target = locked.models / "m/config.json"
    target.parent.mkdir(parents=True)
    target.write_bytes(FILES["config.json"])
    os.utime(target, (1700000000.75, 1700000000.75))
    ok(local(locked))
    assert target.stat().st_mtime == 1700000000.75
    text = (locked.models / "m/.cache/huggingface/download/config.json.metadata").read_text()
    assert text == f"{commit}\n{git_sha1(FILES['config.json'])}\n1700000000.0\n"
    assert target.stat().st_mtime - 1 <= float(text.split("\n")[2])


@pytest.mark.parametrize("layout", ["hf-local", "hf-cache"])
def test_second_run_does_nothing(locked, hub, layout):
    ok(locked.fetch("--layout", layout))
    before = marks(locked.models)
    hub.log.clear()
    result = ok(locked.fetch("--layout", layout, "--json",
                             env={"SOURCE_DATE_EPOCH": "1234567890"})).json
    assert not hub.log
    assert {file["outcome"] for file in result["files"]} == {"present"}
    assert marks(locked.models) == before


def test_the_report_names_what_is_opened(locked, commit):
    result = ok(cache(locked, "--json")).json
    assert {file["path"] for file in result["files"]} == {
        f"models--org--name/snapshots/{commit}/{name}" for name in FILES}


def test_dry_run_touches_nothing(locked, hub):
    hub.log.clear()
    ok(cache(locked, "--dry-run"))
    assert not hub.log and not locked.models.exists()
    ok(cache(locked))
    before = marks(locked.models)
    assert "0 to fetch" in ok(cache(locked, "--dry-run")).out
    assert marks(locked.models) == before


def test_in_the_models_directory_itself(place, hub, commit):
    place.locked({"m": hub_model(path="m")})

    def up(lock):
        for file in lock["models"]["m"]["files"]:
            file["path"] = file["name"]
    place.edit_lock(up)
    place.manifest.unlink()
    ok(local(place))
    assert found(place.models) == local_tree("", commit, FILES)


def test_a_bake_cache_below(locked, commit, tmp_path):
    ok(locked.fetch("--cache", tmp_path / "cache"))
    locked.models = tmp_path / "second"
    result = ok(cache(locked, "--cache", tmp_path / "cache", "--offline", "--json")).json
    assert {file["outcome"] for file in result["files"]} == {"cached"}
    assert found(locked.models) == cache_tree("org/name", commit, FILES)


# Which revision, which files.

@pytest.mark.parametrize("revision, ref", [
    ("v1.0", "v1.0"), ("feature/x", "feature/x"), ("refs/pr/1", "refs/pr/1")])
def test_refs(place, hub, revision, ref):
    commit = hub.add("org/name", FILES, branch=revision)
    place.locked({"m": {"source": {"hub": "org/name", "revision": revision}, "path": "m"}})
    ok(cache(place))
    assert found(place.models) == cache_tree("org/name", commit, FILES, revision=ref)


def test_no_ref_for_a_commit(place, commit):
    place.locked({"m": {"source": {"hub": "org/name", "revision": commit}, "path": "m"}})
    ok(cache(place))
    assert found(place.models) == cache_tree("org/name", commit, FILES, revision=None)


def test_a_repository_without_an_owner(place, hub):
    commit = hub.add("gpt2", FILES)
    place.locked({"m": hub_model("gpt2", path="m")})
    ok(cache(place))
    assert found(place.models) == cache_tree("gpt2", commit, FILES)


@pytest.mark.parametrize("fields", [
    {"exclude": ["*.safetensors"]}, {"include": ["*.json", "*.txt"]},
    {"files": [{"name": name} for name in FILES if not name.endswith(".safetensors")]}])
def test_a_part_is_not_announced_as_the_whole(place, commit, fields):
    place.locked({"m": hub_model(path="m", **fields)})
    part = {name: data for name, data in FILES.items() if not name.endswith(".safetensors")}
    assert "complete" not in place.lock_json["models"]["m"]
    ok(cache(place))
    assert found(place.models) == cache_tree("org/name", commit, part, complete=False)
    place.models = place.path / "local"
    ok(local(place))
    assert found(place.models) == local_tree("m/", commit, part, complete=False)


def test_a_lock_keeps_what_it_knows_of_the_whole(locked):
    assert locked.lock_json["models"]["m"]["complete"] is True
    locked.write({"m": hub_model(path="m", title="Another title")})
    ok(locked.lock())
    assert locked.lock_json["models"]["m"]["complete"] is True


def test_a_lock_that_says_nothing_of_the_whole(locked, commit):
    locked.edit_lock(lambda lock: lock["models"]["m"].pop("complete"))
    ok(cache(locked))
    assert found(locked.models) == cache_tree("org/name", commit, FILES, complete=False)


def test_two_models_share_a_repository(place, hub, commit):
    place.locked({"a": hub_model(path="a", include=["*.json"]),
                  "b": hub_model(path="b", include=["*.json", "*.txt"])})
    part = {name: data for name, data in FILES.items() if not name.endswith(".safetensors")}
    hub.log.clear()
    result = ok(cache(place, "--json")).json
    assert found(place.models) == cache_tree("org/name", commit, part, complete=False)
    assert len(result["files"]) == 4 and len(hub.requests("resolve/.*config.json")) == 1
    before = marks(place.models)
    ok(cache(place))
    assert marks(place.models) == before


def test_equal_content_in_one_repository_is_one_blob(place, hub):
    data = noise(100000)
    files = {f"{name}.bin": data for name in "abcde"}
    commit = hub.add("org/name", files)
    place.locked({"m": hub_model(path="m")})
    result = ok(cache(place, "--json")).json
    assert found(place.models) == cache_tree("org/name", commit, files)
    assert len(hub.requests(origin="cdn")) == 1
    assert result["needed_bytes"] == len(data)


def test_one_blob_of_four_models_that_fails(place, hub, commit):
    """None of them waits for another, and each is told of."""
    place.locked({name: hub_model(path=name, include=["sub/*"]) for name in "abcd"})
    hub.fault("GET /.*weights", times=1, status=404)
    result = cache(place, "--keep-going", "--json")
    assert result.code == 69 and {file["outcome"] for file in result.json["files"]} == {"failed"}
    assert not place.files()
    result = ok(cache(place, "--json")).json
    assert sorted(file["outcome"] for file in result["files"]) == [
        "copied", "copied", "copied", "fetched"]
    part = {"sub/dir/weights.safetensors": FILES["sub/dir/weights.safetensors"]}
    assert found(place.models) == cache_tree("org/name", commit, part, complete=False)


def test_equal_content_in_two_repositories(place, hub):
    first = hub.add("org/a", FILES)
    second = hub.add("org/b", FILES)
    place.locked({"a": hub_model("org/a", path="a"), "b": hub_model("org/b", path="b")})
    ok(cache(place))
    assert found(place.models) == {**cache_tree("org/a", first, FILES),
                                   **cache_tree("org/b", second, FILES)}
    assert len(hub.requests(origin="cdn")) == 2  # two LFS files, each once


def test_saved_under_another_name(place, hub, commit):
    place.locked({"m": hub_model(path="m", files=[{"name": "config.json", "save_as": "C.json"},
                                                  {"name": "empty.txt"}])})
    result = ok(local(place))
    assert "m/C.json is saved under another name" in result.err
    want = local_tree("m/", commit, {"empty.txt": b""}, complete=False)
    assert found(place.models) == {**want, "m/C.json": FILES["config.json"]}
    place.models = place.path / "cache"  # which has a repository's own names only
    ok(cache(place))
    part = {name: FILES[name] for name in ("config.json", "empty.txt")}
    assert found(place.models) == cache_tree("org/name", commit, part, complete=False)


def test_two_repositories_in_one_directory(place, hub):
    first = hub.add("org/a", {"a.bin": noise(5000, 1)})
    second = hub.add("org/b", {"b.bin": noise(5000, 2)})
    place.locked({"a": hub_model("org/a", path="m"), "b": hub_model("org/b", path="m")})
    ok(local(place))
    assert found(place.models) == {**local_tree("m/", first, {"a.bin": noise(5000, 1)}),
                                   **local_tree("m/", second, {"b.bin": noise(5000, 2)})}


def test_other_sources(place, hub, commit):
    hub.plain["/x.gguf"] = File(gguf_weights(5000))
    (place.path / "y.gguf").write_bytes(gguf_weights(5000, 2))
    place.locked({"m": hub_model(path="m"), "x": {"source": {"url": hub.origin + "/x.gguf"},
                                                  "path": "x"},
                  "y": {"source": {"file": "y.gguf"}, "path": "y"}})
    result = fails(cache(place), 78, "layout.source")
    assert "x/x.gguf" in result.errors[0][1] and not place.models.exists()
    ok(cache(place, "m"))
    assert found(place.models) == cache_tree("org/name", commit, FILES)
    place.models = place.path / "local"  # is plain, where there is no repository
    ok(local(place))
    assert found(place.models) == {**local_tree("m/", commit, FILES),
                                   "x/x.gguf": gguf_weights(5000), "y/y.gguf": gguf_weights(5000, 2)}


# Another state of the repository.

def test_a_moved_branch(locked, hub, commit):
    ok(cache(locked))
    moved = hub.add("org/name", MOVED)
    ok(locked.lock("--upgrade"))
    hub.log.clear()
    ok(cache(locked))
    assert not hub.requests(origin="cdn")
    assert found(locked.models) == {**cache_tree("org/name", commit, FILES),
                                    **cache_tree("org/name", moved, MOVED)}


def test_a_moved_branch_in_place(locked, hub, commit):
    ok(local(locked))
    moved = hub.add("org/name", MOVED)
    ok(locked.lock("--upgrade"))
    ok(local(locked))
    old = f"m/.cache/huggingface/trees/{commit}.json"
    assert found(locked.models) == {**local_tree("m/", moved, MOVED), old: tree_text(FILES)}


def test_two_commits_by_one_name(place, hub, commit):
    place.locked({"a": hub_model(path="a"), "b": hub_model(path="b")})

    def part(lock):
        lock["models"]["b"]["source"]["commit"] = "ab" * 20
    place.edit_lock(part)
    fails(cache(place), 78, "pin.conflict")
    assert not place.models.exists()


def test_one_blob_with_two_contents(locked):
    """A lock that gives two files one git name and two digests is not to be believed."""
    def forge(lock):
        files = {file["name"]: file for file in lock["models"]["m"]["files"]}
        files["config.json"]["git_sha1"] = files["empty.txt"]["git_sha1"]
    locked.edit_lock(forge)
    fails(cache(locked), 78, "pin.conflict")
    assert not locked.models.exists()


def test_a_revision_that_climbs(locked, tmp_path):
    locked.edit_lock(lambda lock: lock["models"]["m"]["source"].update(
        revision="../../../escaped"))
    fails(cache(locked), 65, "path.unsafe")
    assert not (tmp_path / "escaped").exists() and not locked.models.exists()


# After failures.

def test_a_failed_file_leaves_no_snapshot(locked, hub, commit):
    hub.fault("GET /.*weights-2", times=99, status=404)
    fails(cache(locked, "-j", 1), 69, "net.not-found")
    base = locked.models / "models--org--name"
    assert not (base / "refs").exists() and not (base / "trees").exists()
    hub.faults.clear()
    ok(cache(locked))
    assert found(locked.models) == cache_tree("org/name", commit, FILES)


@pytest.mark.parametrize("layout", ["hf-local", "hf-cache"])
def test_an_optional_model_that_failed_is_not_announced(place, hub, layout):
    first = hub.add("org/a", FILES)
    second = hub.add("org/b", {"x.bin": noise(9000), "y.bin": noise(9000, 2)})
    place.locked({"a": hub_model("org/a", path="a"),
                  "b": hub_model("org/b", path="b", required=False)})
    hub.fault("GET /org/b/.*y.bin", times=99, status=404)
    fails(place.fetch("--layout", layout, "--all", "--keep-going"), 24, "net.not-found")
    if layout == "hf-cache":
        want = {**cache_tree("org/a", first, FILES),
                **cache_tree("org/b", second, {"x.bin": noise(9000)}, revision=None,
                             complete=False)}
    else:
        want = {**local_tree("a/", first, FILES),
                **local_tree("b/", second, {"x.bin": noise(9000)}, complete=False)}
    assert found(place.models) == want
    hub.faults.clear()
    ok(place.fetch("--layout", layout, "--all"))
    assert len(found(place.models)) == len(want) + (4 if layout == "hf-cache" else 3)


def test_killed_while_bytes_come(locked, hub, commit):
    hub.fault("xet-bridge.*weights-2", times=1, stall=100000)
    process = start("bake-fetch", "-l", locked.lock_path, "-d", locked.models, "--endpoint",
                    hub.origin, "--allow-http", "--layout", "hf-cache", "--progress", "none")
    end = time.monotonic() + 60
    while not any(part.stat().st_size >= 100000 for part in locked.parts()):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.communicate()
    hub.faults.clear()
    ok(cache(locked))
    assert found(locked.models) == cache_tree("org/name", commit, FILES)


def forget(models, layout):
    """Removes what is around the files."""
    for path in models.rglob("*"):
        inner = os.path.relpath(path, models)
        content = "/blobs/" in inner if layout == "hf-cache" else ".cache" not in inner
        if not path.is_dir() and not content:
            path.unlink()


def traced_fetch(place, fault, layout):
    command, env = traced(fault.split(":")[0], "-o", os.devnull, "-e", f"inject={fault}")
    return subprocess.run([*command, TOOLS / "bake-fetch", "-l", place.lock_path, "-d",
                           place.models, "--layout", layout, "--offline"],
                          env=env, capture_output=True, timeout=120)


# Of links there are five, of texts two; of texts of hf-local seven.
CALLS = [("hf-cache", call, at) for call, times in
         (("symlinkat", (1, 2, 5)), ("renameat2", (1, 2, 5)), ("renameat", (1, 2)),
          ("fsync", (1, 5, 7))) for at in times]
CALLS += [("hf-local", call, at) for call in ("renameat", "fsync") for at in (1, 2, 7)]


@pytest.mark.parametrize("layout, call, at", CALLS)
def test_killed_while_it_is_arranged(locked, commit, layout, call, at):
    """kill -9 at a link, a rename or a sync: the bytes are there already, the rest is not."""
    ok(locked.fetch("--layout", layout))
    want = found(locked.models)
    forget(locked.models, layout)
    process = traced_fetch(locked, f"{call}:signal=SIGKILL:when={at}", layout)
    assert process.returncode == -signal.SIGKILL, process
    left = {name: data for name, data in found(locked.models).items()
            if not name.startswith(".bake/")}
    assert left.items() <= want.items() and left != want
    if "models--org--name/refs/main" in left:
        assert len(left) == len(want)
    ok(locked.fetch("--layout", layout, "--offline"))
    assert found(locked.models) == want
    assert {os.lstat(path).st_mtime for path in locked.models.rglob("*")} == {0}


@pytest.mark.parametrize("error", ["EINVAL", "ENOSYS"])
def test_a_file_system_that_cannot_rename_without_replacing(locked, commit, error):
    ok(locked.fetch("--layout", "hf-cache"))
    want = found(locked.models)
    link = locked.models / "models--org--name/snapshots" / commit / "config.json"
    link.unlink()
    result = traced_fetch(locked, f"renameat2:error={error}", "hf-cache")
    assert result.returncode == 0, result
    assert found(locked.models) == want
    link.unlink()
    link.write_text("mine")
    assert traced_fetch(locked, f"renameat2:error={error}", "hf-cache").returncode == 73
    assert link.read_text() == "mine"


@pytest.mark.parametrize("layout, fault, code", [
    ("hf-cache", "symlinkat:error=ENOSPC", 23), ("hf-cache", "symlinkat:error=EPERM", 77),
    ("hf-cache", "renameat2:error=EIO", 74), ("hf-cache", "renameat:error=EIO", 74),
    ("hf-local", "pwrite64:error=ENOSPC:when=2+", 23), ("hf-local", "fsync:error=EIO", 74),
    ("hf-local", "renameat:error=EIO", 74)])
def test_what_cannot_be_arranged_is_an_error_and_a_rerun_ends_right(locked, layout, fault, code):
    ok(locked.fetch("--layout", layout))
    want = found(locked.models)
    forget(locked.models, layout)
    result = traced_fetch(locked, fault, layout)
    assert result.returncode == code, result
    ok(locked.fetch("--layout", layout, "--offline"))
    assert found(locked.models) == want


# What is there already.

def put_link(path, target):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def put_dir(path, _):
    path.mkdir(parents=True)


def put_file(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


BASE = "models--org--name/"


@pytest.mark.parametrize("name, layout, where, make, what, error", [
    ("link-outside", "hf-cache", BASE + "snapshots/{commit}/config.json", put_link, "{outside}/f",
     "path.symlink"),
    ("link-elsewhere", "hf-cache", BASE + "snapshots/{commit}/config.json", put_link,
     "../../blobs/other", "path.symlink"),
    ("directory-for-link", "hf-cache", BASE + "snapshots/{commit}/config.json", put_dir, "",
     "path.type"),
    ("file-for-link", "hf-cache", BASE + "snapshots/{commit}/config.json", put_file, "mine",
     "path.type"),
    ("snapshots-outside", "hf-cache", BASE + "snapshots", put_link, "{outside}", "path.symlink"),
    ("blobs-outside", "hf-cache", BASE + "blobs", put_link, "{outside}", "path.symlink"),
    ("blob-outside", "hf-cache", BASE + "blobs/{blob}", put_link, "{outside}/f", "path.symlink"),
    ("blob-directory", "hf-cache", BASE + "blobs/{blob}", put_dir, "", "path.type"),
    ("repository-outside", "hf-cache", "models--org--name", put_link, "{outside}", "path.symlink"),
    ("ref-outside", "hf-cache", BASE + "refs/main", put_link, "{outside}/f", "path.symlink"),
    ("ref-directory", "hf-cache", BASE + "refs/main", put_dir, "", "path.type"),
    ("refs-file", "hf-cache", BASE + "refs", put_file, "mine", "path.type"),
    ("tree-outside", "hf-cache", BASE + "trees/{commit}.json", put_link, "{outside}/f",
     "path.symlink"),
    ("metadata-outside", "hf-local", "m/.cache/huggingface/download/config.json.metadata",
     put_link, "{outside}/f", "path.symlink"),
    ("metadata-directory", "hf-local", "m/.cache/huggingface/download/config.json.metadata",
     put_dir, "", "path.type"),
    ("client-outside", "hf-local", "m/.cache", put_link, "{outside}", "path.symlink"),
])
def test_what_is_in_the_way(locked, hub, commit, tmp_path, name, layout, where, make, what, error):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "f").write_text("not ours")
    names = {"commit": commit, "outside": outside, "blob": git_sha1(FILES["config.json"])}
    target = locked.models / where.format(**names)
    make(target, what.format(**names))
    before = os.lstat(target)
    hub.log.clear()
    fails(locked.fetch("--layout", layout), 73, error)
    assert not hub.log, "it is told before anything is fetched"
    after = os.lstat(target)
    assert (after.st_ino, after.st_mode, after.st_size) == (
        before.st_ino, before.st_mode, before.st_size)
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"f": "not ours"}
    if target.is_dir() and not target.is_symlink():
        target.rmdir()
    else:
        target.unlink()
    ok(locked.fetch("--layout", layout))
    assert found(locked.models) == (
        cache_tree("org/name", commit, FILES) if layout == "hf-cache"
        else local_tree("m/", commit, FILES))


@pytest.mark.parametrize("size", [200000, 5])
def test_a_blob_of_wrong_bytes(locked, hub, commit, size):
    blob = locked.models / BASE / "blobs" / sha256(FILES["weights-2.safetensors"])
    blob.parent.mkdir(parents=True)
    blob.write_bytes(noise(size, 9))
    result = ok(cache(locked))
    assert "other content" in result.err
    assert found(locked.models) == cache_tree("org/name", commit, FILES)


def test_what_another_client_left_is_kept(locked, hub, commit):
    """Right links and blobs, refs of other revisions, locks: all of it stays, nothing is fetched
    twice."""
    ok(cache(locked))
    base = locked.models / BASE
    (base / "refs/other").write_text("cd" * 20)
    put_file(locked.models / ".locks/models--org--name/x.lock", "")
    put_file(base / ".no_exist" / commit / "missing.json", "")
    (base / "refs/main").write_text("cd" * 20)
    link = base / "snapshots" / commit / "config.json"
    before = os.lstat(link)
    hub.log.clear()
    ok(cache(locked))
    assert not hub.log
    assert (base / "refs/main").read_text() == commit
    assert (base / "refs/other").read_text() == "cd" * 20
    assert (locked.models / ".locks/models--org--name/x.lock").exists()
    assert (base / ".no_exist" / commit / "missing.json").exists()
    assert os.lstat(link).st_ctime_ns == before.st_ctime_ns


def test_the_client_s_own_metadata_is_brought_up_to_date(locked, hub, commit):
    ok(local(locked))
    metadata = locked.models / "m/.cache/huggingface/download/config.json.metadata"
    metadata.write_text(f"{'cd' * 20}\n{'ef' * 20}\n1795210452.8963819\n")
    hub.log.clear()
    ok(local(locked))
    assert not hub.log
    assert found(locked.models) == local_tree("m/", commit, FILES)


# Verifying and indexing it.

@pytest.mark.parametrize("layout", ["hf-local", "hf-cache"])
def test_verify(locked, layout):
    ok(locked.fetch("--layout", layout))
    result = ok(locked.verify("-l", locked.lock_path, "--layout", layout))
    assert layout in result.out
    more = len(FILES) + 2
    assert f"{len(FILES) + more} of {len(FILES) + more} files verified" in result.out
    ok(locked.verify("-l", locked.lock_path, "--layout", layout, "--quick"))


def replace_link(path):
    path.unlink()
    path.symlink_to("../../blobs/other")


@pytest.mark.parametrize("name, layout, where, damage, error", [
    ("link-gone", "hf-cache", BASE + "snapshots/{commit}/config.json", os.unlink,
     "integrity.missing"),
    ("link-elsewhere", "hf-cache", BASE + "snapshots/{commit}/config.json", replace_link,
     "integrity.link"),
    ("link-a-file", "hf-cache", BASE + "snapshots/{commit}/config.json",
     lambda path: (path.unlink(), path.write_bytes(FILES["config.json"])), "integrity.link"),
    ("blob", "hf-cache", BASE + "blobs/{blob}", lambda path: path.write_bytes(b'{"a": 2}\n'),
     "integrity.sha256"),
    ("ref", "hf-cache", BASE + "refs/main", lambda path: path.write_text("cd" * 20),
     "integrity.sha256"),
    ("ref-newline", "hf-cache", BASE + "refs/main",
     lambda path: path.write_text(path.read_text() + "\n"), "integrity.size"),
    ("tree", "hf-cache", BASE + "trees/{commit}.json", os.unlink, "integrity.missing"),
    ("tree-a-link", "hf-cache", BASE + "trees/{commit}.json",
     lambda path: (path.unlink(), path.symlink_to("../refs/main")), "integrity.type"),
    ("extra", "hf-cache", BASE + "refs/other", lambda path: path.write_text("x"),
     "integrity.extra"),
    ("metadata", "hf-local", "m/.cache/huggingface/download/config.json.metadata", os.unlink,
     "integrity.missing"),
    ("outdated-metadata", "hf-local", "m/config.json", lambda path: os.utime(path, (9, 9)),
     "integrity.sha256"),
    ("extra-metadata", "hf-local", "m/.cache/huggingface/download/more.metadata",
     lambda path: path.write_text("x"), "integrity.extra"),
])
def test_verify_finds(locked, commit, name, layout, where, damage, error):
    ok(locked.fetch("--layout", layout))
    damage(locked.models / where.format(commit=commit, blob=git_sha1(FILES["config.json"])))
    fails(locked.verify("-l", locked.lock_path, "--layout", layout), 20, error)


def test_verify_of_models_that_need_not_be_there(place, hub):
    hub.plain["/x.gguf"] = File(gguf_weights(5000))
    hub.add("org/a", FILES)
    hub.add("org/b", {"x.bin": noise(9000)})
    place.locked({"a": hub_model("org/a", path="a"),
                  "b": hub_model("org/b", path="b", required=False),
                  "x": {"source": {"url": hub.origin + "/x.gguf"}, "path": "x",
                        "required": False}})
    ok(cache(place))
    ok(place.verify("-l", place.lock_path, "--layout", "hf-cache"))
    ok(cache(place, "b"))
    ok(place.verify("-l", place.lock_path, "--layout", "hf-cache"))
    (place.models / "models--org--b/refs/main").unlink()
    fails(place.verify("-l", place.lock_path, "--layout", "hf-cache"), 20, "integrity.missing")
    fails(place.verify("-l", place.lock_path, "--layout", "hf-cache", "x"), 78, "layout.source")


def test_verify_needs_the_lock(locked):
    ok(cache(locked))
    fails(locked.verify("--layout", "hf-cache"), 64, "usage.arguments")


def test_index(locked):
    """An index describes the plain files, which hf-local has; hf-cache it refuses with a hint."""
    ok(local(locked))
    ok(locked.index())
    assert locked.index_json["models"][0]["status"] == "baked"
    ok(locked.verify("-l", locked.lock_path, "--layout", "hf-local"))
    locked.models = locked.path / "cache"
    ok(cache(locked))
    result = fails(locked.index(), 66, "index.nothing")
    assert "hint: " in result.err and "hf-cache" in result.err
