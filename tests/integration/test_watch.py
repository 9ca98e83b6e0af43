# SPDX-License-Identifier: Apache-2.0
"""What people and programs see of a fetch: the terminal, the log, events, state, report, history,
the plan of a dry run, and what is said after a failure."""
import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time

import jsonschema
import pytest

from conftest import (ROOT, TOOLS, environment, fails, hub_model, noise, ok, run, start, traced)
from terminal import Screen, Session

SCHEMAS = {name: json.loads((ROOT / f"manifests/schema/bake.{name}-1.schema.json").read_text())
           for name in ("events", "state", "report", "history")}
ORDER = ["queued", "downloading", "verifying", "downloaded"]


VALIDATORS = {name: jsonschema.Draft202012Validator(schema) for name, schema in SCHEMAS.items()}
# A line's own part of the schema says better than "none of eight" what is wrong, and sooner.
LINES = {kind: jsonschema.Draft202012Validator({**SCHEMAS["events"]["$defs"][name],
                                                "$defs": SCHEMAS["events"]["$defs"]})
         for kind, name in [(name, name) for name in SCHEMAS["events"]["$defs"]
                            if name not in ("at_ms", "note")]
         + [("notice", "note"), ("warning", "note")]}


def check(name, document):
    VALIDATORS[name].validate(document)
    return document


