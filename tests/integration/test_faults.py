# SPDX-License-Identifier: Apache-2.0
"""bake-fetch on a bad day. After every fault: one error line, nothing wrong under a final name,
the previous good file untouched, and the same command works once the fault is gone."""
import os
import signal
import subprocess
import time

import pytest

from conftest import TOOLS, fails, hub_model, noise, ok, run, start, traced
from hubserver import File, sha256

DATA = noise(400000)
OLD = noise(1000, 99)


@pytest.fixture
def one(place, hub):
    """One large file; an older one stands under its name."""
    hub.add("org/name", {"w.bin": DATA})
    place.locked({"m": hub_model(path="m")})
    (place.models / "m").mkdir(parents=True)
    (place.models / "m/w.bin").write_bytes(OLD)
    return place


def then_it_works(place, hub, **env):
    """Nothing was lost and nothing wrong was published; without the fault it goes through."""
    files = place.files()
    assert files.get("m/w.bin", OLD) == OLD, "a wrong file was published"
    hub.faults.clear()
    result = ok(place.fetch("--json"))
    assert place.files()["m/w.bin"] == DATA
    assert not (place.models / ".bake").exists()
    return result.json["files"][0]


FAULTS = [
    # name, fault, code, error id, is a part kept
    ("reset", dict(cut=15000, reset=True, times=99), 75, "net.reset", True),
    ("short-body", dict(cut=15000, times=99), 75, "net.short", True),
    ("no-length-early-close", dict(cut=15000, length=False, ignore_range=True, times=99), 75,
     "net.short", True),
    ("nothing-answered", dict(close=True, times=99), 75, "net.reset", False),
    ("server-error", dict(status=500, times=99), 75, "net.server", False),
    ("bad-gateway", dict(status=502, times=99), 75, "net.server", False),
    ("request-timeout", dict(status=408, times=99), 75, "net.timeout", False),
    ("too-many-requests", dict(status=429, headers={"Retry-After": "0"}, times=99), 75,
     "net.rate-limit", False),
    ("asked-to-wait-for-an-hour", dict(status=429, headers={"Retry-After": "3600"}, times=1), 75,
     "net.rate-limit", False),
    ("teapot", dict(status=418, times=1), 76, "net.status", False),
    ("not-found", dict(status=404, times=1), 69, "net.not-found", False),
    ("gone", dict(status=410, times=1), 69, "net.not-found", False),
    ("unauthorized", dict(status=401, times=1), 77, "auth.denied", False),
    ("wrong-bytes", dict(flip=1000, times=99), 20, "integrity.sha256", False),
    ("longer-than-pinned", dict(extra=b"x", length=400001, times=1), 76, "net.too-long", True),
    ("says-another-size", dict(status=200, body=b"x" * 1000, times=1), 76, "net.size-mismatch",
     False),
    ("html-with-200", dict(status=200, body=b"<!DOCTYPE html><html>log in</html>", times=1), 20,
     "integrity.size", False),
    ("html-of-the-right-size", dict(status=200, body=b"<html>".ljust(400000), times=1), 20,
     "integrity.sha256", False),
    ("lfs-pointer", dict(status=200, body=File(DATA).pointer(), times=1), 20, "integrity.size",
     False),
    ("range-from-elsewhere", dict(headers={"Content-Range": "bytes 5-400004/400005"}, times=1),
     76, "net.bad-range", False),
    ("range-of-another-size", dict(headers={"Content-Range": "bytes 0-399999/500000"}, times=1),
     76, "net.size-mismatch", False),
    ("range-unexplained", dict(headers={"Content-Range": None}, times=1), 76, "net.bad-range",
     False),
    ("range-garbage", dict(headers={"Content-Range": "bytes x-y/z"}, times=1), 76,
     "net.bad-range", False),
    ("gzip-unasked", dict(headers={"Content-Encoding": "gzip"}, times=1), 76, "net.encoding",
     False),
    ("endless-headers", dict(headers={"X-Junk": ["x" * 100] * 2000}, times=1), 76, "net.headers",
     False),
    ("redirect-to-file", dict(status=302, headers={"Location": "file:///etc/passwd"}, times=1),
     22, "policy.scheme", False),
    ("redirect-to-ftp", dict(status=302, headers={"Location": "ftp://127.0.0.1/x"}, times=1), 22,
     "policy.scheme", False),
    ("redirect-nowhere", dict(status=302, headers={"Location": "http://"}, times=1), 76,
     "net.location", False),
]


