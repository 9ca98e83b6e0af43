# SPDX-License-Identifier: Apache-2.0
"""The cache: shared by parallel builds, and survived whatever state it is in."""
import os
import shutil
import signal
import subprocess
import time

import pytest

from conftest import TOOLS, fails, hub_model, noise, ok, run, start, traced
from hubserver import sha256

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="mounting and other users need root")


class Bench:
    """A lock, a cache, and as many models directories as builds."""

    def __init__(self, place, hub, path):
        self.place, self.hub, self.path, self.cache = place, hub, path, path / "cache"
        self.data = {}

    def serve(self, **files):
        self.data = {name.replace("_", "."): data for name, data in files.items()}
        self.hub.add("org/name", self.data)
        self.place.locked({"m": hub_model(path="m")})
        self.hub.log.clear()
        return self

    def args(self, out, *more):
        return ["-l", self.place.lock_path, "-d", self.path / out, "--endpoint", self.hub.origin,
                "--allow-http", "--cache", self.cache, *more]

    def fetch(self, out="models", *more, **options):
        return run("bake-fetch", *self.args(out, *more), **options)

    def start(self, out, *more, **options):
        return start("bake-fetch", *self.args(out, *more), **options)

    def cached(self, name):
        digest = sha256(self.data[name])
        return self.cache / "sha256" / digest[:2] / digest

    def part_of(self, name):
        """Where the cache's part of a file is: named by its digest and a hash of its place."""
        value = 0xcbf29ce484222325
        for byte in str(self.cached(name).relative_to(self.cache)).encode():
            value = (value ^ byte) * 0x100000001b3 % (1 << 64)
        return self.cache / ".bake" / f"{sha256(self.data[name])}-{value:016x}.part"

    def parts(self):
        return list((self.cache / ".bake").glob("*.part"))

    def sent(self):
        """Bytes of files that the server sent, by its own log."""
        return sum(request.sent for request in self.hub.requests(origin="cdn"))

    def check(self, *outs):
        for out in outs or ["models"]:
            got = {str(path.relative_to(self.path / out / "m")): path.read_bytes()
                   for path in (self.path / out / "m").rglob("*") if path.is_file()}
            assert got == self.data, out

    def wait(self, condition, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it does not happen"
            time.sleep(0.01)


@pytest.fixture
def bench(place, hub, tmp_path):
    return Bench(place, hub, tmp_path)


def finish(build, code=0):
    _, err = build.communicate(timeout=120)
    assert build.returncode == code, err
    return err


# Parallel builds.

def test_four_builds_move_each_byte_once(bench):
    """Four stages of one image begin at the same moment, on a slow server."""
    files = {f"f{n}_bin": noise(300000 + n, n) for n in range(6)}
    bench.serve(**files)
    bench.hub.fault("xet-bridge", times=99, rate=1 << 20)
    builds = [bench.start(f"out{n}") for n in range(4)]
    for build in builds:
        finish(build)
    bench.check("out0", "out1", "out2", "out3")
    assert bench.sent() == sum(len(data) for data in files.values())
    assert len(bench.hub.requests(origin="cdn")) == len(files)
    assert not bench.parts()


def test_one_slot_is_not_spent_on_waiting(bench):
    """With one file at a time, the second build fetches the others while it waits for the first."""
    bench.serve(a_bin=noise(600000), b_bin=noise(20000, 2), c_bin=noise(20000, 3))
    bench.hub.fault("xet-bridge.*a.bin", times=1, rate=200000)
    first = bench.start("out0", "-j", 1)
    bench.wait(lambda: bench.hub.requests("a.bin", origin="cdn"))
    second = bench.start("out1", "-j", 1)
    bench.wait(lambda: bench.cached("b.bin").exists() and bench.cached("c.bin").exists())
    assert not bench.cached("a.bin").exists() and first.poll() is None
    assert "waiting: another process is fetching m/a.bin into the cache" in finish(second)
    finish(first)
    bench.check("out0", "out1")
    assert bench.sent() == sum(len(data) for data in bench.data.values())


def test_what_is_cached_is_copied_while_waiting(bench):
    bench.serve(a_bin=noise(600000), b_bin=noise(20000, 2))
    bench.hub.fault("xet-bridge.*a.bin", times=1, rate=200000)
    first = bench.start("out0")
    bench.wait(lambda: bench.hub.requests("a.bin", origin="cdn"))
    second = bench.start("out1")
    bench.wait(lambda: (bench.path / "out1/m/b.bin").exists())
    assert not bench.cached("a.bin").exists()
    finish(first), finish(second)
    bench.check("out0", "out1")


def test_who_waits_takes_over_when_the_other_is_killed(bench):
    bench.serve(a_bin=noise(1 << 20))
    bench.hub.fault("xet-bridge", times=1, rate=400000)
    first = bench.start("out0")
    bench.wait(lambda: bench.parts() and bench.parts()[0].stat().st_size > 300000)
    second = bench.start("out1")
    err = []
    while not err or "waiting" not in err[-1]:
        err.append(second.stderr.readline())
        assert err[-1], err
    first.kill()
    first.communicate()
    finish(second)
    bench.check("out1")
    requests = bench.hub.requests(origin="cdn")
    assert len(requests) == 2
    begin = int(requests[1].headers["Range"][len("bytes="):].split("-")[0])
    assert begin >= 300000 and requests[1].sent == (1 << 20) - begin
    assert not bench.parts()


def test_sigterm_keeps_the_part_for_the_next_build(bench):
    """BuildKit ends a step by SIGTERM and then SIGKILL; the step's own directory is lost."""
    bench.serve(a_bin=noise(1 << 20))
    bench.hub.fault("xet-bridge", times=1, rate=400000)
    build = bench.start("out0", stdin=subprocess.DEVNULL)
    bench.wait(lambda: bench.parts() and bench.parts()[0].stat().st_size > 300000)
    build.send_signal(signal.SIGTERM)
    finish(build, -signal.SIGTERM)
    shutil.rmtree(bench.path / "out0")
    entry = ok(bench.fetch("out1", "--json")).json["files"][0]
    assert entry["resumed"] >= 300000 and entry["resumed"] + entry["received"] == 1 << 20
    bench.check("out1")


@pytest.fixture
def stopped(bench):
    """A build that holds a part of a.bin and does nothing any more."""
    bench.serve(a_bin=noise(100000), b_bin=noise(20000, 2))
    bench.hub.fault("xet-bridge.*a.bin", times=1, stall=50000)
    build = bench.start("stopped")
    bench.wait(lambda: bench.parts() and bench.cached("b.bin").exists())
    build.send_signal(signal.SIGSTOP)
    yield build
    build.kill()
    build.communicate()


def test_who_waits_ends_when_told_to(bench, stopped):
    build = bench.start("models")
    line = build.stderr.readline()
    while "waiting" not in line:
        assert line
        line = build.stderr.readline()
    build.send_signal(signal.SIGTERM)
    finish(build, -signal.SIGTERM)


def test_who_does_not_get_on_is_not_waited_for_for_ever(bench, stopped):
    fails(bench.fetch("models", "--lock-timeout", 1), 75, "lock.held")
    stopped.kill()
    stopped.wait()
    ok(bench.fetch())
    bench.check()


def test_who_gets_on_is_waited_for(bench):
    """The timeout is for a process that has stopped, not for a large file."""
    bench.serve(a_bin=noise(1 << 20))
    bench.hub.fault("xet-bridge", times=1, rate=150000)
    first = bench.start("out0")
    bench.wait(lambda: bench.parts())
    ok(bench.fetch("out1", "--lock-timeout", 3))
    finish(first)
    bench.check("out0", "out1")
    assert bench.sent() == 1 << 20


def test_four_builds_mend_a_damaged_file_once(bench):
    """Each finds the same bad file. None drops what another has fetched since."""
    bench.serve(a_bin=noise(3 << 20))
    ok(bench.fetch("seed"))
    bench.cached("a.bin").write_bytes(noise(3 << 20, 9))
    bench.hub.log.clear()
    builds = [bench.start(f"out{n}") for n in range(4)]
    for build in builds:
        finish(build)
    bench.check("out0", "out1", "out2", "out3")
    assert bench.cached("a.bin").read_bytes() == bench.data["a.bin"]
    assert bench.sent() == 3 << 20


# What is in the cache.

def test_a_file_that_goes_away_is_fetched(bench):
    bench.serve(a_bin=noise(300000), b_bin=noise(20000, 2))
    ok(bench.fetch("seed"))
    bench.cached("a.bin").unlink()
    bench.hub.log.clear()
    bench.hub.fault("xet-bridge.*a.bin", times=1, rate=200000)
    build = bench.start("models")
    bench.wait(lambda: bench.hub.requests("a.bin", origin="cdn"))
    bench.cached("b.bin").unlink()  # found before, wanted after a.bin has come
    finish(build)
    bench.check()
    assert bench.sent() == 320000 and bench.cached("b.bin").exists()


def test_a_file_that_goes_away_offline(bench):
    bench.serve(a_bin=noise(20000))
    ok(bench.fetch("seed"))
    bench.cached("a.bin").unlink()
    fails(bench.fetch("models", "--offline"), 69, "net.offline")


def test_a_damaged_file_offline(bench):
    bench.serve(a_bin=noise(20000))
    ok(bench.fetch("seed"))
    bench.cached("a.bin").write_bytes(noise(20000, 9))
    fails(bench.fetch("models", "--offline"), 69, "net.offline")
    assert not bench.cached("a.bin").exists() and not (bench.path / "models/m/a.bin").exists()


def test_a_truncated_file_is_fetched_anew(bench):
    bench.serve(a_bin=noise(20000))
    ok(bench.fetch("seed"))
    os.truncate(bench.cached("a.bin"), 19999)
    ok(bench.fetch())
    bench.check()
    assert bench.cached("a.bin").read_bytes() == bench.data["a.bin"]


def test_twins_and_the_cache(bench, place, hub):
    """Equal content: one request, one cached file, and as many copies as there are names."""
    data = noise(20000)
    bench.serve(a_bin=data, b_bin=data, c_bin=data)
    result = ok(bench.fetch("models", "--json")).json
    assert sorted(entry["outcome"] for entry in result["files"]) == ["copied", "copied", "fetched"]
    assert bench.sent() == 20000
    shutil.rmtree(bench.path / "models")
    result = ok(bench.fetch("models", "--json", "--offline")).json
    assert sorted(entry["outcome"] for entry in result["files"]) == ["cached", "copied", "copied"]
    bench.check()
    assert len(list(bench.cache.rglob("sha256/*/*"))) == 1


def test_cached_files_are_copies(bench):
    """Writing to what was baked does not reach the cache, and the other way round."""
    bench.serve(a_bin=noise(20000))
    ok(bench.fetch())
    baked = bench.path / "models/m/a.bin"
    assert baked.stat().st_nlink == 1 and bench.cached("a.bin").stat().st_nlink == 1
    with open(baked, "r+b") as stream:
        stream.write(b"changed")
    assert bench.cached("a.bin").read_bytes() == bench.data["a.bin"]
    assert bench.cached("a.bin").stat().st_mode & 0o7777 == 0o644


def test_stale_parts_do_not_pile_up(bench):
    bench.serve(a_bin=noise(20000))
    ok(bench.fetch("seed"))
    old, new = (bench.cache / ".bake" / ("ab" * 32 + f"-{n:016x}.part") for n in range(2))
    for part in old, new:
        part.write_bytes(b"begun")
    os.utime(old, (time.time() - 8 * 86400,) * 2)
    ok(bench.fetch())
    assert new.exists() and not old.exists()


# A dry run.

def test_dry_run_says_what_is_in_the_cache(bench):
    bench.serve(a_bin=noise(20000), b_bin=noise(30000, 2))
    ok(bench.fetch("seed"))
    bench.cached("b.bin").unlink()
    result = ok(bench.fetch("models", "--dry-run"))
    lines = [line.split() for line in result.out.splitlines()]
    assert [line[0] for line in lines if "m/a.bin" in line] == ["cache"]
    assert [line[0] for line in lines if "m/b.bin" in line] == ["fetch"]
    assert "1 to fetch (30.0 kB)" in result.out
    files = ok(bench.fetch("models", "--dry-run", "--json")).json["files"]
    assert [entry.get("way") for entry in files] == ["cache", "fetch"]
    assert not (bench.path / "models").exists()


def test_dry_run_makes_no_cache(bench):
    bench.serve(a_bin=noise(20000))
    ok(bench.fetch("models", "--dry-run"))
    assert not bench.cache.exists()
    bench.cache.write_bytes(b"")
    fails(bench.fetch("models", "--dry-run"), 73, "path.type")


# A cache that cannot be used as it should.

def test_the_cache_is_a_file(bench):
    bench.serve(a_bin=noise(20000))
    bench.cache.write_bytes(b"mine")
    fails(bench.fetch(), 73, "path.type")
    assert bench.cache.read_bytes() == b"mine" and not bench.hub.log


def test_a_cache_that_cannot_be_made(bench):
    bench.serve(a_bin=noise(20000))
    bench.cache = "/proc/no-cache-here"
    assert "no cache, everything is fetched without it" in ok(bench.fetch()).err
    bench.check()


def mounted(*args):
    done = subprocess.run(["mount", *map(str, args)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("no right to mount: " + done.stderr.strip())


@pytest.fixture
def read_only(bench):
    bench.serve(a_bin=noise(20000), b_bin=noise(30000, 2))
    ok(bench.fetch("seed"))
    bench.cached("b.bin").unlink()
    bench.hub.log.clear()
    mounted("--bind", bench.cache, bench.cache)
    subprocess.run(["mount", "-o", "remount,ro,bind", bench.cache], check=True)
    yield bench
    subprocess.run(["umount", "-l", bench.cache], check=True)


def test_a_read_only_cache_is_read(read_only):
    result = ok(read_only.fetch("models", "--json"))
    assert [entry["outcome"] for entry in result.json["files"]] == ["cached", "fetched"]
    assert "is only read" in result.err and read_only.sent() == 30000
    read_only.check()


def test_a_damaged_file_in_a_read_only_cache(read_only):
    subprocess.run(["mount", "-o", "remount,rw,bind", read_only.cache], check=True)
    read_only.cached("a.bin").write_bytes(noise(20000, 9))
    subprocess.run(["mount", "-o", "remount,ro,bind", read_only.cache], check=True)
    result = ok(read_only.fetch())
    assert "the cache's copy of m/a.bin is damaged" in result.err
    read_only.check()


@pytest.fixture
def small(bench):
    """The cache on a file system of 2 MiB."""
    bench.cache.mkdir()
    mounted("-t", "tmpfs", "-o", "size=2m", "tmpfs", bench.cache)
    yield bench
    subprocess.run(["umount", "-l", bench.cache], check=True)


def test_a_full_cache_stops_nobody(small):
    small.serve(a_bin=noise(3 << 20), b_bin=noise(30000, 2))
    result = ok(small.fetch("models", "--json"))
    assert "the cache has no room for 1 of the files" in result.err
    small.check()
    assert small.cached("b.bin").exists() and not small.cached("a.bin").exists()
    assert small.sent() == (3 << 20) + 30000 and not small.parts()


def test_a_cache_that_fills_up_under_way(small):
    """Blocks cannot be reserved, and somebody takes them: the file goes on from another place."""
    small.serve(a_bin=noise(1500000), b_bin=noise(30000, 2), c_bin=noise(30000, 3))
    small.hub.fault("xet-bridge.*a.bin", times=1, rate=1 << 20)
    command, env = traced("fallocate", "-o", "/dev/null", "-e", "inject=fallocate:error=EOPNOTSUPP")
    process = subprocess.Popen([*command, TOOLS / "bake-fetch", *map(str, small.args("models"))],
                               env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    small.wait(lambda: any(part.stat().st_size > 200000 for part in small.parts()))
    with pytest.raises(OSError), open(small.cache / "hog", "wb", buffering=0) as hog:
        while hog.write(bytes(4096)):
            pass
    err = finish(process)
    assert "the cache cannot take m/a.bin" in err and "error[" not in err
    small.check()
    assert not small.parts()


@pytest.mark.parametrize("call, error", [
    ("pwrite64", "ENOSPC"), ("pwrite64", "EIO"), ("fsync", "EIO"), ("fsync", "EDQUOT"),
    ("rename,renameat,renameat2", "EIO"), ("flock", "ENOLCK"),
])
def test_a_cache_that_fails_once(bench, call, error):
    """Whatever the call, the files arrive, by another way if need be, and the next run is clean."""
    more = {"b_bin": noise(30000, 2), "c_bin": noise(30000, 3)}
    # strace counts by thread, and several files are copied by several threads.
    bench.serve(a_bin=noise(200000), **(more if call == "pwrite64" else {}))
    inject = f"inject={call}:error={error}"
    if call in ("flock", "pwrite64"):
        inject += ":when=2"  # the first one is the models directory's
    else:  # by one of several threads: told by the place
        inject = ["-P", bench.cache / ".bake", "-P", bench.part_of("a.bin"), "-e", inject]
    inject = inject if isinstance(inject, list) else ["-e", inject]
    command, env = traced(call, "-o", bench.path / "trace", *map(str, inject))
    process = subprocess.run([*command, TOOLS / "bake-fetch", *map(str, bench.args("models"))],
                             env=env, capture_output=True, text=True, check=False)
    assert "INJECTED" in (bench.path / "trace").read_text()
    assert process.returncode == 0, process.stderr
    bench.check()
    shutil.rmtree(bench.path / "models")
    ok(bench.fetch())
    bench.check()
    assert not bench.parts()


def test_a_full_models_directory_is_still_an_error(bench, tmp_path):
    bench.serve(a_bin=noise(3 << 20))
    (tmp_path / "models").mkdir()
    mounted("-t", "tmpfs", "-o", "size=2m", "tmpfs", tmp_path / "models")
    try:
        fails(bench.fetch(), 23, "disk.space")
        assert not bench.hub.log
    finally:
        subprocess.run(["umount", "-l", tmp_path / "models"], check=True)


def test_room_for_the_models_but_not_for_the_cache(bench, tmp_path):
    """On one file system the models come first."""
    bench.serve(a_bin=noise(3 << 20))
    (tmp_path / "disk").mkdir()
    mounted("-t", "tmpfs", "-o", "size=4m", "tmpfs", tmp_path / "disk")
    try:
        bench.cache = tmp_path / "disk/cache"
        assert "the cache has no room for 1 of the files" in ok(bench.fetch("disk/models")).err
        bench.check("disk/models")
    finally:
        subprocess.run(["umount", "-l", tmp_path / "disk"], check=True)


# Foreign things in it.

def link_outside(bench):
    bench.cached("a.bin").parent.parent.rename(bench.path / "outside")
    (bench.cache / "sha256").symlink_to(bench.path / "outside")
    (bench.path / "outside" / bench.cached("a.bin").parent.name).rename(bench.path / "outside/gone")


def link_file(bench):
    bench.cached("a.bin").unlink()
    (bench.path / "outside").write_bytes(b"mine")
    bench.cached("a.bin").symlink_to(bench.path / "outside")


def directory(bench):
    bench.cached("a.bin").unlink()
    bench.cached("a.bin").mkdir()
    (bench.cached("a.bin") / "file").write_bytes(b"mine")


def fifo(bench):
    bench.cached("a.bin").unlink()
    os.mkfifo(bench.cached("a.bin"))


def layout_is_a_file(bench):
    shutil.rmtree(bench.cache / "sha256")
    (bench.cache / "sha256").write_bytes(b"mine")


def work_is_a_file(bench):
    bench.cached("a.bin").unlink()
    (bench.cache / ".bake").rmdir()
    (bench.cache / ".bake").write_bytes(b"mine")


def work_is_a_link(bench):
    bench.cached("a.bin").unlink()
    (bench.cache / ".bake").rmdir()
    (bench.path / "outside").mkdir()
    (bench.cache / ".bake").symlink_to(bench.path / "outside")


def part_is_a_link(bench):
    bench.cached("a.bin").unlink()
    (bench.path / "outside").write_bytes(b"mine")
    (bench.cache / ".bake" / PART).symlink_to(bench.path / "outside")


def part_is_a_directory(bench):
    bench.cached("a.bin").unlink()
    (bench.cache / ".bake" / PART).mkdir()


def other_things(bench):
    bench.cached("a.bin").unlink()
    (bench.cache / "sha256/notes").write_bytes(b"mine")
    (bench.cache / ".bake/notes").write_bytes(b"mine")
    (bench.cache / "README").write_bytes(b"mine")


def snapshot(path):
    return {str(entry.relative_to(path)):
            (entry.lstat().st_ino, entry.is_file() and not entry.is_symlink() and entry.read_bytes())
            for entry in path.rglob("*")}


@pytest.mark.parametrize("make", [link_outside, link_file, directory, fifo, layout_is_a_file,
                                  work_is_a_file, work_is_a_link, part_is_a_link, part_is_a_directory,
                                  other_things])
def test_foreign_things_are_left_alone(bench, make):
    bench.serve(a_bin=noise(20000))
    bench.hub.fault("xet-bridge", times=1, stall=100)
    seed = bench.start("seed")
    bench.wait(lambda: bench.parts() and bench.hub.requests(origin="cdn"))
    globals()["PART"] = bench.parts()[0].name
    seed.kill()
    seed.communicate()
    ok(bench.fetch("seed"))
    make(bench)
    before = snapshot(bench.path)
    ok(bench.fetch())
    bench.check()
    after = snapshot(bench.path)
    assert {name: entry for name, entry in after.items() if name in before} == before


# Other users.

def as_nobody():
    os.setgid(65534)
    os.setuid(65534)


@pytest.fixture
def two_users(bench, tmp_path):
    """A cache that root has filled, a directory for another user, and a way to both."""
    for path in [tmp_path, *tmp_path.parents]:
        if path.stat().st_mode & 0o005 != 0o005:
            path.chmod(path.stat().st_mode | 0o005)
    bench.serve(a_bin=noise(20000), b_bin=noise(30000, 2))
    ok(bench.fetch("seed"))
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 65534, 65534)
    bench.hub.log.clear()
    return bench


@needs_root
def test_another_user_reads_the_cache(two_users):
    err = finish(two_users.start("theirs/models", preexec_fn=as_nobody))
    assert "is only read" in err
    two_users.check("theirs/models")
    assert not two_users.hub.log


@needs_root
def test_what_another_user_may_not_read_is_fetched(two_users):
    two_users.cached("a.bin").chmod(0o600)
    finish(two_users.start("theirs/models", preexec_fn=as_nobody))
    two_users.check("theirs/models")
    assert two_users.sent() == 20000 and two_users.cached("a.bin").exists()


@needs_root
def test_a_cache_that_another_user_may_not_enter(two_users):
    two_users.cache.chmod(0o700)
    err = finish(two_users.start("theirs/models", preexec_fn=as_nobody))
    assert "no cache, everything is fetched without it" in err
    two_users.check("theirs/models")


@needs_root
def test_a_cache_of_another_user_serves_root(two_users, tmp_path):
    """With uid= on a cache mount: one step runs as that user, another one as root."""
    two_users.cache = tmp_path / "theirs/cache"
    finish(two_users.start("theirs/models", preexec_fn=as_nobody))
    two_users.cached("b.bin").unlink()
    two_users.hub.log.clear()
    ok(two_users.fetch())
    two_users.check()
    assert two_users.sent() == 30000 and two_users.cached("b.bin").exists()
    two_users.hub.log.clear()
    finish(two_users.start("theirs/again", preexec_fn=as_nobody))
    two_users.check("theirs/again")
    assert not two_users.hub.log


@needs_root
def test_everybody_may_write_to_the_cache(two_users):
    """What somebody else has put there is taken for what it is worth."""
    for path in [two_users.cache, *two_users.cache.rglob("*")]:
        path.chmod(0o777)
    two_users.cached("a.bin").unlink()
    two_users.cached("a.bin").write_bytes(noise(20000, 9))
    os.chown(two_users.cached("a.bin"), 65534, 65534)
    ok(two_users.fetch())
    two_users.check()


# How it is copied.

def copy_calls(bench, *inject):
    command, env = traced("ioctl,copy_file_range,pwrite64", "-o", bench.path / "trace",
                          *[word for rule in inject for word in ("-e", f"inject={rule}")])
    done = subprocess.run([*command, TOOLS / "bake-fetch", *map(str, bench.args("models"))],
                          env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    bench.check()
    shutil.rmtree(bench.path / "models")
    text = (bench.path / "trace").read_text()
    return [word for word in ("FICLONE", "copy_file_range", "pwrite64")
            if any(f"{word}" in line and " = -1" not in line and "INJECTED" not in line
                   for line in text.splitlines() if "lock" not in line)], text


NO_CLONE = "ioctl:error=EOPNOTSUPP"


@pytest.mark.parametrize("error", ["EXDEV", "EINVAL", "ENOSYS", "EOPNOTSUPP", "EPERM", "EIO"])
def test_what_the_kernel_does_not_copy_goes_through_memory(bench, error):
    bench.serve(a_bin=noise(6 << 20))
    ok(bench.fetch("seed"))
    _, text = copy_calls(bench, NO_CLONE, f"copy_file_range:error={error}")
    assert text.count("copy_file_range(") == 1 and text.index("FICLONE") < text.index("copy_file_range(")
    assert text.count("pwrite64(") >= 6


def test_the_kernel_stops_copying_under_way(bench):
    bench.serve(a_bin=noise(6 << 20))
    ok(bench.fetch("seed"))
    _, text = copy_calls(bench, NO_CLONE, "copy_file_range:error=EIO:when=3")
    assert text.count("copy_file_range(") == 3 and text.count("pwrite64(") >= 4


def test_a_copy_that_gives_nothing_goes_through_memory(bench):
    """Some kernels say 0 where they cannot."""
    bench.serve(a_bin=noise(6 << 20))
    ok(bench.fetch("seed"))
    _, text = copy_calls(bench, NO_CLONE, "copy_file_range:retval=0")
    assert text.count("copy_file_range(") == 1


@pytest.fixture(params=["xfs", "btrfs"])
def cloning(request, bench, tmp_path):
    """A file system with clones, in a file."""
    image, where = tmp_path / "image", tmp_path / "disk"
    make = {"xfs": ["mkfs.xfs", "-q", "-m", "reflink=1"], "btrfs": ["mkfs.btrfs", "-q"]}
    if not ROOT or not shutil.which(make[request.param][0]):
        pytest.skip(f"{make[request.param][0]} and root are needed")
    with open(image, "wb") as stream:
        stream.truncate(400 << 20)
    subprocess.run([*make[request.param], image], check=True)
    where.mkdir()
    mounted("-o", "loop", image, where)
    bench.cache = where / "cache"
    yield bench
    subprocess.run(["umount", "-l", where], check=True)


def test_a_cached_file_is_cloned(cloning):
    """The same blocks, each of them hashed all the same."""
    disk = cloning.path / "disk"
    cloning.serve(a_bin=noise(32 << 20))
    ok(cloning.fetch("disk/seed"))
    os.sync()
    before = os.statvfs(disk)
    ok(cloning.fetch("disk/models"))
    os.sync()
    after = os.statvfs(disk)
    assert (before.f_bfree - after.f_bfree) * before.f_frsize < 8 << 20
    cloning.check("disk/models")
    with open(cloning.cached("a.bin"), "r+b") as stream:
        stream.seek(20 << 20)
        stream.write(b"damaged")
    result = ok(cloning.fetch("disk/again"))
    assert "the cache's copy of m/a.bin is damaged" in result.err
    cloning.check("disk/models", "disk/again")
