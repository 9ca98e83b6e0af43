# SPDX-License-Identifier: Apache-2.0
"""The file system on a bad day: cases 44 to 73, each against the invariants of harness.py.

Not here, because no tool of today is concerned:
68  a file replaced between verify and a server's load: the server that loads by the index
72  a farm of symbolic links: the tool that makes one
"""
import errno
import fcntl
import json
import os
import re
import resource
import signal
import socket
import subprocess
import time

import pytest

from faults import partial
from harness import SANITIZED, Bed, data_of, environment, sha256, tree, wait_until, watched

WRITES = "write,pwrite64,writev,pwritev,pwritev2,copy_file_range"
RENAMES = "rename,renameat,renameat2"


def tracer(inject, *more, calls=None):
    """A command to run another under, in which a system call goes wrong."""
    calls = calls or inject.split(":")[0]
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e",
            f"inject={inject}", *map(str, more)]


def traced_fetch(bed, inject, *more, **options):
    env = {"ASAN_OPTIONS": "detect_leaks=0"}
    return bed.fetch(under=tracer(inject, *more), env=env, **options)


def mounted(where, *options):
    where.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", where], check=True)


@pytest.fixture
def small_disk(bed1):
    """The models directory is on a file system of 2 MiB."""
    where = bed1.root.parent / "disk"
    mounted(where, "size=2m")
    bed1.models, bed1.old = where / "models", {}
    yield where
    subprocess.run(["umount", "-l", where], check=True)


def starts(bed, *args):
    return subprocess.Popen(bed.command(*args), env=environment(**bed.env),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# Space.

def test_44_no_space_is_known_before_the_first_request(bed1, small_disk):
    data = data_of(4 << 20)
    bed1.lock({"w.bin": data, "x.bin": data_of(1000, 2)})
    result = bed1.fails(bed1.fetch(), 23, "disk.space")
    free = os.statvfs(small_disk)
    assert str(len(data) + 1000) in result.errors[0][1]
    assert any(str(free.f_bavail * free.f_frsize + slack) in result.errors[0][1]
               for slack in (0, 4096, 8192))
    assert not bed1.server.log().connections() and not bed1.has_part()
    bed1.wanted = {}
    bed1.lock({"y.bin": data_of(1000, 3)})
    bed1.recovers()


@pytest.mark.parametrize("error, name", [
    ("ENOSPC", "disk.full"), ("EDQUOT", "disk.quota"), ("EFBIG", "disk.file-too-big")])
@pytest.mark.parametrize("when", ["1", "1+"], ids=["once", "always"])
def test_45_no_space_under_way(bed, error, name, when):
    """The kernel says so at a write into the part; what came before is kept."""
    part = interrupted(bed)
    pace(bed)
    bed.fails(traced_fetch(bed, f"pwrite64:error={error}:when={when}", "-P", part), 23, name)
    assert bed.has_part()
    bed.recovers()


def pace(bed):
    """So slow that the file is written in several pieces."""
    rate = len(bed.data) * 4 // bed.connections
    bed.server.fault("w.bin", [f"rate {rate}", "good"], content=bed.server.kept[0][1])


def test_45_somebody_else_takes_the_space(bed1, small_disk):
    """For real. Where blocks can be reserved ahead, they are: so the reservation must fail first."""
    bed1.lock({"w.bin": data_of(1500000)})
    name = bed1.server.kept[0][1]
    bed1.server.fault("w.bin", partial("body {first} 300000", "gate full", "body {first+300000} "
                                       "{count-300000}"), content=name)
    command = [*tracer("fallocate:error=EOPNOTSUPP"), *bed1.command()]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True,
                               env=environment(ASAN_OPTIONS="detect_leaks=0"))
    wait_until(bed1.has_part)
    with open(small_disk / "hog", "wb", buffering=0) as hog:
        try:
            while True:
                hog.write(bytes(4096))
        except OSError as no_space:
            assert no_space.errno == errno.ENOSPC
        bed1.server.tell("open full")
        _, err = process.communicate(timeout=60)
    assert process.returncode == 23 and err.count("error[disk.full]") == 1, err
    assert bed1.has_part()
    (small_disk / "hog").unlink()
    bed1.recovers()


