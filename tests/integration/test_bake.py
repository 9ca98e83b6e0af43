# SPDX-License-Identifier: Apache-2.0
"""bake: the tools by one name, the short ways, help, and what shells complete."""
import json
import os
import re
import shutil
import subprocess

import pytest

from conftest import ROOT, TOOLS, environment, fails, hub_model, noise, ok, run
from terminal import Session

TOOL_NAMES = ["lock", "fetch", "verify", "index", "link", "serve"]


@pytest.mark.parametrize("name", TOOL_NAMES)
def test_runs_the_tool_of_that_name(name):
    assert ok(run("bake", name, "--help")).out == ok(run(f"bake-{name}", "--help")).out


def test_arguments_and_exit_codes_pass_unchanged(tmp_path):
    fails(run("bake", "verify", "-d", tmp_path), 66, "verify.no-index")
    fails(run("bake", "lock", "--", "--check"), 66, "fs.not-found")
    fails(run("bake", "index", "biuld"), 64, "usage.command")


@pytest.mark.parametrize("word, hint", [("fecth", "fetch"), ("lisst", "list"), ("downlod", "download"),
                                        ("verif", "verify"), ("qqqqq", "--help")])
def test_unknown_command(word, hint):
    result = fails(run("bake", word), 64, "usage.command")
    assert hint in result.err.splitlines()[-1] and result.out == ""


@pytest.mark.parametrize("word", ["../bake-fetch", "fetch/../x", "", "Fetch", "a b", "\x1b[31mx"])
def test_no_word_leads_elsewhere(word):
    result = fails(run("bake", word), 64, "usage.command")
    assert "\x1b" not in result.err


def test_unknown_option():
    fails(run("bake", "--frobnicate"), 64, "usage.option")
    assert json.loads(run("bake", "fecth", "--json").out)["error"] == "usage.command"


def tools_beside(tmp_path, **scripts):
    """A directory with bake and stand-ins for other tools."""
    place = tmp_path / "bin"
    place.mkdir()
    shutil.copy(TOOLS / "bake", place)
    for name, text in scripts.items():
        path = place / name.replace("_", "-")
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
    return place


def run_there(place, *args, **env):
    done = subprocess.run([place / "bake", *args], capture_output=True, text=True, env=environment(**env))
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("word", ["list", "search", "recommend", "storage", "history", "profiles", "import"])
def test_short_ways(tmp_path, word):
    place = tools_beside(tmp_path, bake_catalog='printf "%s|" "$@"; exit 69')
    assert run_there(place, word, "qwen vl", "--json") == (69, f"{word}|qwen vl|--json|", "")


def test_the_tool_beside_comes_before_the_path(tmp_path):
    place = tools_beside(tmp_path, bake_fetch="echo beside")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("bake-fetch", "bake-mine"):
        (elsewhere / name).write_text("#!/bin/sh\necho elsewhere $1\n")
        (elsewhere / name).chmod(0o755)
    path = f"{elsewhere}:/usr/bin:/bin"
    assert run_there(place, "fetch", PATH=path)[1] == "beside\n"
    assert run_there(place, "mine", "x", PATH=path)[1] == "elsewhere x\n"
    # The working directory is never searched, also not by an empty part of $PATH.
    done = subprocess.run([place / "bake", "mine"], cwd=elsewhere, capture_output=True,
                          env=environment(PATH=":/usr/bin:"))
    assert done.returncode == 64


def test_a_tool_that_is_not_installed(tmp_path):
    code, out, err = run_there(tools_beside(tmp_path), "fetch", PATH="/nowhere")
    assert code == 66 and "error[bake.no-tool]" in err


def test_without_a_terminal_the_help_is_printed():
    result = ok(run("bake"))
    assert result.out == ok(run("bake", "--help")).out
    assert max(map(len, result.out.splitlines())) <= 80
    for word in ["list", "search", "download", "download-defaults", "completion", "help", *TOOL_NAMES]:
        assert re.search(rf"^  {word} ", result.out, re.M)


# Downloads.

