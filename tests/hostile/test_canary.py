# SPDX-License-Identifier: Apache-2.0
"""The token is nowhere: not in a file, not in what is said, not in an argument or an environment,
not in what is written by any system call, in no form. And a tool that leaked it would be caught."""
import base64
import json
import os
import re
import subprocess

import pytest

from faults import partial, plain, redirect
from harness import TOOLS, Bed, Canary, environment, watched

LOUD = ["-vvv", "--progress", "plain", "--json"]


def wrap(raw, kind):
    """The token as somebody might write it down."""
    return {
        "raw": raw, "base64": base64.b64encode(raw), "base64-1": base64.b64encode(b"x" + raw),
        "base64-2": base64.b64encode(b"xy" + raw + b"z"),
        "base64url": base64.urlsafe_b64encode(b"Bearer " + raw), "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "percent": "".join(f"%{byte:02X}" for byte in raw).encode(), "reversed": raw[::-1],
    }[kind]


@pytest.mark.parametrize("kind", ["raw", "base64", "base64-1", "base64-2", "base64url", "hex",
                                  "HEX", "percent", "reversed"])
def test_a_leak_would_be_found(kind):
    canary = Canary()
    leak = b"GET / HTTP/1.1\r\nX: " + wrap(canary.text.encode(), kind) + b"\r\n"
    assert canary.found_in(leak)
    assert not Canary().found_in(leak)


FAULTS = {
    "all-well": None,
    "denied": plain(401, b"no"),
    "server-error": plain(503, b"oops"),
    "reset": ["rst"],
    "wrong-bytes": ["flip 5", "good"],
    "redirect-loop": redirect("?"),
}


def written(trace):
    """The bytes that a strace log of -xx shows."""
    return b"".join(bytes.fromhex(text.replace("\\x", ""))
                    for text in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', trace.read_text()))


@pytest.mark.parametrize("steps", FAULTS.values(), ids=FAULTS)
def test_the_token_of_a_file_is_nowhere(bed, tmp_path, steps):
    """The only place is the request to its own origin."""
    if steps:
        bed.server.fault("w.bin", steps, content=bed.server.kept[0][1])
    bed.cache = bed.root / "cache"
    trace = tmp_path / "trace"
    under = ["strace", "-f", "-qq", "-xx", "-s", "70000", "-o", trace, "-e",
             "trace=write,writev,pwrite64,pwritev,execve,rename,renameat,renameat2,openat,openat2,"
             "linkat,symlinkat,setxattr,fsetxattr,mkdirat,prctl"]
    result = bed.fetch(*LOUD, under=under, env={"ASAN_OPTIONS": "detect_leaks=0"})
    assert (result.code == 0) == (steps is None), result
    assert b"bake-fetch" in written(trace)
    assert not bed.canary.found_in(written(trace))
    asked = bed.server.log().requests("a")
    assert asked and all(bed.canary.found_in(request.head) for request in asked[:1])


def test_the_token_of_the_environment_stays_there(bed1):
    """Whoever gives it that way has it in the environment of the process; nowhere else."""
    command = [word for word in bed1.command(*LOUD)
               if word not in ("--token-file", str(bed1.token_path))]
    done = subprocess.run(command, capture_output=True,
                          env=environment(HF_TOKEN=bed1.canary.text))
    assert done.returncode == 0, done.stderr
    assert bed1.server.log().requests()[0].authorization
    assert not bed1.canary.found_in(done.stdout + done.stderr)
    for path in bed1.root.rglob("*"):
        assert not path.is_file() or not bed1.canary.found_in(path.read_bytes()), path


def test_no_core_and_no_look_into_the_process(bed1):
    """While the token is in its memory, the process leaves no core and lets nobody else look."""
    bed1.server.fault("w.bin", partial("gate looked", "body {first} {count}"),
                      content=bed1.server.kept[0][1])
    process = subprocess.Popen(bed1.command(), env=environment(), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        while not bed1.server.log(complete=False).requests():
            assert process.poll() is None
        limits = open(f"/proc/{process.pid}/limits", encoding="ascii").read()
        assert re.search(r"Max core file size +0 +0 ", limits), limits
        # What is not dumpable belongs to root, whoever runs it.
        assert os.stat(f"/proc/{process.pid}/mem").st_uid == 0
    finally:
        bed1.server.tell("open looked")
        assert process.wait(timeout=60) == 0


def test_session_keys_are_not_logged(tmp_path, server, certificates):
    """SSLKEYLOGFILE would lay the token open to whoever recorded the traffic."""
    server.listen("a", tls=certificates["good"])
    bed = Bed(tmp_path, server)
    bed.origin = bed.origin_of("a", scheme="https")
    bed.one()
    bed.succeeds(bed.fetch(env={"SSL_CERT_FILE": certificates["ca"],
                                "SSLKEYLOGFILE": bed.root / "keys"}))
    assert not (bed.root / "keys").exists()


def test_netrc_is_not_read(bed1, tmp_path):
    secret = "n3trc" + bed1.canary.text[3:]
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login me password {secret}\n")
    (tmp_path / ".netrc").chmod(0o600)
    command = [word for word in bed1.command() if word not in ("--token-file",
                                                              str(bed1.token_path))]
    result = watched(command, {"HOME": tmp_path})
    bed1.succeeds(result)
    [asked] = bed1.server.log().requests()[:1]
    assert not asked.authorization and secret not in asked.head


def test_lock_and_index_do_not_have_it(bed1, tmp_path):
    """bake-lock asks the Hub with the token; what it writes goes into images and repositories."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({
        "schema": "bake.manifest/1", "name": "test", "models": {
            "m": {"source": {"hub": "org/name", "revision": "main"}, "path": "m"}}}))
    commit = "ab" * 20
    listing = [{"type": "file", "path": "small.json", "size": 2, "oid": "cd" * 20}]
    bed1.server.always("/revision/", plain(200, json.dumps({"sha": commit}).encode(),
                                           ["Content-Type: application/json"]))
    bed1.server.always("/tree/", plain(200, json.dumps(listing).encode(),
                                       ["Content-Type: application/json"]))
    bed1.server.good("small.json", b"{}")
    result = watched([TOOLS / "bake-lock", manifest, "-o", bed1.lock_path, "--endpoint",
                      bed1.origin, "--allow-http", "--token-file", bed1.token_path, "-vvv",
                      "--retries", "0"])
    assert bed1.server.log().requests()[0].authorization
    assert not bed1.canary.found_in(result.out + result.err)
    bed1.keeps_secrets(result)