# Failing calls. What each failure of each call leads to is swept in test_sweep.py.

FAILING = [
    ("pwrite64", "EIO", 74, "fs.io"), ("fsync", "EIO", 74, "fs.io"),
    (RENAMES, "EIO", 74, "fs.io"), ("fchmod", "EPERM", 77, "fs.permission"),
]


@pytest.mark.parametrize("call, error, code, name", FAILING, ids=[row[0] for row in FAILING])
def test_46_failing_calls(bed, call, error, code, name):
    result = traced_fetch(bed, f"{call}:error={error}", "-P", bed.models / "m", "-P",
                          bed.models / ".bake") if call == RENAMES else \
        traced_fetch(bed, f"{call}:error={error}")
    bed.fails(result, code, name)
    bed.recovers()


def test_46_after_a_failed_sync_nothing_is_believed(bed1):
    """Nobody knows what the disk holds: the next run fetches all of it again."""
    bed1.fails(traced_fetch(bed1, "fsync:error=EIO"), 74, "fs.io")
    assert not bed1.has_part()
    bed1.server.forget()
    bed1.recovers()
    assert bed1.server.log().sent() >= len(bed1.data)


def test_46_reading_what_was_there_fails(bed1):
    """An old file that cannot be read is not taken for absent."""
    bed1.old["m/w.bin"] = data_of(len(bed1.data), 98)
    (bed1.models / "m/w.bin").write_bytes(bed1.old["m/w.bin"])
    result = traced_fetch(bed1, "pread64:error=EIO", "-P", bed1.models / "m/w.bin")
    bed1.fails(result, 74, "fs.io")
    assert not bed1.server.log().connections()
    bed1.recovers()


def test_46_close_fails(bed1):
    """All was synced before: what close says of it comes too late to matter."""
    traced_fetch(bed1, "close:error=EIO")
    bed1.nothing_wrong_is_published()
    bed1.recovers()


def limited(size):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit


def test_47_limit_of_file_sizes(bed):
    """No SIGXFSZ kills it; it says why."""
    result = bed.fetch(preexec_fn=limited(100000))
    bed.fails(result, 23, "disk.file-too-big")
    bed.recovers()


def test_48_interrupted_calls(bed):
    """EINTR at every other write, read and sync costs nothing."""
    pace(bed)
    bed.succeeds(traced_fetch(bed, "pwrite64:error=EINTR:when=1+2"))


def test_48_short_writes(bed1, small_disk):
    """A file system that fills up takes a part of a write first, then nothing."""
    bed1.lock({"w.bin": data_of(1 << 20)})
    with open(small_disk / "hog", "wb") as hog:
        hog.write(bytes((1 << 20) + 300 * 1024 + 100))
    result = traced_fetch(bed1, "fallocate:error=EOPNOTSUPP", "-e", "inject=fstatfs:error=ENOSYS",
                          "-e", "trace=fallocate,fstatfs")
    assert result.code in (23, 74), result
    bed1.says_one_thing(result)
    bed1.nothing_wrong_is_published()
    (small_disk / "hog").unlink()
    bed1.recovers()


# Where it goes.

def as_nobody():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


def for_everybody(path):
    """Nobody can come to path, and run the tools."""
    for parent in [path, *path.parents]:
        if parent.stat().st_mode & 0o005 != 0o005 and parent != parent.parent:
            parent.chmod(parent.stat().st_mode | 0o005)


def test_49_no_permission(bed1):
    for_everybody(bed1.root)
    bed1.token_path.chmod(0o644)
    result = bed1.fetch(preexec_fn=as_nobody)
    bed1.fails(result, 77, "fs.permission")
    assert not bed1.server.log().connections()
    bed1.recovers()