@pytest.fixture
def shelf(place):
    """A lock of two models, one of them a default, in a directory of manifests."""
    place.hub.add("org/one", {"one.bin": noise(3000, 1)})
    place.hub.add("org/two", {"two.bin": noise(5000, 2)})
    place.locked({"one": hub_model("org/one", default=True, path="one", aliases=["uno"]),
                  "two": hub_model("org/two", path="two")})
    place.env = {"BAKE_MANIFESTS": place.path, "MODEL_CACHE_DIR": place.models,
                 "HF_ENDPOINT": place.hub.origin}
    return place


def download(shelf, *args, **options):
    return run("bake", "download", *args, "--allow-http", **options)


def test_download_finds_the_lock(shelf):
    ok(download(shelf, "two", env=shelf.env))
    assert list(shelf.files()) == ["two/two.bin"]
    ok(download(shelf, "uno", "-q", env=shelf.env))
    assert list(shelf.files()) == ["one/one.bin", "two/two.bin"]


@pytest.mark.parametrize("how", ["lock", "manifest", "directory", "working-directory"])
def test_where_locks_are_looked_for(shelf, how):
    env, args, cwd = dict(shelf.env), [], None
    del env["BAKE_MANIFESTS"]
    if how == "lock":
        args = ["-l", shelf.lock_path]
    elif how == "working-directory":
        (shelf.path / "cwd/manifests").mkdir(parents=True)
        shutil.copy(shelf.lock_path, shelf.path / "cwd/manifests/test.lock.json")
        cwd = shelf.path / "cwd"
    else:
        env["BAKE_MANIFESTS"] = shelf.manifest if how == "manifest" else shelf.path
    ok(download(shelf, "two", *args, env=env, cwd=cwd))
    assert list(shelf.files()) == ["two/two.bin"]


def test_download_of_what_no_lock_has(shelf):
    assert "did you mean two?" in fails(run("bake", "download", "tow", env=shelf.env), 69,
                                        "bake.unknown-model").err
    assert "bake search" in fails(run("bake", "download", "SDXL Base", env=shelf.env), 69,
                                  "bake.unknown-model").err
    fails(run("bake", "download", env=shelf.env), 64, "usage.arguments")


def test_download_without_any_lock(tmp_path):
    fails(run("bake", "download", "x", cwd=tmp_path), 66, "bake.no-lock")
    (tmp_path / "bad.lock.json").write_text("{")
    fails(run("bake", "download", "x", env={"BAKE_MANIFESTS": tmp_path}), 65, "json.syntax")
    shutil.copy(ROOT / "manifests/demo.lock.json", tmp_path)
    result = run("bake", "download", "x", env={"BAKE_MANIFESTS": tmp_path})
    assert result.code == 69 and "warning:" in result.err and "bad.lock.json" in result.err


def test_a_model_that_two_locks_have(shelf):
    shutil.copy(shelf.lock_path, shelf.path / "zzz.lock.json")
    result = ok(download(shelf, "two", env=shelf.env))
    assert "several locks have two" in result.err and "test.lock.json" in result.err


def test_download_defaults_needs_an_answer(shelf):
    result = fails(run("bake", "download-defaults", env=shelf.env), 64, "bake.no-answer")
    assert "1 default models, total download size: 3.00 kB" in result.err and "-y" in result.err
    assert not shelf.models.exists()
    ok(run("bake", "download-defaults", "-y", "--allow-http", env=shelf.env))
    assert list(shelf.files()) == ["one/one.bin"]


@pytest.mark.parametrize("answer, downloads", [("y", True), ("yes", True), ("n", False), ("", False),
                                               ("yesterday", False)])
def test_download_defaults_asks_on_a_terminal(shelf, answer, downloads):
    session = Session([TOOLS / "bake", "download-defaults", "--allow-http"], environment(TERM="dumb", **shelf.env))
    session.wait_for(r"Proceed with download\? \[y/N\]:")
    os.write(session.fd, answer.encode() + b"\n")
    status = os.waitstatus_to_exitcode(session.end())
    assert (status == 0) == downloads and shelf.models.exists() == downloads
    assert downloads or "bake.declined" in session.screen.text


