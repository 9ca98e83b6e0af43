# SPDX-License-Identifier: Apache-2.0
"""What models take, what is there twice, and getting some of it back."""
import fcntl
import os
import shutil
import subprocess

import pytest

from conftest import TOOLS, environment, fails, noise, ok, run
from models import weights
from terminal import Session

TWIN = weights(1 << 20, 1)
OTHER = weights(1 << 20, 2)  # as large, and another


@pytest.fixture
def baked(place, monkeypatch):
    """Two models of the same bytes, one as large, one that is a twin in another mode."""
    files = {"a.safetensors": TWIN, "b.safetensors": TWIN, "c.safetensors": OTHER}
    (place.path / "from").mkdir()
    for name, data in files.items():
        (place.path / "from" / name).write_bytes(data)
    place.baked({name[0]: {"source": {"file": f"from/{name}"}, "path": f"dir-{name[0]}",
                           "category": "vae" if name[0] == "c" else "checkpoints"}
                 for name in files})
    monkeypatch.setenv("BAKE_MANIFESTS", str(place.manifest))
    return place


def storage(place, *args, **options):
    return run("bake-catalog", "storage", "-d", place.models, "--low", "0", *args, **options)


def tree(place):
    """Names, modes, times and bytes: all that an image would have of it."""
    found = {}
    for path in [place.models, *sorted(place.models.rglob("*"))]:
        st = path.lstat()
        found[str(path.relative_to(place.models))] = (
            st.st_mode, st.st_uid, st.st_mtime_ns, path.read_bytes() if path.is_file() else None)
    return found


def inode(place, name):
    return os.stat(place.models / name).st_ino


A, B, C = "dir-a/a.safetensors", "dir-b/b.safetensors", "dir-c/c.safetensors"


def test_sums(baked):
    report = ok(storage(baked, "--json", "--quota", "50GB", "-n", "2")).json
    size = len(TWIN)
    assert report["model_bytes"] == 3 * size
    assert report["other_bytes"] == (baked.models / "model-info.json").stat().st_size
    assert report["quota"] == 50 * 10**9
    assert report["available"] == min(report["free"], 50 * 10**9 - 3 * size)
    assert [(row["name"], row["bytes"], row["models"]) for row in report["categories"]] == [
        ("checkpoints", 2 * size, 2), ("VAE", size, 1)]
    assert [row["name"] for row in report["models"]] == ["a", "b", "c"]
    assert [row["path"] for row in report["largest"]] == [A, B]
    assert [(row["path"], row["of"]) for row in report["duplicates"]] == [(B, A)]
    assert report["duplicate_bytes"] == size and report["leftovers"] == []
    assert report["unhashed"] == 0 and not report["live"] and not report["low"]
    text = ok(storage(baked, "--quota", "50GB")).out
    for line in ("Quota        50.0 GB", "By category", "By model", "Largest files", "Duplicates"):
        assert line in text, text


def test_quota_that_is_used_up_and_a_warning(baked):
    result = ok(run("bake-catalog", "storage", "-d", baked.models, "--quota", "1MB", "--json"))
    assert result.json["available"] == 0 and result.json["low"]
    assert "only 0 bytes left for models" in result.err


