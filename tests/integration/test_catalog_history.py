# SPDX-License-Identifier: Apache-2.0
"""The history of fetches: read from its end, whatever else is in it."""
import json
import os
import re
import subprocess

import pytest

from conftest import TOOLS, environment, fails, hub_model, noise, ok, run, start


def line(n=0, **fields):
    record = {"schema": "bake.history/1", "time": f"2026-11-{n % 28 + 1:02}T06:47:00Z",
              "generator": "bake-fetch 1", "lock": "test", "models": [f"model-{n % 5}"],
              "model_count": 1, "files": 2, "files_there": 2, "bytes": 3000, "received": 2000,
              "resumed": 0, "cached": 1000, "retries": 1, "seconds": 2.000, "rate": 1000,
              "status": "downloaded", "exit_code": 0, **fields}
    return json.dumps(record) + "\n"


@pytest.fixture
def log(tmp_path, monkeypatch):
    """The history's file; environment() drops the variable, so that history() gives it."""
    return tmp_path / "state/history.jsonl"


def history(log, *args):
    return run("bake-catalog", "history", *args, env={"BAKE_STATE_DIR": log.parent})


def write(log, text):
    log.parent.mkdir(exist_ok=True)
    log.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_what_bake_fetch_wrote(place, hub, log):
    hub.add("org/name", {"a.bin": noise(5000)})
    place.locked({"m": hub_model()})
    ok(place.fetch(env={"BAKE_STATE_DIR": log.parent}))
    hub.close()
    (place.models / "org--name/a.bin").unlink()
    assert place.fetch("--retries", "0", env={"BAKE_STATE_DIR": log.parent}).code != 0
    failed, fetched = ok(history(log, "--json")).json["runs"]
    assert fetched["status"] == "downloaded" and fetched["models"] == ["m"]
    assert fetched["received"] == 5000 and "rate" in fetched and not fetched["imported"]
    assert failed["status"] == "failed" and failed["error"]
    stats = ok(history(log, "--stats", "--json")).json
    assert (stats["attempts"], stats["downloaded"], stats["failed"]) == (2, 1, 1)
    assert stats["models"] == [{"name": "m", "attempts": 2, "downloaded": 1}]
    assert stats["errors"] == [{"name": failed["error"], "attempts": 1}]
    text = ok(history(log)).out
    assert "downloaded" in text and f"({failed['error']})" in text


def test_none_yet(log):
    assert ok(history(log)).out == ""
    assert ok(history(log, "--json")).json["runs"] == []
    assert ok(history(log, "--stats", "--json")).json["attempts"] == 0
    fails(run("bake-catalog", "history"), 66, "history.nowhere")


def test_a_log_that_was_put_away_is_read_too(log):
    write(log, line(3) + line(4))
    former = log.with_name("history.jsonl.1")
    former.write_text(line(1) + "torn\n" + line(2))
    report = ok(history(log, "--json")).json
    assert [run["time"][8:10] for run in report["runs"]] == ["05", "04", "03", "02"]
    assert report["damaged_lines"] == 1
    assert len(history(log, "--json", "-n", "2").json["runs"]) == 2
    assert len(history(log, "--json", "-n", "3").json["runs"]) == 3
    assert history(log, "--stats", "--json").json["attempts"] == 4
    log.unlink()
    assert len(history(log, "--json").json["runs"]) == 2
    former.rename(log)
    os.link(log, former)
    assert len(history(log, "--json").json["runs"]) == 2


@pytest.mark.parametrize("size, away", [(63 << 20, False), (64 << 20, True)])
def test_a_long_log_is_put_away_once(place, hub, log, size, away):
    hub.add("org/name", {"a.bin": noise(5000)})
    place.locked({"m": hub_model()})
    write(log, "")
    former = log.with_name("history.jsonl.1")
    former.write_text(line(1))
    tail = b"\n" + line(2).encode()
    with open(log, "r+b") as stream:  # all of it but its end takes no room
        stream.truncate(size - len(tail))
        stream.seek(0, os.SEEK_END)
        stream.write(tail)
    fetches = [start("bake-fetch", "-l", place.lock_path, "-d", place.path / f"models{n}", "--endpoint",
                     hub.origin, "--allow-http", env={"BAKE_STATE_DIR": log.parent}) for n in range(4)]
    for fetch in fetches:
        fetch.communicate(timeout=60)
        assert fetch.returncode == 0
    assert former.stat().st_size == (size if away else len(line(1)))
    assert (log.read_bytes().count(b"\n") == 4) == away
    assert log.stat().st_mode & 0o777 == 0o600 or not away
    runs = history(log, "--json", "-n", "5").json["runs"]
    assert [run["lock"] for run in runs[:4]] == ["test"] * 4 and runs[4]["models"] == ["model-2"]


