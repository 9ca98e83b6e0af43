# SPDX-License-Identifier: Apache-2.0
"""Servers that lie to bake-lock, manifests that cannot be, and runs that are broken off."""
import json
import signal
import subprocess

import pytest

import hubserver
from conftest import TOOLS, environment, fails, hub_model, noise, ok, start, traced


@pytest.fixture
def small(place, hub):
    hub.add("org/name", {"x.txt": b"x", "w.bin": noise(5000)})
    return place.write({"m": hub_model(path="m")})


# Manifests that cannot be: seen before anybody is asked.

PINNED = {"size": 1, "sha256": "ab" * 32}


@pytest.mark.parametrize("name, models", [
    ("two-files", {"m": {"source": {"url": "URL/b/"}, "path": "p", "files": [
        {"name": "a.bin"}, {"name": "b.bin", "save_as": "a.bin"}]}}),
    ("two-models", {"m": {"source": {"url": "URL/a.bin"}, "path": "p"},
                    "n": {"source": {"url": "URL/b/"}, "path": "p", "files": [{"name": "a.bin"}]}}),
    ("two-urls", {"m": {"source": {"url": "URL/a.bin"}, "path": "p"},
                  "n": {"source": {"url": "URL/c/a.bin?x=1"}, "path": "p"}}),
    ("two-pins", {"m": hub_model(path="p", files=[{"name": "a.bin", **PINNED}]),
                  "n": hub_model("org/n", path="p", files=[{"name": "a.bin", "size": 2}])}),
    ("case", {"m": hub_model(path="p", files=[{"name": "a.bin"}, {"name": "A.bin"}])}),
    ("case-of-paths", {"m": hub_model(path="p"), "n": hub_model("org/n", path="P")}),
    ("case-of-path-and-file", {"m": hub_model(path="p"),
                               "n": hub_model("org/n", path="P", files=[{"name": "x"}])}),
    ("file-and-directory", {"m": hub_model(path="p", files=[{"name": "q"}]),
                            "n": hub_model("org/n", path="p/q")}),
])
def test_collisions_of_a_manifest(place, hub, name, models):
    hub.plain["/a.bin"] = hub.plain["/b/a.bin"] = hub.plain["/b/b.bin"] = hubserver.File(b"x")
    place.write(json.loads(json.dumps(models).replace("URL", hub.origin)))
    result = fails(place.lock(), 65, "path.collision")
    assert "test.json" in result.err and "hint: " in result.err
    assert not hub.log


def test_models_may_share_a_directory(place, hub):
    hub.add("org/name", {"a.txt": b"a", "b.txt": b"b", "c.txt": b"c"})
    place.locked({"a": hub_model(path="p", include=["a*"]),
                  "b": hub_model(path="p", include=["b*"]),
                  "c": hub_model(path="p", files=[{"name": "c.txt"}])})


def test_collisions_of_small_files_in_a_listing(place, hub):
    """They have no digest yet: nobody asks for them."""
    hub.add("org/name", {"a.json": b"{}", "A.json": b"[]"})
    place.write({"m": hub_model()})
    fails(place.lock(), 65, "path.collision")
    assert not hub.requests("/resolve")


def test_a_reserved_name_in_a_manifest(place, hub):
    place.write({"m": {"source": {"url": hub.origin + "/x/"}, "files": [{"name": "y"}],
                       "path": ".bake"}})
    assert place.lock().code == 65
    assert not hub.log


# Listings.

def entry(path, **more):
    return {"type": "file", "path": path, "size": 5000, "oid": "a" * 40,
            "lfs": {"oid": "ab" * 32, "size": 5000}, **more}


def answer(hub, pattern, entries, times=-1, **headers):
    hub.fault(pattern, times, status=200, body=json.dumps(entries).encode(), headers=headers)


def test_a_page_that_leads_to_itself(small, hub):
    answer(hub, "/tree/", [], Link=f'<{hub.origin}/api/models/org/name/tree/x?c=1>; rel="next"')
    fails(small.lock(), 76, "hub.reply")
    assert len(hub.requests("/tree/")) == 2


def test_pages_that_go_round(small, hub):
    base = hub.origin + "/api/models/org/name/tree/x"
    answer(hub, "c=1", [entry("b")], Link=f'<{base}?c=2>; rel="next"')
    answer(hub, "/tree/", [entry("a")], Link=f'<{base}?c=1>; rel="next"')
    fails(small.lock(), 76, "hub.reply")
    assert len(hub.requests("/tree/")) <= 4