@pytest.mark.parametrize("name, fault, code, error, part", FAULTS, ids=[row[0] for row in FAULTS])
def test_fault(one, hub, name, fault, code, error, part):
    hub.fault("xet-bridge", **fault)
    result = fails(one.fetch("--retries", 2), code, error)
    assert "m/w.bin" in result.errors[0][1], result
    assert bool(one.parts()) == part or not part
    then_it_works(one, hub)


def test_html_has_its_hint(one, hub):
    hub.fault("xet-bridge", status=200, body=b"<html>login")
    assert "looks like HTML" in one.fetch().err


def test_lfs_pointer_has_its_hint(one, hub):
    hub.fault("xet-bridge", status=200, body=File(DATA).pointer())
    assert "git lfs pull" in one.fetch().err


def test_wrong_digest_names_both(one, hub):
    hub.fault("xet-bridge", times=99, flip=0)
    wrong = bytes([DATA[0] ^ 1]) + DATA[1:]
    message = fails(one.fetch(), 20, "integrity.sha256").errors[0][1]
    assert sha256(DATA) in message and sha256(wrong) in message and not one.parts()


@pytest.mark.parametrize("name, fault", [
    ("reset", dict(cut=100000, reset=True)), ("cut", dict(cut=100000)),
    ("cut-at-nothing", dict(cut=0)), ("error", dict(status=503)), ("silence", dict(close=True)),
    ("range-ignored", dict(cut=100000, ignore_range=True)),
    ("denied-signature", dict(status=403)),
    ("retry-after", dict(status=429, headers={"Retry-After": "1"})),
    ("retry-after-garbage", dict(status=429, headers={"Retry-After": "soon"})),
])
def test_one_fault_is_survived(one, hub, name, fault):
    hub.fault("xet-bridge", times=1, **fault)
    ok(one.fetch())
    assert one.files()["m/w.bin"] == DATA


def test_retry_after_is_honoured(one, hub):
    hub.fault("xet-bridge", times=1, status=429, headers={"Retry-After": "2"})
    begin = time.monotonic()
    ok(one.fetch())
    assert time.monotonic() - begin >= 1.9


def test_range_that_is_ignored_starts_again_from_zero(one, hub):
    hub.fault("xet-bridge", times=1, cut=100000)
    hub.fault("xet-bridge", times=1, ignore_range=True)
    ok(one.fetch())
    assert one.files()["m/w.bin"] == DATA


def test_a_link_that_drops_all_the_time_is_followed_to_the_end(place, hub):
    """Progress between two drops means that they are not a row of failures."""
    data = noise(24 << 20)
    hub.add("org/name", {"w.bin": data})
    place.locked({"m": hub_model(path="m")})
    hub.fault("xet-bridge", times=20, cut=(1 << 20) + 100)
    ok(place.fetch("--retries", 1))
    assert place.files()["m/w.bin"] == data


def test_silence_is_noticed(one, hub):
    hub.fault("xet-bridge", times=99, stall=100000)
    begin = time.monotonic()
    fails(one.fetch("--stall-timeout", 1, "--retries", 1), 75, "net.stalled")
    assert time.monotonic() - begin < 20
    then_it_works(one, hub)


def test_a_trickle_is_noticed(one, hub):
    hub.fault("xet-bridge", times=99, rate=200)
    fails(one.fetch("--stall-timeout", 2, "--retries", 0), 75, "net.stalled")
    then_it_works(one, hub)


def test_a_server_that_is_not_there(one, hub):
    fails(run("bake-fetch", "-l", one.lock_path, "-d", one.models, "--endpoint",
              "http://127.0.0.1:1", "--retries", 1), 75, "net.connect")


