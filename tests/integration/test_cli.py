# SPDX-License-Identifier: Apache-2.0
"""What every tool has in common: options, help, versions, exit codes, the manual."""
import json
import re
import subprocess

import pytest

from conftest import ROOT, TOOLS, environment, fails, ok, run

COMMANDS = [["bake-lock"], ["bake-fetch"], ["bake-verify"], ["bake-index", "build"],
            ["bake-index", "show"], ["bake-index", "path"], ["bake-index", "inspect"],
            ["bake-index", "estimate"], ["bake-index", "migrate"], ["bake-index", "reconcile"],
            ["bake-index", "apply"], ["bake-convert"], ["bake-link"], ["bake-serve"],
            ["bake-catalog", "list"], ["bake-catalog", "search"], ["bake-catalog", "recommend"],
            ["bake-catalog", "profiles"], ["bake-catalog", "storage"],
            ["bake-catalog", "history"], ["bake-catalog", "import"],
            ["bake", "download"], ["bake", "download-defaults"], ["bake", "completion"],
            ["bake", "help"], ["bake", "menu"]]
SIMPLE = ["bake", "bake-lock", "bake-fetch", "bake-verify", "bake-index", "bake-catalog", "bake-convert",
          "bake-link", "bake-serve"]
names = [" ".join(command) for command in COMMANDS]


@pytest.mark.parametrize("command", COMMANDS, ids=names)
def test_help(command):
    result = ok(run(*command, "--help"))
    assert result.out.startswith(" ".join(command) + " - ") and result.err == ""
    assert max(map(len, result.out.splitlines())) <= 80, result.out
    assert ok(run(*command, "-h")).out == result.out


def options_in_help(command):
    return set(re.findall(r"^\s+(?:-\w, )?(--[a-z-]+)", run(*command, "--help").out, re.M))


@pytest.mark.parametrize("command", COMMANDS, ids=names)
def test_manual_has_the_options_of_the_help(command):
    """And no other: both directions."""
    manual = (ROOT / f"docs/man/{command[0]}.1.md").read_text()
    if len(command) > 1:
        manual = re.search(rf"^## {command[1]}$(.*?)(?=^## |^# |\Z)", manual, re.M | re.S)[1]
    common = (ROOT / "docs/man/bake.7.md").read_text()
    entry = re.compile(r"^`(?:-\w, )?(--[a-z-]+)[^`]*`\n: ", re.M)
    documented, shared = set(entry.findall(manual)), set(entry.findall(common))
    assert documented | shared == options_in_help(command)
    assert not documented & shared


@pytest.mark.parametrize("tool", SIMPLE)
def test_version(tool):
    version = re.search(r"project\(modelbake VERSION ([0-9.]+)",
                        (ROOT / "CMakeLists.txt").read_text())[1]
    assert ok(run(tool, "--version")).out == f"{tool} {version}\n"


@pytest.mark.parametrize("tool", SIMPLE)
def test_exit_codes_are_one_table(tool):
    out = ok(run(tool, "--help-exit-codes")).out
    assert out == run("bake-lock", "--help-exit-codes").out
    codes = re.findall(r"^\s+(\d+)  ", out, re.M)
    assert codes == "0 20 21 22 23 24 64 65 66 69 70 71 73 74 75 76 77 78 130".split()
    manual = (ROOT / "docs/man/bake.7.md").read_text()
    assert re.findall(r"^\| (\d+)", manual, re.M) == codes


def test_every_error_id_is_in_the_manual():
    source = "".join(path.read_text() for folder in ("src", "tools")
                     for path in (ROOT / folder).rglob("*.[ch]"))
    ids = set(re.findall(r'"((?:auth|bake|catalog|config|convert|data|digest|disk|estimate|fetch|fs|gguf|history|http|hub|'
                         r'import|index|inspect|integrity|internal|json|layout|link|local|lock|manifest|menu|net|path|pin|'
                         r'pipeline|policy|probe|registry|reconcile|runtime|metrics|schema|serve|share|shard|st|sys|tls|'
                         r'url|usage|values|verify)\.[a-z0-9-]+)"', source))
    manual = set(re.findall(r"^\| `([a-z]+\.[a-z0-9-]+|interrupted)`",
                            (ROOT / "docs/man/bake.7.md").read_text(), re.M))
    ids = {name for name in ids if not name.endswith((".json", ".jsonl"))}  # names of files
    assert ids | {"interrupted"} == manual


