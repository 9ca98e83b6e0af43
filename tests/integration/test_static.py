# SPDX-License-Identifier: Apache-2.0
"""What the shipped binaries promise: static, hardened, small, no traces of where they were built."""
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

from conftest import ROOT, TOOLS, Place, environment, hub_model, noise, ok, run, start

NAMES = ["bake", "bake-lock", "bake-fetch", "bake-verify", "bake-index", "bake-catalog", "bake-convert",
         "bake-link", "bake-serve"]


def readelf(option, tool):
    return subprocess.run(["readelf", "-W", option, TOOLS / tool], capture_output=True, text=True,
                          check=True).stdout


pytestmark = pytest.mark.skipif("INTERP" in readelf("-l", "bake-verify"),
                                reason="these tools are not the static ones")


@pytest.mark.parametrize("tool", NAMES)
def test_needs_no_library_and_no_loader(tool):
    assert "INTERP" not in readelf("-l", tool) and "NEEDED" not in readelf("-d", tool)


@pytest.mark.parametrize("tool", NAMES)
def test_hardened(tool):
    headers, dynamic = readelf("-l", tool), readelf("-d", tool)
    assert "DYN (" in readelf("-h", tool) and "PIE" in dynamic
    assert "GNU_RELRO" in headers and "NOW" in dynamic
    stack = next(line for line in headers.splitlines() if "GNU_STACK" in line)
    assert " RW " in stack and "RWE" not in headers


@pytest.mark.parametrize("tool", NAMES)
def test_stripped_and_under_six_megabytes(tool):
    assert ".symtab" not in readelf("-S", tool) and ".debug_info" not in readelf("-S", tool)
    assert (TOOLS / tool).stat().st_size < 6_000_000


@pytest.mark.parametrize("tool", NAMES)
def test_no_trace_of_the_building_machine(tool):
    data = (TOOLS / tool).read_bytes()
    assert str(ROOT).encode() not in data
    # ncurses names what terminals can by two letters, and machines are called that, too.
    node = os.uname().nodename.encode()
    assert len(node) <= 2 or node + b"\0" not in data


@pytest.mark.parametrize("tool, has", [("bake-lock", True), ("bake-fetch", True),
                                       ("bake-verify", False), ("bake-index", False),
                                       ("bake-link", False), ("bake-catalog", False), ("bake", False),
                                       ("bake-convert", False)])
def test_network_code_only_where_it_belongs(tool, has):
    data = (TOOLS / tool).read_bytes()
    for trace in (b"content-range", b"http/1.1", b"CURL_CA_BUNDLE", b"policy.private-address"):
        assert (trace in data) == has, trace


def test_sizes_in_the_readme_are_true():
    text = (ROOT / "README.md").read_text()
    for tool in NAMES:
        row = next(line for line in text.splitlines() if line.startswith(f"| [`{tool}`]"))
        said = float(row.split("|")[3].split()[0])
        assert abs((TOOLS / tool).stat().st_size / 1e6 - said) < 0.1, row


@pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root")
def test_works_in_an_empty_root(hub, tmp_path):
    """No shell, no libraries, no locale, no certificates: only the tools and /etc/hosts."""
    empty = tmp_path / "root"
    (empty / "etc").mkdir(parents=True)
    (empty / "etc/hosts").write_text("127.0.0.1 hub.test\n")
    for tool in NAMES:
        shutil.copy(TOOLS / tool, empty)
    place = Place(empty, hub)
    hub.add("org/name", {"w.bin": noise(50000), "config.json": b"{}"})
    place.write({"m": hub_model(path="m")})
    endpoint = hub.origin.replace("127.0.0.1", "hub.test")

    def inside(*args):
        done = subprocess.run(["chroot", empty, *args], capture_output=True, text=True,
                              env=environment())
        assert done.returncode == 0, done.stderr
        return done.stdout

    inside("/bake-lock", "/test.json", "--endpoint", endpoint, "--allow-http")
    inside("/bake-fetch", "-l", "/test.lock.json", "-d", "/app/models", "--endpoint", endpoint,
           "--allow-http")
    inside("/bake-index", "build", "-l", "/test.lock.json")
    assert "2 of 2 files verified" in inside("/bake-verify")


@pytest.mark.skipif(not os.environ.get("BAKE_SLOW"), reason="BAKE_SLOW=1 runs it: 4 GiB of bytes")
def test_memory_stays_below_64_mib_whatever_the_size(hub, tmp_path):
    """Measured on a file of 4 GiB that is fetched, found there and hashed, and verified."""
    import hashlib

    from hubserver import File
    size = 4 << 30
    with open(tmp_path / "zeros", "wb") as stream:
        stream.truncate(size)
    digest = hashlib.sha256()
    for _ in range(size >> 24):
        digest.update(bytes(1 << 24))
    hub.add("org/name", {"w.bin": File(path=tmp_path / "zeros", digest=digest.hexdigest())})
    place = Place(tmp_path, hub)
    place.locked({"m": hub_model(path="m")})
    peaks = {}

    def measured(name, tool, *args):
        """The high-water mark the kernel keeps, read until the process ends. (rusage would count
        what this process had when it forked.)"""
        process = start(tool, "-q", *args)
        status = pathlib.Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            mark = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
            if mark and process.poll() is None:
                peaks[name] = int(mark[1]) / 1024
            time.sleep(0.01)
        assert process.returncode == 0, process.communicate()

    fetch = ["-l", place.lock_path, "-d", place.models, "--endpoint", hub.origin, "--allow-http"]
    measured("fetch", "bake-fetch", *fetch)
    measured("fetch again", "bake-fetch", *fetch)
    ok(place.index())
    measured("verify", "bake-verify", "-d", place.models)
    print("peak memory, MiB:", {name: round(peak, 1) for name, peak in peaks.items()})
    assert max(peaks.values()) < 64, peaks
    assert run("bake-verify", "-d", place.models, "--quick").code == 0