def test_a_host_that_does_not_exist(one):
    result = run("bake-fetch", "-l", one.lock_path, "-d", one.models, "--endpoint",
                 "https://nothing.invalid", "--retries", 0)
    assert result.code in (69, 75) and result.errors[0][0] == "net.dns", result


def test_redirects_without_end(one, hub):
    hub.fault("/resolve/", times=99, status=302,
              headers={"Location": "/org/name/resolve/main/w.bin"})
    fails(one.fetch(), 76, "net.redirects")
    then_it_works(one, hub)


def test_file_removed_at_its_source(one, hub):
    hub.fault("/resolve/", times=99, status=404, headers={"X-Error-Code": "EntryNotFound"})
    fails(one.fetch(), 69, "hub.entry-not-found")


def test_gated_at_fetch_time(one, hub):
    hub.repos["org/name"]["facts"]["gated"] = "auto"
    result = fails(one.fetch(), 77, "hub.gated")
    assert "--secret id=hf_token" in result.err
    assert len(hub.requests("/resolve/")) == 1  # a refusal is not asked for twice


def test_several_failures_give_the_worst_code(place, hub):
    hub.add("org/name", {"a.bin": noise(5000, 1), "b.bin": noise(5000, 2), "c.bin": noise(5000, 3)})
    place.locked({"m": hub_model(path="m")})
    hub.fault("resolve.*a.bin", times=9, status=404)
    hub.fault("xet-bridge.*b.bin", times=9, flip=3)
    fails(place.fetch("--keep-going"), 20, "integrity.sha256")
    assert set(place.files()) == {"m/c.bin"}


def test_keep_going_without_what_is_optional(place, hub):
    hub.add("org/a", {"a.bin": noise(5000, 1)})
    hub.add("org/b", {"b.bin": noise(5000, 2)})
    place.locked({"a": hub_model("org/a", path="a"),
                  "b": hub_model("org/b", path="b", required=False)})
    hub.fault("resolve.*b.bin", times=9, status=404)
    fails(place.fetch("--all", "--keep-going"), 24, "net.not-found")
    assert set(place.files()) == {"a/a.bin"} and not (place.models / ".bake").exists()
    ok(place.index())
    assert [model["status"] for model in place.index_json["models"]] == ["baked", "missing"]
    ok(place.verify())


# Resuming.

def test_resume_after_a_cut(one, hub):
    hub.fault("xet-bridge", times=1, cut=250000)
    hub.fault("xet-bridge", times=99, status=503)
    fails(one.fetch("--retries", 1), 75, "net.server")
    entry = then_it_works(one, hub)
    assert entry["resumed"] == 250000 and entry["received"] == 150000


def test_kill_at_any_moment_then_rerun(place, hub):
    data = noise(8 << 20)
    hub.add("org/name", {"w.bin": data, "small.json": b"{}"})
    place.locked({"m": hub_model(path="m")})
    resumed = 0

    def size():
        return max([part.stat().st_size for part in place.parts()], default=0)

    for delay in (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, None):
        hub.fault("xet-bridge", times=99, rate=8 << 20)
        process = start("bake-fetch", "-l", place.lock_path, "-d", place.models, "--endpoint",
                        hub.origin, "--allow-http", "-x", "1")
        time.sleep(delay or 0)
        until = time.monotonic() + 60
        while delay is None and size() <= 2 << 20 and time.monotonic() < until:
            time.sleep(0.005)  # there will be something to go on with, however slow the machine is
        process.kill()
        process.communicate()
        hub.faults.clear()
        for path, content in place.files().items():
            assert content in (data, b"{}"), path
        resumed = max(resumed, size())
    entry = {file["path"]: file for file in ok(place.fetch("--json")).json["files"]}["m/w.bin"]
    assert place.files() == {"m/w.bin": data, "m/small.json": b"{}"}
    assert resumed > 2 << 20 and entry.get("resumed", 0) >= resumed - (1 << 20)
    assert entry["received"] == len(data) - entry["resumed"]
    assert not (place.models / ".bake").exists()