def test_without_any_manifest(tmp_path):
    """The directory can be measured all the same; nothing in it is a model's."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models/x").write_bytes(b"x" * 10)
    (tmp_path / "models/e\x1b[31m").write_bytes(b"y" * 10)
    result = run("bake-catalog", "storage", "-d", tmp_path / "models", "--low", "0", cwd=tmp_path)
    assert "\x1b" not in ok(result).out and "\\x1b[31m" in result.out
    report = run("bake-catalog", "storage", "-d", tmp_path / "models", "--json", cwd=tmp_path).json
    assert report["model_bytes"] == 0 and report["other_bytes"] == 20 and report["unhashed"] == 2
    fails(run("bake-catalog", "storage", "-d", tmp_path / "nowhere"), 66, "fs.not-found")


def test_links_count_once(baked):
    os.link(baked.models / A, baked.models / "again")
    report = storage(baked, "--json").json
    assert report["model_bytes"] == 3 * len(TWIN) and report["linked_bytes"] == len(TWIN)
    assert [row["path"] for row in report["duplicates"]] == [B]  # of the other inode


def test_hash_finds_what_nobody_pinned(baked):
    (baked.models / "copy").write_bytes(TWIN)
    (baked.models / "as-large").write_bytes(noise(len(TWIN)))
    assert storage(baked, "--json").json["unhashed"] == 2
    report = storage(baked, "--json", "--hash").json
    assert report["unhashed"] == 0
    assert [row["path"] for row in report["duplicates"]] == [A, B]  # of "copy"


def test_dry_run_changes_nothing(baked):
    before = tree(baked)
    text = ok(storage(baked, "--prune", "--dry-run")).out
    assert f"{B}: share it with {A}" in text
    assert tree(baked) == before


def test_without_a_terminal_it_refuses(baked):
    before = tree(baked)
    fails(storage(baked, "--prune", stdin="y\n"), 64, "catalog.unconfirmed")
    assert tree(baked) == before
    fails(storage(baked, "--yes"), 64, "usage.value")


@pytest.mark.parametrize("answer, shared", [("y\n", True), ("n\n", False), ("\n", False)])
def test_on_a_terminal_it_asks(baked, answer, shared):
    session = Session([TOOLS / "bake-catalog", "storage", "-d", baked.models, "--prune",
                       "--method", "hardlink"], environment())
    session.wait_for(r"Get 1.05 MB back\? \[y/N\]")
    os.write(session.fd, answer.encode())
    assert session.end() == 0
    assert (inode(baked, A) == inode(baked, B)) == shared


def test_duplicates_become_links(baked):
    before = tree(baked)
    report = ok(storage(baked, "--prune", "--yes", "--method", "hardlink", "--json")).json
    assert [(row["path"], row["state"], row["method"]) for row in report["prune"]] == [
        (B, "done", "hardlink")]
    assert inode(baked, A) == inode(baked, B) != inode(baked, C)
    assert tree(baked) == before  # times of files and directories, too
    ok(baked.verify())
    again = ok(storage(baked, "--prune", "--yes")).out
    assert "nothing to get back" in again


def test_a_pin_is_not_believed(baked):
    """Of two files with one pin, one has other bytes: nothing is replaced."""
    data = bytearray(TWIN)
    data[-1] ^= 1
    os.chmod(baked.models / B, 0o644)
    (baked.models / B).write_bytes(data)
    result = storage(baked, "--prune", "--yes", "--method", "hardlink", "--json")
    assert [(row["state"], row["error"]) for row in result.json["prune"]] == [
        ("skipped", "integrity.changed")]
    assert (baked.models / B).read_bytes() == data and "left as it is" in result.err


def test_another_mode_is_kept(baked):
    os.chmod(baked.models / B, 0o600)
    report = storage(baked, "--prune", "--yes", "--method", "hardlink", "--json").json
    assert [(row["state"], row["error"]) for row in report["prune"]] == [
        ("skipped", "share.impossible")]
    assert inode(baked, A) != inode(baked, B)


def leftover(place):
    work = place.models / ".bake"
    work.mkdir()
    (work / "lock").write_text("4711\n")
    (work / "x.part").write_bytes(b"x" * 100000)
    return work


def test_leftovers(baked):
    before = tree(baked)
    work = leftover(baked)
    (baked.models / ".bake-0123456789abcdef.tmp").write_bytes(b"x" * 5000)
    report = storage(baked, "--json").json
    assert [row["kind"] for row in report["leftovers"]] == ["leftover", "temporary"]
    assert report["leftovers"][0]["bytes"] >= 100000
    report = ok(storage(baked, "--prune", "--only", "duplicates", "--method", "hardlink",
                        "--yes", "--json")).json
    assert work.exists() and [row["kind"] for row in report["prune"]] == ["duplicate"]
    os.utime(baked.models, ns=(before["."][2],) * 2)  # what this test made changed it
    report = ok(storage(baked, "--prune", "--yes", "--json")).json
    assert [row["state"] for row in report["prune"]] == ["done", "done"]
    assert tree(baked) == before


@pytest.mark.parametrize("name", ["lock", "x.part"])
def test_a_live_one_is_not_touched(baked, name):
    """Neither a fetch's directory, nor one that has parts with locks of their own."""
    work = leftover(baked)
    before = tree(baked)
    with open(work / name, "rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        report = ok(storage(baked, "--json")).json
        assert report["live"] and report["leftovers"] == []
        assert "working in this directory" in fails(
            storage(baked, "--prune", "--yes"), 75, "lock.held").err
    assert tree(baked) == before


def mounted(*args):
    result = subprocess.run(["mount", *map(str, args)], capture_output=True)
    if result.returncode:
        pytest.skip(f"cannot mount: {result.stderr.decode().strip()}")


def test_never_across_a_mount(baked, tmp_path):
    where = baked.models / "mounted"
    where.mkdir()
    mounted("-t", "tmpfs", "none", where)
    try:
        shutil.copy(baked.models / A, where / "z")
        report = storage(baked, "--hash", "--prune", "--yes", "--method", "hardlink", "--json").json
        states = {row["path"]: row["state"] for row in report["prune"]}
        assert states == {B: "done", "mounted/z": "skipped"}
    finally:
        subprocess.run(["umount", "-l", where], check=True)


@pytest.fixture(params=["xfs", "btrfs"])
def cloning(request, baked, tmp_path):
    """The models on a file system with clones."""
    image, where = tmp_path / "image", tmp_path / "disk"
    make = {"xfs": ["mkfs.xfs", "-q", "-m", "reflink=1"], "btrfs": ["mkfs.btrfs", "-q"]}
    if os.geteuid() or not shutil.which(make[request.param][0]):
        pytest.skip(f"{make[request.param][0]} and root are needed")
    with open(image, "wb") as stream:
        stream.truncate(400 << 20)
    subprocess.run([*make[request.param], image], check=True)
    where.mkdir()
    mounted("-o", "loop", image, where)
    shutil.copytree(baked.models, where / "models")
    baked.models = where / "models"
    yield baked
    subprocess.run(["umount", "-l", where], check=True)


def test_duplicates_become_clones(cloning):
    os.chmod(cloning.models / B, 0o600)  # a clone keeps it
    before = tree(cloning)
    report = ok(storage(cloning, "--prune", "--yes", "--json")).json
    assert [(row["path"], row["method"]) for row in report["prune"]] == [(B, "reflink")]
    assert inode(cloning, A) != inode(cloning, B)
    assert tree(cloning) == before
    report = storage(cloning, "--json").json
    assert [row["shared"] for row in report["duplicates"]] == [True]
    assert report["duplicate_bytes"] == 0
    assert storage(cloning, "--prune", "--dry-run", "--json").json["prune"] == []
    with open(cloning.models / B, "r+b") as stream:
        stream.write(b"changed")
    assert (cloning.models / A).read_bytes() == TWIN


def test_no_clones_where_there_are_none(baked):
    """Asked for clones only, no link is made in their place."""
    mounted("-t", "tmpfs", "none", baked.models.parent / "from")
    models = baked.models.parent / "from/models"
    try:
        shutil.copytree(baked.models, models)
        report = run("bake-catalog", "storage", "-d", models, "--prune", "--yes", "--method",
                     "reflink", "--json").json
        assert [row["error"] for row in report["prune"]] == ["share.impossible"]
        assert os.listdir(models / "dir-b") == ["b.safetensors"] and not (models / ".bake").exists()
    finally:
        subprocess.run(["umount", "-l", models.parent], check=True)