def lines_of(text):
    """The events, every one checked; of thousands some."""
    assert text.endswith("\n")
    events = [json.loads(line) for line in text.splitlines()]
    for event in events[::len(events) // 3000 + 1]:
        LINES[event["event"]].validate(event)
    check("events", events[0])
    check("events", events[-1])
    return events


def of(events, kind, **fields):
    return [event for event in events if event["event"] == kind
            and all(event.get(name) == value for name, value in fields.items())]


def states(events, kind, **fields):
    """The states in the order they were told, each once."""
    told = [event["state"] for event in of(events, kind, **fields)]
    return [state for i, state in enumerate(told) if i == 0 or told[i - 1] != state]


def two_models(place, hub, size=300000):
    hub.add("org/a", {"one.bin": noise(size, 1), "sub/two.bin": noise(size, 2)})
    hub.add("org/b", {"three.bin": noise(size, 3), "empty": b""})
    return place.locked({"a": hub_model("org/a", path="a"), "b": hub_model("org/b", path="b")})


def local_files(place, count, size=100):
    """A model of many small files beside the lock."""
    folder = place.path / "local"
    folder.mkdir()
    for i in range(count):
        (folder / f"file-{i:05}.bin").write_bytes(b"%06d" % i * (size // 6))
    return place.locked({"many": {"source": {"file": "local"}, "path": "many"}})


@pytest.fixture
def memory(tmp_path):
    """A directory where syncing costs nothing, for thousands of files."""
    shm = pathlib.Path("/dev/shm")
    folder = tempfile.mkdtemp(dir=shm if shm.is_dir() else tmp_path)
    yield pathlib.Path(folder)
    shutil.rmtree(folder)


# Events.

def test_events_tell_every_state_in_order(place, hub, tmp_path):
    two_models(place, hub)
    ok(place.fetch("--events", tmp_path / "events"))
    events = lines_of((tmp_path / "events").read_text())
    assert [event["event"] for event in events[:2]] == ["begin", "plan"]
    assert events[0]["schema"] == "bake.events/1" and events[1]["total"] == 900000
    assert [event["at_ms"] for event in events] == sorted(event["at_ms"] for event in events)
    for path in ("a/one.bin", "a/sub/two.bin", "b/three.bin"):
        assert states(events, "file", path=path) == ORDER
        told = [event["bytes"] for event in of(events, "file", path=path)]
        assert told == sorted(told) and told[-1] == 300000
        assert of(events, "file", path=path, state="downloaded")[0]["how"] == "fetched"
    for model in ("a", "b"):
        told = states(events, "model", model=model)
        assert told[0] == "queued" and told[-1] == "downloaded"
        assert [ORDER.index(state) for state in told] == sorted(map(ORDER.index, told))
    last = of(events, "model", model="a")[-1]
    assert last["bytes"] == last["total"] == 600000 and last["progress"] == 1
    assert last["size_text"] == "0.6 / 0.6 MB" and last["files_done"] == 2
    assert events[-1]["event"] == "end" and events[-1]["exit_code"] == 0
    assert events[-1]["state"] == "downloaded" and events[-1]["files_done"] == 4


def test_events_of_what_is_there_already(place, hub, tmp_path):
    two_models(place, hub)
    ok(place.fetch())
    (place.models / "a/one.bin").write_bytes(noise(300000, 9))
    ok(place.fetch("--events", tmp_path / "events"))
    events = lines_of((tmp_path / "events").read_text())
    assert states(events, "file", path="b/three.bin") == ["verifying", "downloaded"]
    assert of(events, "file", path="b/three.bin", state="downloaded")[0]["how"] == "verified"
    assert states(events, "file", path="a/one.bin") == ["verifying", *ORDER]
    assert states(events, "model", model="b")[-1] == "downloaded"
    assert any("other content" in event["message"] for event in of(events, "notice"))


def test_events_of_a_resumed_file(place, hub, tmp_path):
    data = noise(3 << 20)
    hub.add("org/name", {"big.bin": data})
    place.locked({"m": hub_model(path="m")})
    hub.fault("xet-bridge", cut=2 << 20)
    fails(place.fetch("--retries", "0", "-x", "1"), 75, "net.short")
    ok(place.fetch("--events", tmp_path / "events"))
    events = lines_of((tmp_path / "events").read_text())
    first = of(events, "file", state="downloading")[0]
    assert 0 < first["resumed"] == first["bytes"] <= 2 << 20


def test_events_of_a_retry(place, hub, tmp_path):
    hub.add("org/name", {"big.bin": noise(100000)})
    place.locked({"m": hub_model(path="m")})
    hub.fault("xet-bridge", times=1, cut=1000, reset=True)
    ok(place.fetch("--events", tmp_path / "events"))
    events = lines_of((tmp_path / "events").read_text())
    assert of(events, "retry", path="m/big.bin")
    assert states(events, "file")[-1] == "downloaded"


def test_events_of_a_failure(place, hub, tmp_path):
    two_models(place, hub)
    hub.fault("three.bin", times=-1, status=404, body=b"gone")
    fails(place.fetch("--events", tmp_path / "events", "-j", "1"), 69, "net.not-found")
    events = lines_of((tmp_path / "events").read_text())
    failed = of(events, "file", state="failed")
    assert [event["path"] for event in failed] == ["b/three.bin"]
    assert failed[0]["error"] == "net.not-found" and "404" in failed[0]["message"]
    model = of(events, "model", model="b")[-1]
    assert model["state"] == "failed" and "three.bin" in model["message"]
    assert events[-1]["state"] == "failed" and events[-1]["exit_code"] == 69
    assert events[-1]["error"] == "net.not-found"
    for model in ("a", "b"):
        final = of(events, "model", model=model)[-1]["state"]
        assert final in ("downloaded", "failed", "cancelled")


def test_events_of_what_failed_before_there_was_a_plan(place, tmp_path):
    fails(place.fetch("--events", tmp_path / "events"), 66, "fs.not-found")
    events = lines_of((tmp_path / "events").read_text())
    assert [event["event"] for event in events] == ["begin", "end"]
    assert events[-1]["error"] == "fs.not-found" and events[-1]["exit_code"] == 66


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_events_of_a_cancelled_run(place, hub, tmp_path, number, code):
    two_models(place, hub)
    hub.fault("xet-bridge", times=-1, stall=1000)
    process = start("bake-fetch", "-l", place.lock_path, "-d", place.models, "--endpoint",
                    hub.origin, "--allow-http", "--events", tmp_path / "events", "--report",
                    tmp_path / "report", env={"BAKE_STATE_DIR": tmp_path / "state"})
    while not hub.requests(origin="cdn"):
        time.sleep(0.01)
    process.send_signal(number)
    assert "the same command goes on from there" in process.communicate(timeout=60)[1]
    assert process.returncode == -number
    events = lines_of((tmp_path / "events").read_text())
    assert {model: states(events, "model", model=model)[-1] for model in "ab"} == {
        "a": "cancelled", "b": "cancelled"}
    assert events[-1]["state"] == "cancelled" and events[-1]["exit_code"] == code
    state = check("state", json.loads((place.models / ".bake/state.json").read_text()))
    assert state["state"] == "cancelled" and state["models"]["a"]["state"] == "cancelled"
    assert check("report", json.loads((tmp_path / "report").read_text()))["exit_code"] == code
    line = check("history", json.loads((tmp_path / "state/history.jsonl").read_text()))
    assert line["status"] == "cancelled" and line["exit_code"] == code


def test_events_on_standard_output(place, hub):
    two_models(place, hub)
    assert lines_of(ok(place.fetch("--events", "-")).out)[-1]["exit_code"] == 0
    for other in ("--json", "--dry-run"):
        fails(place.fetch("--events", "-", other), 64, "usage.arguments")


def test_events_need_a_place(place, hub, tmp_path):
    two_models(place, hub)
    fails(place.fetch("--events", tmp_path / "absent/events"), 66, "fs.not-found")
    assert not place.models.exists()


def test_a_full_disk_for_events_harms_nothing(place, hub):
    two_models(place, hub)
    result = ok(place.fetch("--events", "/dev/full"))
    assert "warning: not every event could be written" in result.err
    assert len(place.files()) == 4


def test_nobody_reads_the_fifo(place, memory):
    """More than a pipe holds, and no reader ever: the fetch ends all the same."""
    local_files(place, 2000)
    place.models = memory / "models"
    fifo = place.path / "events"
    os.mkfifo(fifo)
    result = ok(place.fetch("--events", fifo))
    assert "warning: not every event could be written" in result.err
    assert len(place.files()) == 2000


def test_a_slow_reader_of_a_fifo_gets_every_state(place, memory):
    local_files(place, 500)
    place.models = memory / "models"
    fifo = place.path / "events"
    os.mkfifo(fifo)
    got = []

    def read():
        with open(fifo) as stream:
            time.sleep(0.5)
            got.append(stream.read())

    reader = threading.Thread(target=read)
    reader.start()
    result = ok(place.fetch("--events", fifo))
    reader.join(timeout=60)
    assert "warning" not in result.err
    events = lines_of(got[0])
    assert len(of(events, "file", state="downloaded")) == 500
    assert events[-1]["event"] == "end"


def test_a_reader_that_goes_away_harms_nothing(place, hub):
    two_models(place, hub)
    hub.fault("xet-bridge", times=1, rate=300000)
    process = start("bake-fetch", "-l", place.lock_path, "-d", place.models, "--endpoint",
                    hub.origin, "--allow-http", "--events", "-")
    assert json.loads(process.stdout.readline())["event"] == "begin"
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(timeout=60) == 0, err
    assert len(place.files()) == 4


def test_the_size_text_is_that_of_the_download_service(place, hub, tmp_path):
    """Gigabytes from a thousand megabytes on, and decimal: 2019373920 bytes are 2.02 GB."""
    two_models(place, hub)

    def grow(lock):
        lock["models"]["a"]["files"][0]["size"] = 2019373920 - 300000

    place.edit_lock(grow)
    fails(place.fetch("--events", tmp_path / "events", "a"), 76, "net.size-mismatch")
    events = lines_of((tmp_path / "events").read_text())
    assert of(events, "model", model="a")[0]["size_text"] == "0.00 / 2.02 GB"


# state.json.

def test_state_is_whole_whenever_it_is_read(place, hub):
    two_models(place, hub)
    hub.fault("xet-bridge", times=3, rate=200000)
    process = start("bake-fetch", "-l", place.lock_path, "-d", place.models, "--endpoint",
                    hub.origin, "--allow-http")
    seen = {}
    while process.poll() is None:
        try:
            text = (place.models / ".bake/state.json").read_text()
        except FileNotFoundError:
            continue
        state = check("state", json.loads(text))
        seen[state["at_ms"]] = state
    process.communicate(timeout=60)
    assert process.returncode == 0 and not (place.models / ".bake").exists()
    assert len(seen) >= 3
    times = sorted(seen)
    # At most four a second; the last one, after the end, comes when it comes.
    assert all(later - earlier >= 250 for earlier, later in zip(times[:-1], times[1:-1])), times
    assert {model["state"] for state in seen.values() for model in state["models"].values()
            } >= {"downloading"}
    assert all(state["pid"] == process.pid for state in seen.values())
    bytes_seen = [seen[at]["bytes"] for at in times]
    assert bytes_seen == sorted(bytes_seen)


def test_state_tells_of_a_failure_until_the_next_run(place, hub):
    two_models(place, hub)
    hub.fault("three.bin", times=1, status=404, body=b"gone")
    fails(place.fetch(), 69, "net.not-found")
    state = check("state", json.loads((place.models / ".bake/state.json").read_text()))
    assert state["state"] == "failed" and state["error"] == "net.not-found"
    assert state["models"]["b"]["state"] == "failed" and "eta" not in state["models"]["b"]
    ok(place.fetch())
    assert not (place.models / ".bake").exists()


def test_state_never_follows_a_link(place, hub, tmp_path):
    two_models(place, hub)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (place.models / ".bake").mkdir(parents=True)
    (place.models / ".bake/state.json.tmp").symlink_to(victim)
    (place.models / ".bake/state.json").symlink_to(victim)
    ok(place.fetch())
    assert victim.read_text() == "mine" and not (place.models / ".bake").exists()


# The report.

def test_report_of_a_success(place, hub, tmp_path):
    two_models(place, hub)
    ok(place.fetch("a"))
    hub.fault("three.bin", times=1, status=503, body=b"")
    ok(place.fetch("--report", tmp_path / "report"))
    report = check("report", json.loads((tmp_path / "report").read_text()))
    assert report["ok"] and report["exit_code"] == 0 and "error" not in report
    assert report["lock"]["name"] == "test" and report["totals"]["files"] == 4
    files = {entry["path"]: entry for entry in report["files"]}
    assert files["a/one.bin"]["outcome"] == "present" and files["a/one.bin"]["received"] == 0
    assert files["b/three.bin"]["outcome"] == "fetched"
    assert files["b/three.bin"]["received"] == 300000 and files["b/three.bin"]["retries"] == 1
    assert files["b/three.bin"]["source"].startswith(hub.origin + "/org/b/resolve/")
    assert files["b/three.bin"]["seconds"] > 0
    totals = report["totals"]
    assert (totals["present"], totals["fetched"], totals["retries"]) == (2, 2, 1)
    assert totals["received"] == 300000 and totals["have_bytes"] == totals["bytes"] == 900000


def test_report_of_a_failure(place, hub, tmp_path):
    hub.add("org/name", {"big.bin": noise(3 << 20)})
    place.locked({"m": hub_model(path="m")})
    (tmp_path / "report").write_text("of an earlier run")
    hub.fault("xet-bridge", cut=2 << 20)
    fails(place.fetch("--retries", "0", "-x", "1", "--report", tmp_path / "report"), 75, "net.short")
    report = check("report", json.loads((tmp_path / "report").read_text()))
    assert not report["ok"] and report["exit_code"] == 75
    assert report["error"]["id"] == "net.short" and report["error"]["hint"]
    entry = report["files"][0]
    assert entry["outcome"] == "failed" and entry["error"]["id"] == "net.short"
    assert 1 << 20 <= report["totals"]["have_bytes"] <= 2 << 20
    ok(place.fetch("--report", tmp_path / "report"))
    report = check("report", json.loads((tmp_path / "report").read_text()))
    assert 1 << 20 <= report["files"][0]["resumed"] <= 2 << 20
    assert report["files"][0]["resumed"] + report["files"][0]["received"] == 3 << 20


def test_report_of_what_failed_before_there_was_a_plan(place, tmp_path):
    fails(place.fetch("--report", tmp_path / "report"), 66, "fs.not-found")
    report = check("report", json.loads((tmp_path / "report").read_text()))
    assert report["files"] == [] and report["error"]["id"] == "fs.not-found"


def test_report_that_cannot_be_written(place, hub, tmp_path):
    two_models(place, hub)
    fails(place.fetch("--report", tmp_path / "absent/report"), 73, "fs.no-directory")
    assert len(place.files()) == 4
    fails(place.fetch("--report", "-"), 64, "usage.value")
    hub.fault("one.bin", times=-1, status=404, body=b"gone")
    shutil.rmtree(place.models)
    result = fails(place.fetch("--report", tmp_path / "absent/report"), 69, "net.not-found")
    assert f"warning: write '{tmp_path}/absent/report'" in result.err


def test_no_secret_is_recorded(place, hub, tmp_path):
    """Signed URLs and the token appear nowhere."""
    hub.token = "hf_canaryCANARYcanary"
    hub.add("org/name", {"big.bin": noise(100000)}, gated="auto")
    (tmp_path / "token").write_text(hub.token)
    place.write({"m": hub_model(path="m")})
    ok(place.lock("--token-file", tmp_path / "token"))
    hub.fault("xet-bridge", times=1, status=500, body=b"")
    options = ("--token-file", tmp_path / "token", "--events", tmp_path / "events", "--report",
               tmp_path / "report", "-v")
    result = ok(place.fetch(*options, env={"BAKE_STATE_DIR": tmp_path}))
    told = result.err + result.out + "".join(
        (tmp_path / name).read_text() for name in ("events", "report", "history.jsonl"))
    assert "m/big.bin" in told and "canary" not in told.lower() and "X-Amz" not in told


# History.

def history(path):
    return [check("history", json.loads(line))
            for line in (path / "history.jsonl").read_text().splitlines()]


def test_history_grows_by_a_line(place, hub, tmp_path):
    two_models(place, hub)
    env = {"BAKE_STATE_DIR": tmp_path / "some/state"}
    hub.fault("three.bin", times=1, status=404, body=b"gone")
    fails(place.fetch(env=env), 69, "net.not-found")
    ok(place.fetch(env=env))
    ok(place.fetch(env=env))
    ok(place.fetch("--no-history", env=env))
    ok(place.fetch("--dry-run", env=env))
    lines = history(tmp_path / "some/state")
    assert [line["exit_code"] for line in lines] == [69, 0, 0]
    assert lines[0]["error"] == "net.not-found" and lines[0]["status"] == "failed"
    assert lines[1]["models"] == ["a", "b"] and lines[1]["lock"] == "test"
    assert sum(line["received"] for line in lines) >= 900000 and lines[2]["received"] == 0
    assert lines[2]["files_there"] == lines[2]["files"] == 4
    path = tmp_path / "some/state/history.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_history_after_a_torn_line(place, hub, tmp_path):
    two_models(place, hub)
    (tmp_path / "history.jsonl").write_text('{"schema": "bake.hist')
    ok(place.fetch(env={"BAKE_STATE_DIR": tmp_path}))
    first, second = (tmp_path / "history.jsonl").read_text().splitlines()
    assert first == '{"schema": "bake.hist'
    assert check("history", json.loads(second))["exit_code"] == 0


def test_a_line_of_history_is_short(place, hub, tmp_path):
    """However many models there are, and it is one write."""
    data = noise(10)
    hub.add("org/a", {"f": data})
    place.locked({f"model-{i:03}-{'x' * 80}": hub_model("org/a", path=f"p{i}")
                  for i in range(100)})
    command, env = traced("write", "-o", tmp_path / "trace", "-s", "9")
    done = subprocess.run([*command, TOOLS / "bake-fetch", "-l", place.lock_path, "-d",
                           place.models, "--endpoint", hub.origin, "--allow-http"],
                          env={**env, "BAKE_STATE_DIR": str(tmp_path)}, capture_output=True)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "history.jsonl").read_text()
    assert 2000 < len(text) < 4096 and text.count("\n") == 1
    line = history(tmp_path)[0]
    assert line["model_count"] == 100 and 20 < len(line["models"]) < 100
    writes = [entry for entry in (tmp_path / "trace").read_text().splitlines()
              if '"{\\"schem' in entry and f"= {len(text)}" in entry]
    assert len(writes) == 1


@pytest.mark.parametrize("what", ["a directory", "a fifo", "a link", "no directory"])
def test_history_that_cannot_be_written_harms_nothing(place, hub, tmp_path, what):
    two_models(place, hub)
    folder = tmp_path / "state"
    if what == "no directory":
        folder.write_text("")
    else:
        folder.mkdir()
    if what == "a directory":
        (folder / "history.jsonl").mkdir()
    if what == "a fifo":
        os.mkfifo(folder / "history.jsonl")
    if what == "a link":
        (folder / "history.jsonl").symlink_to(tmp_path / "target")
    result = ok(place.fetch(env={"BAKE_STATE_DIR": folder}))
    assert "warning" not in result.err
    assert "warning: history" in ok(place.fetch("-v", env={"BAKE_STATE_DIR": folder})).err
    assert not (tmp_path / "target").exists()


def test_no_history_without_a_home(place, hub):
    two_models(place, hub)
    assert "no history: there is no home directory" in ok(place.fetch("-v")).err


def test_no_history_in_a_container(place, hub, tmp_path):
    two_models(place, hub)
    result = ok(place.fetch("-v", env={"HOME": tmp_path / "home", "container": "podman"}))
    assert "no history: this is a container" in result.err
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("variable, below", [
    ("HOME", ".local/state/bake"), ("XDG_STATE_HOME", "bake")])
def test_history_has_its_usual_place(place, hub, tmp_path, variable, below):
    """Outside a container: here the signs of one are hidden."""
    two_models(place, hub)
    calls = "access,faccessat,faccessat2,openat"
    command, env = traced(calls, "-o", "/dev/null", "-P", "/.dockerenv", "-P",
                          "/run/.containerenv", "-P", "/proc/self/mounts", "-e",
                          f"inject={calls}:error=ENOENT")
    env.pop("container", None)
    done = subprocess.run([*command, TOOLS / "bake-fetch", "-l", place.lock_path, "-d",
                           place.models, "--endpoint", hub.origin, "--allow-http"],
                          env={**env, variable: str(tmp_path / "x")}, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert history(tmp_path / "x" / below)[0]["exit_code"] == 0


# The dry run.

def test_dry_run_says_what_comes_from_where(place, hub, tmp_path):
    two_models(place, hub)
    hub.add("org/c", {"four.bin": noise(300000, 3), "five.bin": noise(1000, 5)})
    place.locked({"a": hub_model("org/a", path="a"), "b": hub_model("org/b", path="b"),
                  "c": hub_model("org/c", path="c")})
    cache = tmp_path / "cache"
    ok(place.fetch("a"))
    ok(run("bake-fetch", "-l", place.lock_path, "-d", tmp_path / "other", "--endpoint",
           hub.origin, "--allow-http", "--cache", cache, "b"))
    hub.log.clear()
    before = sorted(tmp_path.rglob("*"))
    result = ok(place.fetch("--dry-run", "--cache", cache))
    ways = {path: way for way, path in
            re.findall(r"^(\w+) .*?  ([abc]/\S+)", result.out, re.M)}
    assert ways == {"a/one.bin": "present", "a/sub/two.bin": "present", "b/three.bin": "cache",
                    "b/empty": "cache", "c/four.bin": "copy", "c/five.bin": "fetch"}
    assert f"c/five.bin  from {hub.origin}/org/c/resolve/" in result.out
    assert "2 present, 2 from the cache, 1 to copy, 1 to fetch (1.00 kB)" in result.out
    assert "it fits" in result.out
    listed = ok(place.fetch("--dry-run", "--cache", cache, "--json")).json
    assert {entry["path"]: entry.get("way") for entry in listed["files"]} == {
        path: None if way == "present" else way for path, way in ways.items()}
    report = tmp_path / "report"
    ok(place.fetch("--dry-run", "--cache", cache, "--report", report))
    assert check("report", json.loads(report.read_text()))["dry_run"]
    report.unlink()
    assert not hub.log and sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("there", [False, True])
def test_dry_run_of_what_does_not_fit(place, hub, tmp_path, there):
    two_models(place, hub)
    if there:
        place.models.mkdir()
    place.edit_lock(lambda lock: lock["models"]["a"]["files"][0].update(size=1 << 52))
    result = fails(place.fetch("--dry-run"), 23, "disk.space")
    assert "it does not fit" in result.out and "a/one.bin" in result.out
    result = fails(place.fetch("--dry-run", "--cache", tmp_path / "no/cache"), 23, "disk.space")
    assert place.models.exists() == there and not (tmp_path / "no").exists()
    result = fails(place.fetch(), 23, "disk.space")
    assert "make room, then run the same command again" in result.err


def test_dry_run_of_what_the_network_would_be_needed_for(place, hub):
    two_models(place, hub)
    result = fails(place.fetch("--dry-run", "--offline"), 69, "net.offline")
    assert "4 to fetch" in result.out
    ok(place.fetch())
    ok(place.fetch("--dry-run", "--offline"))


def test_dry_run_beside_a_part_of_an_earlier_run(place, hub):
    """What the part has taken of the disk already is not asked for again, and it is left alone."""
    hub.add("org/name", {"big.bin": noise(3 << 20)})
    place.locked({"m": hub_model(path="m")})
    hub.fault("xet-bridge", cut=2 << 20)
    fails(place.fetch("--retries", "0", "-x", "1"), 75, "net.short")
    before = {path: path.stat().st_mtime_ns for path in (place.models / ".bake").iterdir()}
    assert "it fits" in ok(place.fetch("--dry-run")).out
    assert {path: path.stat().st_mtime_ns for path in (place.models / ".bake").iterdir()} == before


# After a failure.

@pytest.mark.parametrize("fault, code, error, advice", [
    ({"status": 503, "body": b""}, 75, "net.server", "run the same command again"),
    ({"cut": 1000, "reset": True}, 75, "net.reset", "run the same command again"),
    ({"flip": 5}, 20, "integrity.sha256", "only when the source or the pin has changed"),
    ({"status": 404, "body": b""}, 69, "net.not-found", "only when a source has the file"),
    ({"status": 403, "body": b""}, 77, "auth.denied", "only when access has been given"),
    ({"status": 206, "body": b"x", "headers": {"Content-Range": "bytes 7-7/9"}}, 76,
     "net.bad-range", "the server is at fault"),
], ids=["503", "reset", "sha256", "404", "403", "bad-range"])
def test_after_a_failure_it_is_known_whether_to_run_again(place, hub, fault, code, error, advice):
    two_models(place, hub)
    ok(place.fetch("b"))
    hub.fault("xet-bridge.*one.bin", times=-1, **fault)
    result = fails(place.fetch("--retries", "0", "-j", "1", "--keep-going"), code, error)
    lines = result.err.splitlines()
    said = [line for line in lines if "files are there" in line]
    assert len(said) == 1 and advice in said[0], result
    assert said[0].startswith("bake-fetch: 3 of 4 files are there, 6"), said
    assert "kB of 900.0 kB are kept" in said[0]
    assert sum(line.startswith("hint: ") for line in lines) <= 1
    assert lines.index(said[0]) == len(lines) - 2 - lines[-1].startswith("hint: ")


def test_a_quiet_failure_is_one_line_and_a_hint(place, hub):
    two_models(place, hub)
    hub.fault("one.bin", times=-1, status=404, body=b"")
    lines = fails(place.fetch("-q"), 69, "net.not-found").err.splitlines()
    assert len(lines) == 2 and lines[1].startswith("hint: ")


# The log.

def test_the_log_of_ten_thousand_files_is_small(place, memory):
    """BuildKit cuts a step's log at 2 MiB, and at 200 KiB a second."""
    local_files(place, 10000)
    place.models = memory / "models"
    events = memory / "events"
    result = ok(place.fetch("--events", events, timeout=600))
    assert len(result.err) < 16384, result.err[:2000]
    assert "10000 copied" in result.err and len(place.files()) == 10000
    told = lines_of(events.read_text())
    assert len(of(told, "file", state="downloaded")) == 10000
    assert len(of(told, "model")) < 2000 and not of(told, "lost")


def test_the_log_of_ten_thousand_failures_is_small(place, hub, memory):
    local_files(place, 10000)
    for path in (place.path / "local").iterdir():
        path.write_bytes(b"x")
    place.models = memory / "models"
    result = fails(place.fetch("--keep-going", timeout=600), 20, "integrity.size")
    assert len(result.err) < 200 * 1024
    assert "further failures are not shown here" in result.err


# The terminal.

def on_terminal(place, hub, *args, rows=24, columns=80, **env):
    script = 'echo "what was there before"; exec "$@"'
    return Session(["sh", "-c", script, "sh", TOOLS / "bake-fetch", "-l", place.lock_path, "-d",
                    place.models, "--endpoint", hub.origin, "--allow-http", *args],
                   environment(**{"TERM": "xterm", **env}), rows, columns)


def many_slow(place, hub, count=12):
    hub.add("org/name", {f"directory/model-{i:02}.bin": noise(200000, i) for i in range(count)})
    place.locked({"m": hub_model(path="m")})
    hub.fault("xet-bridge", times=-1, stall=100000)


def calm(hub):
    hub.faults.clear()


def test_a_line_for_each_file_and_one_for_the_whole(place, hub):
    many_slow(place, hub, 3)
    session = on_terminal(place, hub)
    session.wait_for(r"0 of 3 files, 300\.0 kB of 600\.0 kB \(50%\)")
    lines = session.screen.text.splitlines()
    assert lines[0] == "what was there before" and len(lines) == 5
    for i, line in enumerate(lines[1:4]):
        assert re.match(r" 50%   100\.0 kB of 200\.0 kB .*/s .* m/directory/model-0\d\.bin$", line)
    assert lines[4].startswith("[#####.....] 0 of 3 files")
    session.signal(signal.SIGINT)
    assert os.WTERMSIG(session.end()) == signal.SIGINT


def test_more_files_than_rows_are_counted(place, hub):
    many_slow(place, hub)
    session = on_terminal(place, hub, "-j", "12", rows=8, columns=60)
    session.wait_for(r"\+ 7 more\n\[#####")
    lines = session.screen.text.splitlines()
    assert lines[0] == "what was there before" and not session.screen.gone
    assert len(lines) == 8 and sum("model-" in line for line in lines) == 5
    session.signal(signal.SIGINT)
    session.end()
    assert "what was there before" in session.screen.text


def test_the_size_of_the_terminal_is_followed(place, hub):
    many_slow(place, hub)
    session = on_terminal(place, hub, "-j", "12", rows=10, columns=60)
    session.wait_for(r"\+ 5 more\n\[#####")
    session.resize(20, 100)
    session.wait_for(r"(.*model-\d\d\.bin\n){12}\[#####")
    assert "more" not in session.screen.text
    assert session.screen.text.splitlines()[0] == "what was there before"
    session.signal(signal.SIGTERM)
    assert os.WTERMSIG(session.end()) == signal.SIGTERM


@pytest.mark.parametrize("rows, columns", [(2, 10), (2, 200), (3, 20), (100, 12), (0, 0)])
def test_terminals_of_any_size(place, hub, rows, columns):
    many_slow(place, hub)
    session = on_terminal(place, hub, "-j", "12", rows=rows or 24, columns=columns or 80)
    if not rows:
        session.resize(0, 0)
        session.screen.rows, session.screen.columns = 24, 80
    session.wait_for(r"\[[#.]{3}")
    for _ in range(20):
        session.read(0.05)
    block = [line for line in session.screen.lines if re.match(r"\[|\+| *\d+%", line)]
    assert len(block) <= max(1, (rows or 24) - 1)
    assert all(len(line) < (columns or 80) for line in block)
    session.signal(signal.SIGINT)
    session.end()


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_clean_terminal(place, hub, number, times):
    many_slow(place, hub, 3)
    session = on_terminal(place, hub, columns=200)
    session.wait_for(r"\(50%\)")
    for _ in range(times):
        session.signal(number)
    assert os.WTERMSIG(session.end()) == number
    assert session.raw.rfind("\x1b[?25h") >= session.raw.rfind("\x1b[?25l")
    if times == 1:
        lines = session.screen.text.splitlines()
        assert lines[0] == "what was there before" and not re.search(r"%", session.screen.text)
        assert lines[1].startswith("bake-fetch: 0 of 3 files are there, 300.0 kB of 600.0 kB")
        assert lines[2].startswith("bake-fetch: error[interrupted]")
        assert session.screen.column == 0


def test_success_leaves_the_summary(place, hub):
    hub.add("org/name", {"a.bin": noise(200000, 1), "b.bin": noise(200000, 2)})
    place.locked({"m": hub_model(path="m")})
    hub.fault("xet-bridge", times=2, rate=400000)
    session = on_terminal(place, hub, columns=200)
    session.wait_for("a.bin")
    assert session.end() == 0
    lines = session.screen.text.splitlines()
    assert lines[0] == "what was there before" and "2 fetched" in lines[1] and len(lines) == 2


def test_an_error_leaves_the_error(place, hub):
    hub.add("org/name", {"a.bin": noise(200000, 1), "b.bin": noise(200000, 2)})
    place.locked({"m": hub_model(path="m")})
    hub.fault("xet-bridge.*a.bin", times=-1, rate=100000, flip=7)
    session = on_terminal(place, hub, "--keep-going", columns=300)
    session.wait_for("a.bin")
    assert os.WEXITSTATUS(session.end()) == 20
    assert not re.search(r"^ *\d+%|^\[", session.screen.text, re.M)
    assert "error[integrity.sha256]" in session.screen.text


def test_retries_stand_above_the_lines(place, hub):
    many_slow(place, hub, 2)
    calm(hub)
    hub.fault("xet-bridge", times=1, cut=50000)
    hub.fault("xet-bridge", times=-1, stall=100000)
    session = on_terminal(place, hub, columns=200)
    session.wait_for(r"retry m/directory/.*\n(.*\n)*\[")
    assert session.screen.text.splitlines()[0] == "what was there before"
    session.signal(signal.SIGINT)
    session.end()
    assert "retry m/directory/" in session.screen.text


@pytest.mark.parametrize("locale, shown", [("C.UTF-8", "größe-模型.bin"), ("C", r"gr\xc3\xb6")])
def test_names_beyond_ascii(place, hub, locale, shown):
    hub.add("org/name", {"größe-模型.bin": noise(200000, 1)})
    place.locked({"m": hub_model(path="m")})
    hub.fault("xet-bridge", times=-1, stall=100000)
    session = on_terminal(place, hub, LC_ALL=locale, columns=120)
    session.wait_for(r"\(50%\)")
    assert shown in session.screen.text
    session.signal(signal.SIGINT)
    session.end()


def test_a_dumb_terminal_gets_lines(place, hub):
    hub.add("org/name", {"a.bin": noise(200000, 1)})
    place.locked({"m": hub_model(path="m")})
    session = on_terminal(place, hub, TERM="dumb")
    assert session.end() == 0
    assert "\x1b" not in session.raw and "start m/a.bin" in session.raw


def test_no_colour_where_none_is_wanted(place, hub):
    hub.add("org/name", {"a.bin": noise(200000, 1)})
    place.locked({"m": hub_model(path="m")})
    hub.fault("a.bin", times=-1, rate=200000, status=404, body=b"x" * 100000)
    session = on_terminal(place, hub, NO_COLOR="1")
    assert os.WEXITSTATUS(session.end()) == 69
    assert not re.search("\x1b\\[[0-9;]*m", session.raw) and "error[" in session.raw


def test_a_bar_that_was_asked_for_works_without_a_terminal(place, hub):
    hub.add("org/name", {"big.bin": noise(1 << 20)})
    place.locked({"m": hub_model(path="m")})
    hub.fault("xet-bridge", times=1, rate=1 << 20)
    result = ok(place.fetch("--progress", "bar", env={"TERM": "xterm"}))
    assert "\r" in result.err and "%" in result.err and "m/big.bin" in result.err
    screen = Screen(24, 80)
    screen.feed(result.err.replace("\n", "\r\n"))
    assert len(screen.text.replace("\n", "")) < 200 and screen.text.startswith("bake-fetch: 1 m")