@pytest.mark.parametrize("name, change", [
    ("flipped", lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:]),
    ("garbage", lambda data: noise(len(data), 5)),
    ("zeros", lambda data: bytes(len(data))),
    ("too-long", lambda data: data + noise(500000, 6)),
    ("whole-but-wrong", lambda data: noise(400000, 7)),
])
def test_a_damaged_part_is_not_trusted(one, hub, name, change):
    hub.fault("xet-bridge", times=1, cut=250000)
    hub.fault("xet-bridge", times=99, status=503)
    one.fetch("--retries", 1)
    [part] = one.parts()
    part.write_bytes(change(part.read_bytes()))
    then_it_works(one, hub)


def part_of(place, hub):
    """The part that a broken run leaves."""
    hub.fault("xet-bridge", times=99, status=500)
    place.fetch("--retries", 0)
    hub.faults.clear()
    [part] = place.parts()
    return part


def test_a_part_that_is_whole_needs_no_request(one, hub):
    part_of(one, hub).write_bytes(DATA)
    hub.log.clear()
    ok(one.fetch())
    assert not hub.log and one.files()["m/w.bin"] == DATA


def test_a_part_that_is_a_link_is_not_followed(one, hub, tmp_path):
    (tmp_path / "victim").write_bytes(b"mine")
    part = part_of(one, hub)
    part.unlink()
    part.symlink_to(tmp_path / "victim")
    fails(one.fetch(), 73, "path.symlink")
    assert (tmp_path / "victim").read_bytes() == b"mine"


@pytest.mark.parametrize("number, code", [(signal.SIGTERM, -15), (signal.SIGINT, -2)])
def test_signal_ends_it_soon_and_keeps_the_part(one, hub, number, code):
    hub.fault("xet-bridge", times=99, rate=200000)
    process = start("bake-fetch", "-l", one.lock_path, "-d", one.models, "--endpoint",
                    hub.origin, "--allow-http")
    while not any(part.stat().st_size for part in one.parts()):
        time.sleep(0.01)
    process.send_signal(number)
    begin = time.monotonic()
    _, err = process.communicate(timeout=10)
    assert time.monotonic() - begin < 2
    assert process.returncode == code and "error[interrupted]" in err
    assert then_it_works(one, hub)["resumed"] > 0


# The place where it goes.

def test_destination_is_a_symlink(place, hub, tmp_path):
    hub.add("org/name", {"w.bin": DATA})
    place.locked({"m": hub_model(path="m")})
    (tmp_path / "victim").write_bytes(b"mine")
    (place.models / "m").mkdir(parents=True)
    (place.models / "m/w.bin").symlink_to(tmp_path / "victim")
    hub.log.clear()
    fails(place.fetch(), 73, "path.symlink")
    assert (tmp_path / "victim").read_bytes() == b"mine" and not hub.log
    assert (place.models / "m/w.bin").is_symlink()


def test_parent_is_a_symlink_out_of_the_directory(place, hub, tmp_path):
    hub.add("org/name", {"w.bin": DATA})
    place.locked({"m": hub_model(path="m")})
    (tmp_path / "outside").mkdir()
    place.models.mkdir()
    (place.models / "m").symlink_to(tmp_path / "outside")
    hub.log.clear()
    fails(place.fetch(), 73, "path.symlink")
    assert not list((tmp_path / "outside").iterdir()) and not hub.log


@pytest.mark.parametrize("kind", ["directory", "fifo"])
def test_destination_of_another_kind(place, hub, kind):
    hub.add("org/name", {"w.bin": DATA})
    place.locked({"m": hub_model(path="m")})
    (place.models / "m").mkdir(parents=True)
    if kind == "fifo":
        os.mkfifo(place.models / "m/w.bin")
    else:
        (place.models / "m/w.bin").mkdir()
    fails(place.fetch(), 73, "path.type")


def test_models_directory_is_a_file(place, hub):
    hub.add("org/name", {"w.bin": DATA})
    place.locked({"m": hub_model(path="m")})
    place.models.write_bytes(b"")
    fails(place.fetch(), 73, "path.type")


def as_nobody():
    os.setgid(65534)
    os.setuid(65534)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without rights")