def test_what_was_put_away_is_imported_no_second_time(log, theirs):
    ok(history(log, "--import", theirs))
    log.rename(log.with_name("history.jsonl.1"))
    assert ok(history(log, "--import", theirs, "--json")).json["added"] == 0
    assert len(history(log, "--json").json["runs"]) == 2


def test_newest_first_and_filters(log):
    write(log, "".join(line(n) for n in range(28)))
    runs = history(log, "--json", "-n", "3").json["runs"]
    assert [run["time"][8:10] for run in runs] == ["28", "27", "26"]
    assert len(history(log, "--json").json["runs"]) == 20
    runs = history(log, "--json", "-n", "100", "--model", "model-3").json["runs"]
    assert {run["models"][0] for run in runs} == {"model-3"} and len(runs) == 5
    runs = history(log, "--json", "-n", "100", "--since", "2026-11-27").json["runs"]
    assert [run["time"][8:10] for run in runs] == ["28", "27"]
    fails(history(log, "--since", "yesterday"), 64, "usage.value")
    assert history(log, "--since", "100d", "--json").code == 0


def test_sums(log):
    write(log, line(1) + line(2, status="failed", error="net.timeout", seconds=0.5, received=0)
          + line(3, status="cancelled", error="interrupted"))
    stats = history(log, "--stats", "--json").json
    assert stats["attempts"] == 3
    assert (stats["downloaded"], stats["failed"], stats["cancelled"]) == (1, 1, 1)
    assert (stats["received"], stats["cached"], stats["retries"]) == (4000, 3000, 3)
    assert stats["seconds"] == 4.5 and stats["rate"] == 888 and stats["fastest"] == 1000
    assert (stats["first"][8:10], stats["last"][8:10]) == ("02", "04")


@pytest.mark.parametrize("junk, damaged, foreign", [
    (b'{"schema": "bake.history/1", "time": "2026', 1, 0),
    (b"no json\n", 1, 0),
    (b'{"schema": "other/1"}\n[]\n{}\n', 0, 3),
    (b"\n\n  \n", 0, 0),
    (b"\x00" * 5000 + b"\n", 1, 0),
    (b"\xff\xfe\n", 1, 0),
    (b"x" * 300000 + b"\n", 1, 0),
    (b"x" * (1 << 20), 1, 0),
    (b'{"schema": "bake.history/1"}\n', 1, 0),
    (b'{"schema": "bake.history/1", "time": 5, "status": "downloaded"}\n', 1, 0),
    (b"[" * 5000 + b"\n", 1, 0),
], ids=["torn", "text", "foreign", "blank", "zeros", "no-utf8", "long", "longer-and-torn", "bare",
        "types", "deep"])
@pytest.mark.parametrize("where", ["begin", "middle", "end"])
def test_lines_that_are_no_records(log, junk, damaged, foreign, where):
    whole = junk if junk.endswith(b"\n") else junk + b"\n"
    first, second = line(1).encode(), line(2).encode()
    write(log, {"begin": whole + first + second, "middle": first + whole + second,
                "end": first + second + junk}[where])
    result = ok(history(log, "--json"))
    assert len(result.json["runs"]) == 2
    assert (result.json["damaged_lines"], result.json["foreign_lines"]) == (damaged, foreign)


def test_lines_across_blocks(log):
    """Lines of all lengths, so that blocks end everywhere in them."""
    write(log, "".join(line(n, note="x" * (n * 37 % 1900)) for n in range(900)))
    stats = history(log, "--stats", "--json").json
    assert stats["attempts"] == 900 and stats["damaged_lines"] == 0
    runs = history(log, "--json", "-n", "900").json["runs"]
    assert [run["models"][0] for run in runs] == [f"model-{n % 5}" for n in reversed(range(900))]


def test_memory_is_bounded(log):
    """A log of 48 MB in 64 MB of addresses, of which the libraries have a part."""
    if re.search(b"__[at]san_init", (TOOLS / "bake-catalog").read_bytes()):
        pytest.skip("a sanitizer takes more")
    write(log, line(note="x" * 300) * 64000)
    tool = f"ulimit -v 65536; exec '{TOOLS}/bake-catalog' history --stats --json"
    process = subprocess.run(["sh", "-c", tool], stdout=subprocess.PIPE, check=True,
                             env=environment(BAKE_STATE_DIR=log.parent))
    assert json.loads(process.stdout)["attempts"] == 64000


def test_the_end_of_ten_gigabytes(log):
    """Of which only the end is read."""
    write(log, "")
    with open(log, "r+b") as stream:
        stream.truncate(10 << 30)
        stream.seek(0, os.SEEK_END)
        stream.write(b"\n" + line(3).encode() + line(4).encode())
    assert len(history(log, "--json", "-n", "2").json["runs"]) == 2