def test_pages_without_end(small, hub):
    """Each leads to a new one, a directory deeper: there is a ceiling."""
    answer(hub, "/tree/", [], Link='<n/>; rel="next"')
    fails(small.lock(), 76, "hub.reply")
    assert len(hub.requests("/tree/")) == 1000


@pytest.mark.parametrize("files", [None, [{"name": "a.bin"}]])
def test_an_entry_twice(small, hub, files):
    answer(hub, "/tree/", [entry("a.bin"), entry("b.bin"), {**entry("a.bin"), "lfs": {
        "oid": "cd" * 32, "size": 5000}}])
    if files:
        small.write({"m": hub_model(path="m", files=files)})
    result = fails(small.lock(), 76, "hub.reply")
    assert "'a.bin' twice" in result.err


def test_an_entry_twice_on_two_pages(small, hub):
    answer(hub, "c=1", [entry("a.bin")])
    answer(hub, "/tree/", [entry("a.bin")],
           Link=f'<{hub.origin}/api/models/org/name/tree/x?c=1>; rel="next"')
    fails(small.lock(), 76, "hub.reply")


def test_a_huge_listing(small, hub):
    files = [entry(f"d{index % 100}/file-{index}.bin") for index in range(9000)]
    for page in range(3):
        more = {"Link": f'<{hub.origin}/api/models/org/name/tree/x?c={page + 1}>; rel="next"'}
        answer(hub, f"c={page}$" if page else "expand", files[page * 3000:page * 3000 + 3000],
               **(more if page < 2 else {}))
    ok(small.lock())
    assert len(small.lock_json["models"]["m"]["files"]) == 9000


def test_the_order_of_a_listing_does_not_matter(small, hub):
    entries = [entry("b.bin"), entry("a/x.bin"), entry("a.bin")]
    answer(hub, "/tree/", entries, times=1)
    ok(small.lock())
    before = small.lock_path.read_bytes()
    hub.faults.clear()
    answer(hub, "/tree/", entries[::-1], times=1)
    small.lock_path.unlink()
    ok(small.lock())
    assert small.lock_path.read_bytes() == before


def test_a_size_that_is_a_lie(small, hub):
    """A small file that is longer, or shorter, than the listing says."""
    for size in (0, 2, 100):
        hub.faults.clear()
        answer(hub, "/tree/", [{"type": "file", "path": "x.txt", "size": size,
                                "oid": hubserver.git_sha1(b"x")}])
        result = small.lock("--retries", 0)
        assert result.code in (20, 75, 76) and len(result.errors) == 1, result
        assert not small.lock_path.exists()


def test_a_git_object_that_is_another(small, hub):
    answer(hub, "/tree/", [{"type": "file", "path": "x.txt", "size": 1, "oid": "1" * 40}])
    fails(small.lock(), 20, "integrity.git-sha1")


def test_a_pointer_in_the_place_of_a_file(place, hub):
    """A Hub that knows nothing of LFS lists the pointer as the file, git's name and all."""
    hub.add("org/name", {"w.safetensors": hubserver.File(noise(5000)).pointer()})
    place.write({"m": hub_model()})
    result = fails(place.lock(), 20, "integrity.content")
    assert "Git LFS pointer" in result.err and not place.lock_path.exists()


def test_a_page_of_a_repository_is_a_file(place, hub):
    hub.add("org/name", {"README.md": b"<html><body>a page</body></html>"})
    place.locked({"m": hub_model(path="m")})


# Names.

@pytest.mark.parametrize("revision", ["refs/pr/1", "feature/a b", "100%", "v1.0+ü", "a#b?c",
                                      "a%2Fb"])
def test_names_of_revisions(place, hub, revision):
    commit = hub.add("org/name", {"x.bin": noise(5000)}, branch=revision)
    place.locked({"m": {"source": {"hub": "org/name", "revision": revision}, "path": "m"}})
    assert place.lock_json["models"]["m"]["source"] == {
        "hub": "org/name", "revision": revision, "commit": commit}
    ok(place.fetch())


@pytest.mark.parametrize("name", ["ü/ñ.txt", "日本.txt", "a b+c%20d#e?f&g.txt", "x@2x.txt", "*.txt"])
def test_names_of_files(place, hub, name):
    hub.add("org/name", {name: b"small", "big/" + name: noise(5000)})
    place.locked({"m": hub_model(path="m")}).fetch()
    assert sorted(place.files()) == sorted(["m/" + name, "m/big/" + name])