def test_49_read_only_file_system(bed1):
    subprocess.run(["mount", "--bind", bed1.models, bed1.models], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", bed1.models], check=True)
        bed1.fails(bed1.fetch(), 73, "fs.read-only")
        assert not bed1.server.log().connections()
    finally:
        subprocess.run(["umount", "-l", bed1.models], check=True)
    bed1.recovers()


def in_the_way(bed, path, error, make):
    """Something is where the file goes: not a request is made, and it stays."""
    where = bed.models / path
    where.parent.mkdir(parents=True, exist_ok=True)
    make(where)
    before = os.lstat(where)
    result = bed.fetch()
    assert result.code == 73 and [name for name, _ in result.errors] == [error], result
    bed.says_one_thing(result)
    assert os.lstat(where)[:6] == before[:6] and not bed.server.log().connections()
    (os.rmdir if os.path.isdir(where) and not os.path.islink(where) else os.unlink)(where)
    bed.recovers()


@pytest.fixture
def empty(tmp_path, server):
    server.listen()
    bed = Bed(tmp_path, server)
    return bed.lock({"w.bin": bed.data})


@pytest.mark.parametrize("target", ["victim", "/etc/passwd", "nowhere", "w.bin"])
def test_50_destination_is_a_link(empty, tmp_path, target):
    (tmp_path / "victim").write_bytes(b"mine")
    target = tmp_path / target if target == "victim" else target
    in_the_way(empty, "m/w.bin", "path.symlink", lambda path: path.symlink_to(target))
    assert (tmp_path / "victim").read_bytes() == b"mine"


def test_50_parent_is_a_link_out_of_the_directory(empty, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    in_the_way(empty, "m", "path.symlink", lambda path: path.symlink_to(outside))
    assert not list(outside.iterdir())


def test_50_the_work_directory_is_a_link(empty, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    in_the_way(empty, ".bake", "path.symlink", lambda path: path.symlink_to(outside))
    assert not list(outside.iterdir())


def socket_at(path):
    """By way of a directory: the path may be too long for a socket's name."""
    parent = os.open(path.parent, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(f"/proc/self/fd/{parent}/{path.name}")
    os.close(parent)


KINDS = {
    "directory": os.mkdir, "fifo": os.mkfifo, "socket": socket_at,
    "device": lambda path: os.mknod(path, 0o600 | 0o020000, os.makedev(1, 3)),
}


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_51_destination_of_another_kind(empty, make):
    in_the_way(empty, "m/w.bin", "path.type", make)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.write_bytes(b"")],
                         ids=["fifo", "file"])
def test_51_parent_of_another_kind(empty, make):
    in_the_way(empty, "m", "path.type", make)


# Names from a lock. Nothing is asked of anybody.

UNSAFE = {
    52: ["../w.bin", "a/../../w.bin", "a/..", "/etc/w.bin", "a//w.bin", "./w.bin", ".", "", "a/",
         "a/./b", "..", "/"],
    53: ["a\nb", "a\x01b", "a\tb", "a\\b", "C:b", "c:\\b", "\\\\host\\b", "a.", "a ", "a./b", "a /b",
         "a\u202eb", "a\u2066b", "a\x7fb", "a\u0085b", "a\u2028b", "NUL ", "\u200e"],
    54: ["a" * 256, "/".join(["a" * 200] * 21), "é" * 128],
    57: [".bake/w.bin", ".bake", "model-info.json", ".BAKE/x", "Model-Info.JSON"],
}
LONG = {54: ("path.too-long",), 57: ("path.reserved",)}


def refused_lock(bed, files, code, *errors):
    bed.write_lock(files)
    result = bed.fetch()
    assert result.code == code and result.errors[0][0] in errors, result
    bed.says_one_thing(result)
    assert not bed.server.log().connections()
    assert not bed.models.exists() or not list(bed.models.iterdir())
    return result


def file_at(path, data=b"x"):
    return {"path": path, "name": "w.bin", "size": len(data), "sha256": sha256(data)}


def name_of(path):
    return repr(path if len(path) < 30 else f"{path[:10]}...{len(path)}")


@pytest.mark.parametrize("case, path", [(case, path) for case in UNSAFE for path in UNSAFE[case]],
                         ids=[f"{case}-{name_of(path)}" for case in UNSAFE for path in UNSAFE[case]])
def test_52_53_54_57_unsafe_names(empty, case, path):
    errors = LONG.get(case, ("path.unsafe", "json.text"))
    refused_lock(empty, [file_at("good.bin"), file_at(path)], 65, *errors)
    empty.lock({"w.bin": empty.data})
    empty.recovers()


@pytest.mark.parametrize("raw", [rb'"m/a\u0000b"', b'"m/\xff"', b'"m/\xc0\xae\xc0\xae/x"',
                                 rb'"m/\ud800"'], ids=["nul", "latin", "overlong", "surrogate"])
def test_53_names_that_are_no_text(empty, raw):
    empty.write_lock([file_at("@")])
    empty.lock_path.write_bytes(empty.lock_path.read_bytes().replace(b'"@"', raw))
    result = empty.fetch()
    assert result.code == 65 and result.errors[0][0].startswith(("json.", "path.")), result
    empty.says_one_thing(result)
    assert not empty.server.log().connections() and not empty.models.exists()


@pytest.mark.parametrize("paths", [
    ("A.json", "a.json"), ("m/x", "M/y"), ("\u00c9", "\u00e9"), ("\u00e9", "e\u0301"),
    ("\u212b", "\u00c5"), ("\u0130", "i\u0307"),
], ids=["case", "directory-case", "accented-case", "decomposed", "angstrom", "dotted-i"])
def test_55_names_that_differ_too_little(empty, paths):
    refused_lock(empty, [file_at(path) for path in paths], 65, "path.collision", "path.unsafe")


@pytest.mark.parametrize("paths", [("x", "x/y"), ("a/b", "a/b/c/d"), ("x/y", "x")])
def test_56_a_file_that_is_a_directory(empty, paths):
    refused_lock(empty, [file_at(path) for path in paths], 65, "path.collision")


# Several processes.

def test_58_two_at_once_fetch_once(bed):
    bed.server.fault("w.bin", ["gate both", "good"], content=bed.server.kept[0][1])
    first = starts(bed)
    wait_until(lambda: bed.server.log(complete=False).requests())
    second = starts(bed)
    time.sleep(0.2)
    bed.server.tell("open both")
    for process in (first, second):
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert (bed.models / "m/w.bin").read_bytes() == bed.data
    assert bed.server.log().sent() == len(bed.data)
    assert not (bed.models / ".bake").exists()


def test_58_the_second_does_not_wait_for_ever(bed1):
    bed1.server.fault("w.bin", ["gate second", "good"], content=bed1.server.kept[0][1])
    first = starts(bed1)
    wait_until(lambda: bed1.server.log(complete=False).requests())
    result = watched(bed1.command("--lock-timeout", "0"))
    bed1.fails(result, 75, "lock.held")
    assert str(first.pid) in result.errors[0][1]
    bed1.server.tell("open second")
    assert first.wait(timeout=60) == 0
    first.communicate()
    bed1.recovers()


def test_58_one_cache_for_several(tmp_path, server):
    """Two models directories, one cache: one download."""
    server.listen()
    one = Bed(tmp_path, server)
    one.cache = one.root / "cache"
    one.lock({"w.bin": one.data})
    name = server.kept[0][1]
    server.fault("w.bin", ["gate both", "good"], content=name)
    first = starts(one)
    wait_until(lambda: server.log(complete=False).requests())
    second_models = one.root / "other"
    command = [word if word != str(one.models) else str(second_models) for word in one.command()]
    second = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=environment())
    time.sleep(0.2)
    server.tell("open both")
    for process in (first, second):
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    for models in (one.models, second_models):
        assert tree(models) == {"m": None, "m/w.bin": one.data}
    assert server.log().sent() == len(one.data)


@pytest.mark.parametrize("content", [b"999999999\n", b"1\n", b"", b"garbage\xff" * 1000])
def test_59_lock_of_the_dead(bed1, content):
    """What the file says does not matter: the kernel knows who holds it."""
    (bed1.models / ".bake").mkdir()
    (bed1.models / ".bake/lock").write_bytes(content)
    bed1.succeeds(bed1.fetch("--lock-timeout", "0"))


def test_59_lock_of_somebody_alive_elsewhere(bed1):
    """As in another container: the pid in it is not to be found here."""
    (bed1.models / ".bake").mkdir()
    with open(bed1.models / ".bake/lock", "w+") as lock:
        lock.write("999999999\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        bed1.fails(bed1.fetch("--lock-timeout", "0"), 75, "lock.held")
        assert not bed1.server.log().connections()
    bed1.recovers()


# 60, a kill at any system call: test_sweep.py and test_kill.py.

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_61_signals(bed, number):
    bed.server.fault("w.bin", partial("body {first} 20000", "stall"),
                     content=bed.server.kept[0][1])
    process = starts(bed)
    wait_until(bed.has_part)
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert process.returncode == -number and err.count("error[interrupted]") == 1, err
    bed.nothing_wrong_is_published()
    assert bed.has_part()
    bed.server.forget()
    bed.recovers()
    assert bed.server.log().sent() < len(bed.data)


def test_61_signals_while_waiting_for_a_lock(bed1):
    (bed1.models / ".bake").mkdir()
    with open(bed1.models / ".bake/lock", "w+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = starts(bed1)
        wait_until(lambda: "State:\tS" in _status(process.pid))
        time.sleep(0.2)
        process.terminate()
        process.communicate(timeout=10)
        assert process.returncode == -signal.SIGTERM
    bed1.recovers()


def _status(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as stream:
        return stream.read()


# 62: what a power failure leaves. The system calls of a run are recorded and cut off after each of
# them; of a file, only what was synced is sure, and of a directory, too.

CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)")
PLACE = re.compile(r"(?:\d+|AT_FDCWD)<([^>]*)>")


def joined(lines):
    """Calls that strace cut in two because another thread's came between, at their end."""
    begun = {}
    for line in lines:
        pid, call = line.split(maxsplit=1)
        if call.endswith("<unfinished ...>"):
            begun[pid] = call.removesuffix("<unfinished ...>")
        elif call.startswith("<..."):
            yield f"{pid} {begun.pop(pid)}{call.split('resumed>', 1)[1]}"
        else:
            yield line


class Disk:
    """Which bytes of which file are sure to be there. Paths are names at that moment."""

    def __init__(self):
        self.unsynced = {}  # path -> [(offset, end)]
        self.renamed = []   # (from, to, ranges that were not synced at that moment)

    def apply(self, name, args, result):
        places = PLACE.findall(args)
        if name in ("pwrite64", "write") and places:
            numbers = [int(part) for part in re.findall(r", (\d+)", args)]
            offset = numbers[-1] if name == "pwrite64" else 0
            self.unsynced.setdefault(places[0], []).append((offset, offset + result))
        elif name in ("fsync", "fdatasync"):
            self.unsynced.pop(places[0], None)
        elif name in ("renameat", "renameat2", "rename"):
            names = re.findall(r'"([^"]*)"', args)
            origin, target = (os.path.join(place, name) for place, name in zip(places, names))
            self.renamed.append((origin, target, self.unsynced.get(origin, [])))
            if origin in self.unsynced:
                self.unsynced[target] = self.unsynced.pop(origin)


def test_62_power_failure(bed, tmp_path):
    """At the moment a file gets its name, all of it is on the disk, and nothing is written to it
    afterwards; then its directory is synced."""
    bed.lock({"w.bin": bed.data, "small.json": b"{}", "sub/x.bin": data_of(70000, 4)})
    pace(bed)
    log = tmp_path / "calls"
    under = ["strace", "-f", "-qq", "-y", "-s", "0", "-o", log, "-e",
             f"trace={WRITES},{RENAMES},fsync,fdatasync,ftruncate,fallocate"]
    bed.succeeds(bed.fetch(under=under, env={"ASAN_OPTIONS": "detect_leaks=0"}))
    disk, final, calls = Disk(), {}, []
    for line in joined(log.read_text().splitlines()):
        match = CALL.match(line.replace('""...', '"x"'))
        if match and int(match[3]) >= 0:
            calls.append((match[1], match[2], int(match[3])))
    names = {str(bed.models / path) for path in bed.wanted}
    assert calls
    for name, args, result in calls:
        disk.apply(name, args, result)
        for path in names & set(PLACE.findall(args)):
            assert name not in WRITES.split(",") and name != "ftruncate", (name, args)
        final.update({path: True for path in names if os.path.dirname(path) in PLACE.findall(args)
                      and name == "fsync"})
    assert len(disk.renamed) >= len(names)
    assert set(final) == names, "a directory was not synced after its file got its name"
    for origin, target, ranges in disk.renamed:
        assert not ranges or "/.bake/" in target, f"{target} was named before {ranges} was synced"


# What an earlier run left.

def interrupted(bed):
    """A part, made by a run that broke off."""
    bed.server.fault("w.bin", partial("body {first} 15000", "close"),
                     content=bed.server.kept[0][1])
    bed.fails(bed.fetch("--retries", "0"), 75, "net.short")
    assert bed.has_part()
    bed.server.behave()
    return bed.parts()[0]


def test_63_part_of_another_pin(bed):
    interrupted(bed)
    bed.wanted, bed.server.kept = {}, []
    bed.lock({"w.bin": data_of(300000, 77)})
    bed.recovers()


def test_63_part_of_another_source(bed):
    """The same bytes from elsewhere are the same bytes."""
    interrupted(bed)
    bed.server.listen("b")
    bed.origin = bed.origin_of("b")
    bed.recovers()


def test_63_part_under_a_digest_that_is_not_its_own(bed1):
    """As a tool of another version might have named it."""
    part = interrupted(bed1)
    other = part.with_name(part.name.replace(sha256(bed1.data), sha256(b"other")))
    part.rename(other)
    bed1.recovers()


DAMAGES = {
    "shorter": lambda part: os.truncate(part, 100),
    "empty": lambda part: os.truncate(part, 0),
    "longer": lambda part: os.truncate(part, 50_000_000),
    "flipped": lambda part: rewrite(part, lambda data: bytes([data[0] ^ 1]) + data[1:]),
    "garbage": lambda part: rewrite(part, lambda data: data_of(len(data), 55)),
    "zeros": lambda part: rewrite(part, lambda data: bytes(len(data))),
    "hole": lambda part: subprocess.run(["fallocate", "-p", "-o", "4096", "-l", "8192", part],
                                        check=True),
    "of-the-right-size": lambda part: rewrite(part, lambda data: data_of(400_000, 56)),
}


def rewrite(path, change):
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_64_damaged_part(bed, damage):
    damage(interrupted(bed))
    bed.recovers()


@pytest.mark.parametrize("damage", ["empty", "garbage", "cut", "gone"])
def test_64_damaged_journal(bed, damage):
    """Whatever is beside the parts, if anything is."""
    interrupted(bed)
    for path in (bed.models / ".bake").iterdir():
        if path.name == "lock" or path.suffix == ".part":
            continue
        data = path.read_bytes()
        path.unlink()
        if damage != "gone":
            path.write_bytes({"empty": b"", "garbage": data_of(5000, 57),
                              "cut": data[:len(data) // 2]}[damage])
    bed.recovers()


@pytest.mark.parametrize("kind", ["directory", "link", "fifo"])
def test_64_part_of_another_kind(bed1, tmp_path, kind):
    (tmp_path / "victim").write_bytes(b"mine")
    part = interrupted(bed1)
    part.unlink()
    {"directory": part.mkdir, "link": lambda: part.symlink_to(tmp_path / "victim"),
     "fifo": lambda: os.mkfifo(part)}[kind]()
    result = bed1.fetch()
    if result.code:
        assert result.code == 73 and result.errors[0][0] in ("path.symlink", "path.type"), result
        bed1.says_one_thing(result)
    assert (tmp_path / "victim").read_bytes() == b"mine"
    bed1.nothing_wrong_is_published()


# Verifying.

@pytest.fixture
def baked(bed1):
    bed1.lock({"w.bin": bed1.data, "small.json": b"{}"})
    bed1.succeeds(bed1.fetch())
    bed1.old = {}
    return bed1


def verify_fails(bed, code, error):
    before = tree(bed.models)
    result = bed.verify()
    assert result.code == code and error in [name for name, _ in result.errors], result
    assert tree(bed.models) == before, "bake-verify changed something"
    return result


@pytest.mark.parametrize("at", [0, 12345, 399_999])
def test_65_one_bit_on_the_disk(baked, at):
    path = baked.models / "m/w.bin"
    rewrite(path, lambda data: data[:at] + bytes([data[at] ^ 4]) + data[at + 1:])
    result = verify_fails(baked, 20, "integrity.sha256")
    assert sha256(baked.data) in result.err and sha256(path.read_bytes()) in result.err
    assert "m/w.bin" in result.err
    baked.recovers()


@pytest.mark.parametrize("size", [0, 1, 399_999, 400_001])
def test_65_another_size_on_the_disk(baked, size):
    os.truncate(baked.models / "m/w.bin", size)
    verify_fails(baked, 20, "integrity.size")
    baked.recovers()


def test_66_extra_file(baked):
    (baked.models / "m/other.bin").write_bytes(b"x")
    result = verify_fails(baked, 20, "integrity.extra")
    assert "m/other.bin" in result.err
    allowed = baked.verify("--allow-extra")
    assert allowed.code == 0, allowed


def test_67_file_that_changes_while_it_is_read(baked, tmp_path):
    """The last read is held up until somebody has written to the file."""
    log = tmp_path / "reads"
    path = baked.models / "m/w.bin"
    command = ["strace", "-f", "-qq", "-y", "-o", log, "-P", path, "-e", "trace=pread64", "-e",
               "inject=pread64:delay_exit=1500000:when=1", *baked.command(tool="bake-verify")]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.PIPE, env=environment(
                                   ASAN_OPTIONS="detect_leaks=0"))
    wait_until(lambda: log.exists() and "pread64" in log.read_text())
    with open(path, "r+b") as stream:
        stream.seek(100)
        stream.write(baked.data[100:101])  # even what changes nothing is a change
    _, err = process.communicate(timeout=60)
    assert process.returncode == 20 and "error[integrity.changed]" in err, err


def test_67_file_that_is_replaced_while_it_is_read(baked, tmp_path):
    """What was opened is what is judged; the next run sees the other one."""
    log = tmp_path / "reads"
    path = baked.models / "m/w.bin"
    command = ["strace", "-f", "-qq", "-y", "-o", log, "-P", path, "-e", "trace=pread64", "-e",
               "inject=pread64:delay_exit=1000000:when=1", *baked.command(tool="bake-verify")]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.PIPE, env=environment(
                                   ASAN_OPTIONS="detect_leaks=0"))
    wait_until(lambda: log.exists() and "pread64" in log.read_text())
    other = tmp_path / "other"
    other.write_bytes(data_of(len(baked.data), 66))
    os.replace(other, path)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (0, 20), err
    verify_fails(baked, 20, "integrity.sha256")


def test_69_what_is_written_through_a_second_name_is_noticed(baked):
    os.link(baked.models / "m/w.bin", baked.root.parent / "second")
    with open(baked.root.parent / "second", "r+b") as second:
        second.write(b"no!")
    verify_fails(baked, 20, "integrity.sha256")
    before = (baked.root.parent / "second").read_bytes()
    baked.recovers()
    assert (baked.root.parent / "second").read_bytes() == before, "written in place"


def test_69_the_cache_is_nobodys_second_name(bed1):
    """Writing to the models directory changes nothing in the cache."""
    bed1.cache = bed1.root / "cache"
    bed1.succeeds(bed1.fetch())
    with open(bed1.models / "m/w.bin", "r+b") as stream:
        stream.write(b"no!")
    bed1.server.forget()
    bed1.recovers()
    assert not bed1.server.log().connections(), "the cache was not good enough"


def test_70_rename_across_devices(bed):
    """The part is beside its file; should a file system refuse nevertheless, it is said."""
    result = traced_fetch(bed, f"{RENAMES}:error=EXDEV", "-P", bed.models / "m")
    bed.fails(result, 74, "fs.io")
    bed.recovers()


@pytest.mark.parametrize("mask", [0o000, 0o077, 0o777])
def test_71_umask(empty, mask):
    """Another user than the one who baked it must be able to read it."""
    old = os.umask(mask)
    try:
        empty.succeeds(empty.fetch())
    finally:
        os.umask(old)
    assert (empty.models / "m/w.bin").stat().st_mode & 0o7777 == 0o644
    for path in (empty.models, empty.models / "m"):
        assert path.stat().st_mode & 0o7777 == 0o755, path


# Too much of everything.

def test_73_a_tree_of_a_thousand_levels(baked):
    at = os.open(baked.models, os.O_RDONLY)
    for _ in range(1000):
        os.mkdir("d", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    result = baked.verify()
    assert result.code == 65 and result.errors[0][0] == "fs.too-deep", result
    # Shallower than that is only extra.
    subprocess.run(["rm", "-rf", str(baked.models / "d")], check=True)
    (baked.models / "/".join("d" * 50)).mkdir(parents=True)
    result = baked.verify()
    assert result.code == 0 or result.errors[0][0] == "integrity.extra", result


def test_73_files_without_number(baked):
    """A directory with more names than any model has: 65, and memory for none of the rest."""
    where = baked.models / "many"
    mounted(where, "size=1g", "nr_inodes=0")
    try:
        at = os.open(where, os.O_RDONLY)
        os.close(os.open("x", os.O_CREAT | os.O_WRONLY, dir_fd=at))
        for number in range(210_000):
            os.link("x", f"{number:x}", src_dir_fd=at, dst_dir_fd=at)
        os.close(at)
        result = baked.verify()
        assert result.code == 65 and result.errors[0][0] == "fs.too-many", result
        assert SANITIZED or result.peak < 128 * 1024
    finally:
        subprocess.run(["umount", "-l", where], check=True)


def test_73_lock_with_files_without_number(empty):
    files = ",".join([json.dumps(file_at("x/w.bin"))] * 600_000)
    empty.write_lock([])
    text = empty.lock_path.read_text()
    empty.lock_path.write_text(text.replace('"files": []', f'"files": [{files}]'))
    result = watched(empty.command())
    assert result.code == 65 and result.errors[0][0] in ("data.too-large", "json.range"), result
    assert SANITIZED or result.peak < 160 * 1024
    assert not empty.server.log().connections()