def test_writers_at_the_same_time(log):
    write(log, line())
    with open(log, "ab", buffering=0) as stream:
        readers = [start("bake-catalog", "history", "--stats", "--json",
                         env={"BAKE_STATE_DIR": log.parent}) for _ in range(4)]
        for n in range(3000):
            stream.write(line(n).encode())
        for reader in readers:
            out, _ = reader.communicate(timeout=60)
            report = json.loads(out)
            # A file grows page by page: the line that is being written may be there in part.
            assert 1 <= report["attempts"] <= 3001 and report["damaged_lines"] <= 1


def test_hostile_texts_are_inert(log):
    write(log, line(models=["a\x1b[2Jb", "\u202ex"], status="failed", error="e\x07"))
    for args in ([], ["--stats"], ["--json"], ["--stats", "--json"]):
        raw = ok(history(log, *args)).raw
        assert b"\x1b" not in raw and b"\x07" not in raw and "\u202e".encode() not in raw


def test_no_other_kind_of_file(log, tmp_path):
    log.parent.mkdir()
    os.mkfifo(log)
    fails(history(log), 73, "path.type")
    log.unlink()
    log.symlink_to(tmp_path / "elsewhere")
    assert history(log).code != 0
    assert history(log, "--import", tmp_path / "x").code != 0 and not (tmp_path / "elsewhere").exists()


DOWNLOADS = {
    "downloads": [
        {"model_name": "SDXL Base", "url": "https://user:geheim@host/x?token=geheim",
         "destination": "/storage/x", "size_bytes": 6938078334, "download_time": 123.456,
         "timestamp": "2025-08-31T12:34:56.123456", "status": "completed"},
        {"model_name": "T5", "url": "https://host/y", "error": "404\x1b[31m",
         "timestamp": "2025-08-31T13:00:00", "status": "failed"},
        {"status": "completed"},
        "text",
    ],
    "statistics": {"total_downloads": 0, "successful_downloads": 1, "failed_downloads": 1,
                   "total_bytes_downloaded": 6938078334},
}


@pytest.fixture
def theirs(tmp_path):
    path = tmp_path / "download_history.json"
    path.write_text(json.dumps(DOWNLOADS))
    return path


def test_import(log, theirs):
    dry = ok(history(log, "--import", theirs, "--dry-run", "--json")).json
    assert dry["added"] == 2 and not log.exists()
    report = ok(history(log, "--import", theirs, "--json")).json
    assert (report["entries"], report["added"], report["known"], report["useless"]) == (4, 2, 0, 2)
    assert "geheim" not in log.read_text() and log.stat().st_mode & 0o777 == 0o600
    runs = history(log, "--json").json["runs"]
    assert [(run["status"], run["models"], run["time"], run["imported"]) for run in runs] == [
        ("failed", ["T5"], "2025-08-31T13:00:00", True),
        ("downloaded", ["SDXL Base"], "2025-08-31T12:34:56", True)]
    stats = history(log, "--stats", "--json").json
    assert stats["received"] == 6938078334 and stats["seconds"] == 123.456


def test_import_is_done_once(log, theirs):
    ok(history(log, "--import", theirs))
    before = log.read_bytes()
    assert "added 0 of 4" in ok(history(log, "--import", theirs)).out
    assert log.read_bytes() == before
    more = json.loads(theirs.read_text())
    more["downloads"] = more["downloads"][:2] * 2 + [
        {**more["downloads"][0], "timestamp": "2025-09-01T00:00:00"}]
    theirs.write_text(json.dumps(more))
    assert ok(history(log, "--import", theirs, "--json")).json["added"] == 1
    log.write_bytes(log.read_bytes() + b'{"torn')
    more["downloads"].append({**more["downloads"][0], "timestamp": "2025-09-02T00:00:00"})
    theirs.write_text(json.dumps(more))
    assert ok(history(log, "--import", theirs, "--json")).json["added"] == 1
    report = history(log, "--json").json
    assert len(report["runs"]) == 4 and report["damaged_lines"] == 1


def test_importers_at_the_same_time(log, theirs):
    many = {"downloads": [{**DOWNLOADS["downloads"][0], "timestamp": f"2025-08-31T12:{n // 60:02}:{n % 60:02}"}
                          for n in range(500)]}
    theirs.write_text(json.dumps(many))
    importers = [start("bake-catalog", "history", "--import", theirs,
                       env={"BAKE_STATE_DIR": log.parent}) for _ in range(4)]
    for importer in importers:
        importer.communicate(timeout=60)
        assert importer.returncode == 0
    assert history(log, "--stats", "--json").json["attempts"] == 500


@pytest.mark.parametrize("text, error", [
    ("{}", "history.document"), ("[]", "history.document"), ('{"downloads": 5}', "history.document"),
    ("", "json.syntax"), ("{", "json.syntax")])
def test_documents_that_are_none(log, tmp_path, text, error):
    path = tmp_path / "x.json"
    path.write_text(text)
    fails(history(log, "--import", path), 65, error)
    assert not log.exists()