def test_a_repository_renamed_while_it_is_listed(small, hub):
    hub.fault("/tree/", 1, status=307, headers={"Location": "/api/models/new/name/tree/x"})
    result = fails(small.lock(), 69, "hub.renamed")
    assert "'new/name'" in result.err


# What headers can do.

def test_a_header_line_that_is_too_long(small, hub):
    hub.fault("/revision/", -1, status=200, body=b"{}", headers={"X-Long": "a" * 200000})
    fails(small.lock("--retries", 0), 76, "net.headers")


def test_too_many_header_lines(small, hub):
    hub.fault("/revision/", -1, status=200, body=b"{}", headers={"X-Many": ["a"] * 600})
    fails(small.lock("--retries", 0), 76, "net.headers")


def test_trailers_are_not_headers(small, hub):
    """They would say that the body was encoded, and that another page follows."""
    commit = hub.repos["org/name"]["branches"]["main"]
    text = json.dumps({"sha": commit}).encode()
    chunked = (f"{len(text):x}\r\n".encode() + text + b"\r\n0\r\nContent-Encoding: gzip\r\n"
               b"Content-Length: 1\r\nLocation: /elsewhere\r\nX-Error-Code: GatedRepo\r\n\r\n")
    hub.fault("/revision/", 1, status=200, body=chunked,
              headers={"Content-Length": None, "Transfer-Encoding": "chunked"})
    ok(small.lock())


# Whatever breaks it off, the lock is the old one or the new one.

def changed(small):
    """An old lock, and a manifest that asks for another."""
    ok(small.lock())
    before = small.lock_path.read_bytes()
    small.write({"m": hub_model(path="m"), "n": hub_model(path="n", include=["x.txt"])})
    return before


def leftovers(small):
    return sorted(path.name for path in small.path.iterdir()
                  if path.name not in ("test.json", "test.lock.json"))


@pytest.mark.parametrize("call, error", [
    ("pwrite64", "ENOSPC"), ("fsync", "EIO"), ("fchmod", "EPERM"), ("renameat", "EACCES"),
    ("pwrite64", "EDQUOT"),
])
def test_the_old_lock_stays_when_writing_fails(small, hub, tmp_path, call, error):
    before = changed(small)
    command, env = traced(call, "-o", "/dev/null", "-e", f"inject={call}:error={error}")
    done = subprocess.run([*command, TOOLS / "bake-lock", small.manifest, "--endpoint",
                           hub.origin], env=env, capture_output=True, text=True)
    assert done.returncode in (23, 74, 77), done.stderr
    assert small.lock_path.read_bytes() == before and leftovers(small) == []
    ok(small.lock())
    assert small.lock_path.read_bytes() != before


@pytest.mark.parametrize("call", ["pwrite64", "fsync", "renameat"])
def test_the_old_lock_stays_when_killed(small, hub, call):
    before = changed(small)
    command, env = traced(call, "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when=1")
    subprocess.run([*command, TOOLS / "bake-lock", small.manifest, "--endpoint", hub.origin],
                   env=env, capture_output=True)
    lock = small.lock_path.read_bytes()
    assert lock == before or "n" in json.loads(lock)["models"]
    ok(small.lock())
    assert list(small.lock_json["models"]) == ["m", "n"]
    assert leftovers(small) == []


def test_the_old_lock_stays_when_interrupted(small, hub):
    before = changed(small)
    hub.fault("resolve-cache", -1, stall=0)
    process = start("bake-lock", small.manifest, "--endpoint", hub.origin)
    while not hub.requests("resolve-cache"):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    assert small.lock_path.read_bytes() == before and leftovers(small) == []


def test_standard_output_that_is_full(small):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([TOOLS / "bake-lock", small.manifest, "--endpoint",
                               small.hub.origin, "-o", "-"], stdout=full,
                              stderr=subprocess.PIPE, env=environment(), text=True)
    assert done.returncode in (23, 74), done.stderr


def test_a_symbolic_link_is_not_replaced(small, tmp_path):
    (tmp_path / "elsewhere.json").write_text("{}")
    small.lock_path.symlink_to(tmp_path / "elsewhere.json")
    assert small.lock().code != 0
    assert (tmp_path / "elsewhere.json").read_text() == "{}" and small.lock_path.is_symlink()