@pytest.mark.parametrize("name, args, error, hint", [
    ("unknown-option", ["--frobnicate"], "usage.option", "--help"),
    ("near-option", ["--quikc"], "usage.option", "--quick"),
    ("unknown-letter", ["-z"], "usage.option", "--help"),
    ("missing-value", ["--jobs"], "usage.value", None),
    ("bad-number", ["--jobs", "many"], "usage.value", None),
    ("negative", ["--jobs", "-1"], "usage.value", None),
    ("out-of-range", ["--jobs=0"], "usage.value", None),
    ("value-for-a-flag", ["--quick=yes"], "usage.value", None),
    ("empty-value", ["--models="], "usage.value", None),
    ("bad-word", ["--progress", "baar"], "usage.value", "bar"),
])
def test_bad_options(name, args, error, hint):
    result = fails(run("bake-verify", *args), 64, error)
    assert hint is None or hint in result.err
    assert result.out == ""


def test_options_may_be_written_in_any_way(tmp_path):
    for args in (["-d", tmp_path], [f"-d{tmp_path}"], ["--models", tmp_path],
                 [f"--models={tmp_path}"], ["-q", "-d", tmp_path], ["-qd", tmp_path]):
        result = fails(run("bake-verify", *args), 66, "verify.no-index")
        assert str(tmp_path) in result.err


def test_double_dash_ends_options(tmp_path):
    fails(run("bake-lock", "--", "--check"), 66, "fs.not-found")


def test_unknown_command():
    fails(run("bake-index"), 64, "usage.command")
    assert "build" in fails(run("bake-index", "biuld"), 64, "usage.command").err
    assert "bake-index build" in ok(run("bake-index", "--help")).out


def test_too_many_arguments():
    fails(run("bake-index", "show", "a", "b"), 64, "usage.arguments")


def test_colour_only_on_a_terminal(tmp_path):
    script = f"{TOOLS}/bake-verify -d {tmp_path}"

    def on_terminal(**env):
        return subprocess.run(["script", "-qec", script, "/dev/null"], capture_output=True,
                              env=environment(TERM="xterm", **env)).stdout

    assert b"\x1b[1;31m" in on_terminal()
    assert b"\x1b[" not in on_terminal(NO_COLOR="1")
    assert "\x1b[" not in run("bake-verify", "-d", tmp_path, env={"TERM": "xterm"}).err


def test_a_full_standard_output_is_an_error():
    with open("/dev/full", "w") as full:
        done = subprocess.run([TOOLS / "bake-lock", "--help-exit-codes"], stdout=full,
                              stderr=subprocess.PIPE, env=environment())
    assert done.returncode == 74


def test_closed_descriptors_do_no_harm(tmp_path):
    """A file opened as descriptor 2 would receive error messages."""
    done = subprocess.run(["sh", "-c", f"{TOOLS}/bake-verify -d {tmp_path} 2>&- 1>&-"])
    assert done.returncode == 66


def test_manifest_errors_name_line_and_pointer(tmp_path):
    manifest = tmp_path / "m.json"
    manifest.write_text('{\n "schema": "bake.manifest/1",\n "name": "n",\n "models": {\n  "a": {\n'
                        '   "source": {"hub": "o/n"},\n   "priorty": 1\n  }\n }\n}\n')
    result = fails(run("bake-lock", manifest, "--offline"), 65, "json.unknown-field")
    assert "m.json:7: /models/a/priorty:" in result.err
    assert 'hint: did you mean "priority"?' in result.err