def test_which_defaults(shelf):
    shutil.copy(shelf.lock_path, shelf.path / "zzz.lock.json")
    fails(run("bake", "download-defaults", "-y", env=shelf.env), 64, "usage.conflict")
    ok(run("bake", "download-defaults", "-y", "--allow-http", "-l", shelf.lock_path, env=shelf.env))
    shelf.edit_lock(lambda lock: lock["models"]["one"].pop("default"))
    fails(run("bake", "download-defaults", "-y", "-l", shelf.lock_path, env=shelf.env), 66,
          "bake.no-defaults")


# Help.

def test_help_of_a_tool_and_a_topic():
    assert ok(run("bake", "help", "exit-codes", env={"PATH": "/nowhere"})).out == \
        ok(run("bake", "--help-exit-codes")).out
    for word in ("fetch", "bake-fetch"):
        assert ok(run("bake", "help", word, env={"PATH": "/nowhere"})).out == \
            ok(run("bake-fetch", "--help")).out
    fails(run("bake", "help", "errors", env={"PATH": "/nowhere"}), 66, "bake.no-manual")
    assert "fetch" in fails(run("bake", "help", "fecth"), 64, "usage.command").err
    assert "exit-codes" in ok(run("bake", "help")).out


@pytest.mark.parametrize("topic, page", [("fetch", "1 bake-fetch"), ("list", "1 bake-catalog"),
                                         ("manifest", "5 bake-manifest"), ("errors", "7 bake")])
def test_help_opens_the_manual(tmp_path, topic, page):
    place = tools_beside(tmp_path, man='[ "$1" = -w ] && echo there && exit; echo "man $*"')
    assert run_there(place, "help", topic, PATH=f"{place}:/usr/bin:/bin") == (0, f"man {page}\n", "")


# Completion.

@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("completion") / "bake.bash"
    path.write_text(ok(run("bake", "completion", "bash")).out)
    return path


def complete(script, *words, **env):
    """What bash would offer for the last word."""
    text = f"""source {script}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bake; printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "-euc", text, "bash", *words], capture_output=True, text=True,
                          env=environment(PATH=f"{TOOLS}:/usr/bin:/bin", **env))
    assert done.returncode == 0 and done.stderr == "", done
    return done.stdout.split()


def test_bash_completes_commands(script):
    words = complete(script, "bake", "")
    assert set(TOOL_NAMES) | {"download", "download-defaults", "completion", "help"} <= set(words)
    assert complete(script, "bake", "fe") == ["fetch"]
    assert complete(script, "bake-index", "in") == ["inspect"]
    assert complete(script, "bake", "index", "in") == ["inspect"]
    assert complete(script, "bake", "completion", "") == ["bash", "zsh", "fish"]


@pytest.mark.parametrize("words", [["bake-fetch"], ["bake", "fetch"], ["bake", "index", "build"],
                                   ["bake-index", "estimate"], ["bake", "download"], ["bake-verify"]])
def test_bash_completes_every_option(script, words):
    said = ok(run(*words, "--help")).out
    options = re.findall(r"^\s+(?:-\w, )?(--[a-z-]+)", said, re.M)
    assert sorted(complete(script, *words, "--")) == sorted(set(options))


def test_bash_completes_values(script, shelf):
    assert complete(script, "bake", "download", "tw", BAKE_MANIFESTS=shelf.path) == ["two"]
    assert complete(script, "bake-fetch", "--connections", "") == []
    assert complete(script, "bake-fetch", "--bandwidth-limit", "=", "1") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_well_formed(tmp_path, shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    path = tmp_path / "script"
    path.write_text(ok(run("bake", "completion", shell)).out)
    done = subprocess.run([shell, "-n", path], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done
    assert "--allow-pickle" in path.read_text() or "-l allow-pickle" in path.read_text()


def test_fish_completes():
    if not shutil.which("fish"):
        pytest.skip("fish is not installed")
    done = subprocess.run(["fish", "-c", "bake completion fish | source; complete -C 'bake fetch --lay'"],
                          capture_output=True, text=True,
                          env=environment(PATH=f"{TOOLS}:/usr/bin:/bin", HOME="/nonexistent"))
    assert "--layout\tlay DIR out" in done.stdout, done


def test_no_completion_for_others():
    fails(run("bake", "completion", "tcsh"), 64, "usage.value")