def test_directory_without_permission(one, hub, tmp_path):
    for path in [tmp_path, *tmp_path.parents]:
        if path.stat().st_mode & 0o005 != 0o005:
            path.chmod(path.stat().st_mode | 0o005)
    hub.log.clear()
    process = start("bake-fetch", "-l", one.lock_path, "-d", one.models, "--endpoint",
                    hub.origin, "--allow-http", preexec_fn=as_nobody)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 77 and "error[fs.permission]" in err and not hub.log


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MiB."""
    where = tmp_path / "disk"
    where.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", where],
                          capture_output=True, text=True)
    if done.returncode:
        pytest.skip("no right to mount a small file system: " + done.stderr.strip())
    yield where
    subprocess.run(["umount", "-l", where], check=True)


def test_no_space_is_known_before(place, hub, small_disk):
    hub.add("org/name", {"w.bin": noise(4 << 20)})
    place.locked({"m": hub_model(path="m")})
    place.models = small_disk / "models"
    hub.log.clear()
    result = fails(place.fetch(), 23, "disk.space")
    assert "4194304 bytes" in result.err and not hub.log


def test_no_space_while_it_runs(place, hub, small_disk):
    """Where blocks cannot be reserved ahead somebody else may take them."""
    data = noise(1500000)
    hub.add("org/name", {"w.bin": data})
    place.locked({"m": hub_model(path="m")})
    place.models = small_disk / "models"
    hub.fault("xet-bridge", times=1, rate=1 << 20)
    process = traced_fetch(place, hub, "fallocate", "fallocate:error=EOPNOTSUPP")
    while not (place.parts() and place.parts()[0].stat().st_size > 200000):
        time.sleep(0.01)
    hog = open(small_disk / "hog", "wb", buffering=0)
    try:
        while hog.write(bytes(4096)):
            pass
    except OSError:
        pass
    _, err = process.communicate(timeout=60)
    assert process.returncode == 23 and "error[disk.full]" in err and place.parts(), err
    hog.close()
    os.unlink(small_disk / "hog")
    ok(place.fetch())
    assert place.files()["m/w.bin"] == data


@pytest.fixture
def ext4_disk(tmp_path):
    """A file system of 8 MiB on a disk."""
    image, where = tmp_path / "image", tmp_path / "ext4"
    where.mkdir()
    image.write_bytes(bytes(8 << 20))
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-O", "^has_journal", image], check=True)
    done = subprocess.run(["mount", "-o", "loop", image, where], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("no right to mount a file system: " + done.stderr.strip())
    yield where
    subprocess.run(["umount", "-l", where], check=True)


def test_space_is_reserved_before_the_first_byte(place, hub, ext4_disk):
    """Nobody can take it afterwards, and a disk that is too full says so at once."""
    hub.add("org/name", {"w.bin": noise(5 << 20)})
    place.locked({"m": hub_model(path="m")})
    place.models = ext4_disk / "models"
    hub.fault("xet-bridge", times=1, rate=1 << 20)
    process = start("bake-fetch", "-l", place.lock_path, "-d", place.models, "--endpoint",
                    hub.origin, "--allow-http")
    while not (place.parts() and place.parts()[0].stat().st_size):
        time.sleep(0.01)
    free = os.statvfs(ext4_disk)
    assert free.f_bavail * free.f_frsize < (8 << 20) - (5 << 20)
    process.communicate(timeout=60)
    assert process.returncode == 0


def traced_fetch(place, hub, calls, inject):
    """bake-fetch with a system call that fails."""
    command, env = traced(calls, "-o", "/dev/null", "-e", f"inject={inject}")
    command += map(str, [TOOLS / "bake-fetch", "-l", place.lock_path, "-d", place.models,
                         "--endpoint", hub.origin, "--allow-http"])
    return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            text=True)


def test_disk_full_at_a_write(one, hub):
    """The kernel says so at some write: the part stays, the exit code says why."""
    process = traced_fetch(one, hub, "pwrite64", "pwrite64:error=ENOSPC:when=2+")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 23 and "error[disk.full]" in err, err
    assert one.parts()
    then_it_works(one, hub)


@pytest.mark.parametrize("call, error, code", [
    ("fsync", "EIO", 74), ("fchmod", "EPERM", 77), ("rename,renameat,renameat2", "EIO", 74),
])
def test_failure_of_the_file_system_at_the_end(one, hub, call, error, code):
    process = traced_fetch(one, hub, call, f"{call}:error={error}")
    _, err = process.communicate(timeout=60)
    assert process.returncode == code and err.count("error[") == 1, err
    then_it_works(one, hub)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_read_only_directory(one, hub):
    done = subprocess.run(["mount", "--bind", one.models, one.models], capture_output=True)
    if done.returncode:
        pytest.skip("no right to mount")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", one.models], check=True)
        hub.log.clear()
        fails(one.fetch(), 73, "fs.read-only")
        assert not hub.log
    finally:
        subprocess.run(["umount", "-l", one.models], check=True)
    then_it_works(one, hub)


def test_right_files_on_a_read_only_directory_are_fine(one, hub):
    ok(one.fetch())
    done = subprocess.run(["mount", "--bind", one.models, one.models], capture_output=True)
    if done.returncode:
        pytest.skip("no right to mount")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", one.models], check=True)
        ok(one.fetch())
    finally:
        subprocess.run(["umount", "-l", one.models], check=True)


# The lock itself.

def edit(path, value):
    def change(lock):
        at = lock
        for key in path[:-1]:
            at = at[key]
        if value is None:
            del at[path[-1]]
        else:
            at[path[-1]] = value
    return change


FILE = ("models", "m", "files", 0)


@pytest.mark.parametrize("name, change, code, error", [
    ("branch-for-commit", edit(("models", "m", "source", "commit"), "main"), 65, "pin.mutable"),
    ("no-commit", edit(("models", "m", "source", "commit"), None), 65, "pin.mutable"),
    ("no-digest", edit(FILE + ("sha256",), None), 65, "pin.missing"),
    ("upper-case-digest", edit(FILE + ("sha256",), "AB" * 32), 65, "digest.format"),
    ("short-digest", edit(FILE + ("sha256",), "ab" * 31), 65, "digest.format"),
    ("parent-path", edit(FILE + ("path",), "../w.bin"), 65, "path.unsafe"),
    ("absolute-path", edit(FILE + ("path",), "/etc/w.bin"), 65, "path.unsafe"),
    ("reserved-path", edit(FILE + ("path",), ".bake/lock"), 65, "path.reserved"),
    ("index-path", edit(FILE + ("path",), "model-info.json"), 65, "path.reserved"),
    ("negative-size", edit(FILE + ("size",), -1), 65, "json.range"),
    ("fraction-size", edit(FILE + ("size",), 1.0), 65, "json.type"),
    ("huge-size", edit(FILE + ("size",), 1 << 53), 65, "json.range"),
    ("unknown-field", edit(FILE + ("sha265",), "x"), 65, "json.unknown-field"),
    ("other-schema", edit(("schema",), "bake.manifest/1"), 65, "schema.name"),
    ("newer-schema", edit(("schema",), "bake.lock/2"), 78, "schema.version"),
    ("model-without-files", edit(("models", "m", "files"), []), 65, "lock.files"),
])
def test_bad_lock(one, hub, name, change, code, error):
    one.edit_lock(change)
    hub.log.clear()
    fails(one.fetch(), code, error)
    assert not hub.log
    assert one.files() == {"m/w.bin": OLD}


def test_lock_with_two_pins_for_a_path(one):
    def change(lock):
        twin = dict(lock["models"]["m"]["files"][0], sha256="ab" * 32)
        lock["models"]["m"]["files"].append(twin)
    one.edit_lock(change)
    fails(one.fetch(), 78, "pin.conflict")


def test_lock_that_is_not_json(one):
    one.lock_path.write_text('{"schema": "bake.lock/1",\n "schema": "x"}')
    result = fails(one.fetch(), 65, "json.duplicate-key")
    assert "test.lock.json:2:" in result.err