@pytest.mark.parametrize("name, text, code, error", [
    ("empty", "", 65, "json.syntax"), ("not-an-object", "[]", 65, "json.type"),
    ("trailing", '{"schema": "bake.manifest/1"} x', 65, "json.syntax"),
    ("bom", "﻿{}", 65, "json.syntax"),
    ("deep", "[" * 33 + "]" * 33, 65, "json.depth"),
    ("newer", '{"schema": "bake.manifest/2"}', 78, "schema.version"),
    ("duplicate", '{"name": "a", "name": "b"}', 65, "json.duplicate-key"),
])
def test_bad_manifest(tmp_path, name, text, code, error):
    manifest = tmp_path / "m.json"
    manifest.write_text(text)
    fails(run("bake-lock", manifest, "--offline"), code, error)


def test_huge_manifest_is_not_read(tmp_path):
    manifest = tmp_path / "m.json"
    with open(manifest, "wb") as stream:
        stream.truncate(1 << 30)
    fails(run("bake-lock", manifest, "--offline"), 65, "data.too-large")


# What stands in the way of a path means something else when it is read than when it is made.

@pytest.mark.parametrize("command", [
    ["bake-verify", "-l", "{}"], ["bake-verify", "--index", "{}"], ["bake-verify", "-d", "{}"],
    ["bake-verify", "--list", "-d", "{}"], ["bake-index", "show", "--index", "{}"],
    ["bake-index", "path", "m", "-d", "{}"], ["bake-index", "build", "-l", "{}"],
    ["bake-fetch", "-l", "{}"], ["bake-lock", "{}"],
], ids=" ".join)
@pytest.mark.parametrize("name", ["file/x", "none/x", "n" * 300])
def test_input_that_is_not_there(tmp_path, command, name):
    (tmp_path / "file").write_text("")
    result = run(*[word.format(tmp_path / name) for word in command])
    assert result.code == 66 and str(tmp_path) in result.errors[0][1], result


@pytest.mark.parametrize("name, error", [("none/x", "fs.no-directory"),
                                         ("none/", "path.type"),
                                         ("file/x", "path.type"), ("", "path.type")])
@pytest.mark.parametrize("command", [["bake-index", "build", "-d", "manifests/demo", "-l"],
                                     ["bake-lock", "--slice", "1"]], ids=" ".join)
def test_output_that_cannot_be_made(tmp_path, command, name, error):
    (tmp_path / "file").write_text("")
    models = tmp_path / "models"
    lock = ROOT / "manifests/demo.lock.json"
    ok(run("bake-fetch", "-q", "-l", lock, "-d", models))
    result = fails(run(*[models if word == "manifests/demo" else word for word in command],
                       lock, "-o", f"{tmp_path}/{name}"), 73, error)
    assert str(tmp_path) in result.errors[0][1]


@pytest.mark.parametrize("command", [
    ["bake-lock", "{}/none"], ["bake-lock", "--check", "{}/none"], ["bake-lock"],
    ["bake-fetch", "-l", "{}/none"], ["bake-fetch"],
    ["bake-fetch", "-l", "manifests/demo.lock.json", "-d", "{}", "--profile", "none"],
    ["bake-verify", "-d", "{}"],
    ["bake-index", "biuld"], ["bake-index"], ["bake-index", "build"],
    ["bake-index", "build", "-l", "{}/none"], ["bake-index", "show", "-d", "{}"],
    ["bake-index", "path", "-d", "{}", "m"], ["bake-index", "path"], ["bake-index", "estimate"],
], ids=" ".join)
def test_json_is_one_document_of_every_failure(tmp_path, command):
    result = run(*[word.format(tmp_path) for word in command], "--json", cwd=ROOT)
    assert result.code and len(result.errors) == 1, result
    [(error, message)] = result.errors
    report = result.json
    assert report["ok"] is False and report["exit_code"] == result.code
    assert report["error"] == error and report["message"] == message


def test_without_json_nothing_is_printed_of_a_failure(tmp_path):
    assert run("bake-verify", "-d", tmp_path).out == ""
    assert run("bake-verify", "-d", tmp_path, "--", "--json").out == ""


def test_json_is_one_document_of_a_success_too(tmp_path):
    lock = ROOT / "manifests/demo.lock.json"
    manifest = ROOT / "manifests/demo.json"
    assert ok(run("bake-lock", "--check", manifest, "--json")).json["ok"] is True
    assert ok(run("bake-lock", "--slice", "1", lock, "--json")).json["schema"] == "bake.lock/1"
