# SPDX-License-Identifier: Apache-2.0
"""Case 60 and every failure of case 46: a small fetch in which one system call goes wrong, for each
such call in turn. After each, nothing wrong is published, and a rerun ends well.

A run without a fault says how often each call is made. Where that is more often than there is time
for, the places are spread evenly.
"""
import os
import re
import subprocess

import pytest

from harness import Bed, data_of, environment

# The calls that change what is on the disk, as strace groups them.
CALLS = {
    "write": "write,writev,pwrite64,pwritev,pwritev2,copy_file_range",
    "fsync": "fsync,fdatasync,syncfs",
    "rename": "rename,renameat,renameat2",
    "other": "mkdir,mkdirat,ftruncate,fallocate,unlink,unlinkat,rmdir,fchmod,fchmodat,fchown,"
             "fchownat,utimensat,flock",
}
KILL, FAULTS = "signal=SIGKILL", {"write": ["error=ENOSPC", "error=EIO"],
                                  "fsync": ["error=ENOSPC", "error=EIO"],
                                  "rename": ["error=ENOSPC", "error=EIO"], "other": []}
PLACES = int(os.environ.get("BAKE_SWEEP", 100 if os.environ.get("BAKE_SLOW") else 10))
CODES = {"error=ENOSPC": {0, 23}, "error=EIO": {0, 74}, KILL: {0, -9, 137}}


@pytest.fixture(params=[False, True], ids=["no-cache", "cache"])
def small(request, tmp_path, server):
    """Three files of some 100 KB, of which one has a predecessor."""
    server.listen()
    bed = Bed(tmp_path, server, 8)
    bed.lock({"a.bin": data_of(150_000, 31), "sub/b.bin": data_of(100_000, 32), "c.json": b"{}"})
    bed.stands("m/a.bin", data_of(5000, 33))
    bed.cache = bed.root / "cache" if request.param else None
    return bed


def strace(bed, *options):
    """A fetch under strace: its exit code and what it said."""
    command = ["strace", "-f", "-qq", *options, *bed.command("--progress", "none")]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60,
                          env=environment(ASAN_OPTIONS="detect_leaks=0"))
    return done.returncode, done.stderr


def restore(bed):
    """As it was before the first run."""
    for place in (bed.models, bed.cache):
        if place:
            subprocess.run(["rm", "-rf", str(place)], check=True)
    bed.old = {}
    bed.stands("m/a.bin", data_of(5000, 33))


def count(bed, tmp_path, calls):
    """How often these calls are made by one thread or another in a run without a fault."""
    log = tmp_path / "count"
    code, err = strace(bed, "-o", log, "-e", f"trace={calls}")
    assert code == 0, err
    lines = re.findall(r"^(\d+) +\w+\(", log.read_text(), re.M)
    return max(lines.count(thread) for thread in set(lines)) if lines else 0


def spread(total, places):
    """At most so many of 1 to total, evenly, with both ends."""
    if total <= places:
        return list(range(1, total + 1))
    return sorted({1 + round(step * (total - 1) / (places - 1)) for step in range(places)})


@pytest.mark.parametrize("group", CALLS)
def test_60_sweep(small, tmp_path, group):
    calls = CALLS[group]
    total = count(small, tmp_path, calls)
    assert total > 0, f"no {group} at all: is the list of calls still right?"
    faults = [KILL, *FAULTS[group]]
    seen = set()
    for fault in faults:
        for when in spread(total, PLACES):
            restore(small)
            code, err = strace(small, "-o", "/dev/null", "-e", f"trace={calls}", "-e",
                               f"inject={calls}:{fault}:when={when}")
            what = f"{group} {when} of {total}: {fault}: exit {code}\n{err}"
            seen.add(code)
            assert code in CODES[fault], what
            if fault != KILL and code != 0:
                # The write that fails may be the one of the error's own line.
                assert err.count("error[") == 1 or (group == "write" and err == ""), what
            small.nothing_wrong_is_published()
            result = small.fetch()
            assert result.code == 0, f"{what}\nthen {result}"
            small.succeeds(result)
    assert seen - {0}, "no fault was ever noticed"
