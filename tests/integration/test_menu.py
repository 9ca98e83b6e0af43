# SPDX-License-Identifier: Apache-2.0
"""The menu of bake, in tmux: keys are sent and the screen is compared. Nothing waits for a time, only
for what is to be seen."""
import json
import os
import re
import shutil
import signal
import subprocess
import time

import jsonschema
import pytest

from conftest import ROOT, TOOLS, environment, fails, hub_model, noise, ok, run

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")

SIZES = [(80, 24), (120, 40), (200, 50)]
HOSTILE = "Nice\x1b[31mred\x1b]8;;http://evil\x07link\u202etxt"


class Menu:
    """bake on a terminal of that size."""

    def __init__(self, tmp_path, bake, *args, size=(80, 24), term=None, **env):
        self.tmux = ["tmux", "-f", "/dev/null", "-S", str(tmp_path / f"tmux{time.monotonic_ns()}")]
        self.env = environment(**{"TERM": "xterm-256color", **env})
        self.done = tmp_path / f"done{time.monotonic_ns()}"
        command = f"TERM={term} " if term else ""
        words = " ".join(map(str, [bake, *args]))
        command += f"sh -c '{words}; echo $? > {self.done}; echo left; read x'"
        subprocess.run([*self.tmux, "new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), command],
                       env=self.env, check=True)

    def call(self, *args):
        return subprocess.run([*self.tmux, *args], env=self.env, capture_output=True, text=True,
                              check=True).stdout

    def screen(self, *args):
        return self.call("capture-pane", "-p", *args)

    def keys(self, *keys):
        self.call("send-keys", *keys)

    def see(self, pattern, seconds=15):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.screen(), re.M):
            assert time.monotonic() < end, f"{pattern!r} is not in\n{self.screen()}"
            time.sleep(0.03)
        return self.screen()

    def gone(self, pattern, seconds=15):
        end = time.monotonic() + seconds
        while re.search(pattern, self.screen(), re.M):
            assert time.monotonic() < end, f"{pattern!r} is still in\n{self.screen()}"
            time.sleep(0.03)

    def leave(self):
        self.keys("q")
        self.see("left *$")
        return int(self.done.read_text())

    def pid(self):
        shell = int(self.call("list-panes", "-F", "#{pane_pid}"))
        for _ in range(100):
            found = []
            for entry in os.listdir("/proc"):
                try:
                    name, rest = open(f"/proc/{entry}/stat").read().split("(", 1)[1].rsplit(")", 1)
                    if name == "bake" and int(rest.split()[1]) == shell:
                        found.append(int(entry))
                except (OSError, IndexError):
                    continue
            if found:
                return found[0]
            time.sleep(0.05)
        raise AssertionError("bake does not run")


@pytest.fixture
def menus(tmp_path):
    made = []

    def make(*args, **options):
        made.append(Menu(tmp_path, *args, **options))
        return made[-1]
    yield make
    for menu in made:
        subprocess.run([*menu.tmux, "kill-server"], env=menu.env, capture_output=True)


@pytest.fixture
def shelf(place, tmp_path):
    """bake beside a catalog that is made here, and three models to fetch."""
    for name, size in (("one", 2 << 20), ("two", 2 << 20), ("three", 40000)):
        place.hub.add(f"org/{name}", {f"{name}.bin": noise(size, len(name))})
    place.locked({name: hub_model(f"org/{name}", path=name) for name in ("one", "two", "three")})
    place.bin = tmp_path / "bin"
    place.bin.mkdir()
    for tool in ("bake", "bake-fetch", "bake-link"):
        shutil.copy(TOOLS / tool, place.bin)
    models = [{"key": name, "id": name, "title": title, "description": f"about {name}", "group": "chat",
               "bytes": size, "recommended": name == "one", "status": "absent", "pins": "lock",
               "lock_path": str(place.lock_path)}
              for name, title, size in (("one", "Model One", 2 << 20), ("two", HOSTILE, 2 << 20),
                                        ("three", "Drei Übermodelle", 40000))]
    models.append({"key": "free", "id": "free", "title": "Without pins", "status": "installed", "pins": "none"})
    (place.path / "catalog.json").write_text(json.dumps({"ok": True, "models": models}))
    (place.bin / "bake-catalog").write_text(f"""#!/bin/sh
case $1 in
list|recommend) cat {place.path}/catalog.json ;;
search) for word; do :; done
        [ "$word" = nothing ] && echo '{{"ok": false, "message": "nothing is called nothing"}}' && exit 69
        cat {place.path}/catalog.json ;;
storage) printf 'total 1 GB\\n\\033[31mred %s\\n' "$COLUMNS"; i=0; while [ $i -lt 100 ]; do echo line $i; i=$((i+1)); done ;;
history) echo 'one attempt' ;;
esac
""")
    (place.bin / "bake-catalog").chmod(0o755)
    place.state = tmp_path / "state"
    place.menu = [place.bin / "bake", "menu", "-d", place.models, "--endpoint", place.hub.origin, "--allow-http"]
    place.env = {"BAKE_STATE_DIR": place.state}
    return place


SCHEMA = json.loads((ROOT / "manifests/schema/bake.queue-1.schema.json").read_text())


def queue_of(shelf):
    queue = json.loads((shelf.state / "queue.json").read_text())
    jsonschema.validate(queue, SCHEMA, jsonschema.Draft202012Validator)
    return {job["model"]: job["state"] for job in queue["jobs"]}


MAIN = """ bake  models for images and servers
{line}

  1  Search models
  2  List all models
  3  Check storage
  4  Get recommendations
  5  Download a model
  6  Download queue
  7  Create links
  8  Download history
  9  Exit
"""


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_first_screen(menus, shelf, size):
    menu = menus(*shelf.menu, size=size, **shelf.env)
    screen = menu.see("9  Exit")
    lines = screen.rstrip("\n").split("\n")
    assert "\n".join(line.rstrip() for line in lines[:12]) + "\n" == MAIN.format(line="─" * size[0])
    assert len(lines) == size[1] and lines[-1] == " Up/Down, Enter or 1-9 choose   q leave"
    assert menu.leave() == 0


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_list_of_models(menus, shelf, size):
    menu = menus(*shelf.menu, size=size, **shelf.env)
    menu.see("9  Exit")
    menu.keys("2")
    screen = menu.see("three")
    width, lines = size[0], screen.split("\n")
    assert lines[0].startswith(" bake  All models")
    assert lines[2].startswith("  * one ") and lines[2].rstrip().endswith("2.10 MB")
    assert lines[2].index("Model One") == 4 + width // 3
    assert "Drei Übermodelle" in lines[4] and lines[5].startswith(" +  free")
    assert ("chat" in lines[2]) == (width >= 110)
    assert " about one" in lines[-3]
    menu.keys("Down", "Down")
    menu.see("^ about three")
    menu.keys("/")
    menu.see("Filter:")
    menu.keys("mod")
    menu.gone("Without pins")
    menu.keys("Escape")
    menu.see("Without pins")
    menu.keys("Escape")
    menu.see("9  Exit")
    assert menu.leave() == 0


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_queue_screen(menus, shelf, size):
    menu = menus(*shelf.menu, size=size, **shelf.env)
    menu.see("9  Exit")
    menu.keys("6")
    assert "the queue is empty" in menu.see("Bandwidth limit: none")
    menu.keys("q", "5")
    menu.see("Filter:")
    menu.keys("three", "Enter")
    menu.see("three is in the queue")
    menu.keys("Escape", "Escape", "6")
    lines = menu.see("three +done +█+ 100% of 40.0 kB").split("\n")
    assert max(map(len, lines)) <= size[0]
    assert lines[-2].strip() == "p pause/go on  x cancel  u/d move  l limit  c clear done  q back"
    menu.keys("c")
    menu.see("the queue is empty")
    menu.keys("Escape")
    assert menu.leave() == 0
    assert shelf.files()["three/three.bin"]


def test_search_and_back(menus, shelf):
    menu = menus(*shelf.menu, **shelf.env)
    menu.see("9  Exit")
    menu.keys("1")
    menu.see("Search: *$")
    menu.keys("q", "w", "x", "BSpace", "Enter")
    menu.see("Model One")
    menu.keys("q")
    menu.see("Search: qw")
    menu.keys("BSpace", "BSpace", "nothing", "Enter")
    menu.see("nothing is called nothing")
    menu.keys("Escape")
    menu.see("9  Exit")
    assert menu.leave() == 0


def test_hostile_titles_are_inert(menus, shelf):
    menu = menus(*shelf.menu, **shelf.env)
    menu.see("9  Exit")
    menu.keys("2")
    menu.see("three")
    raw = menu.screen("-e")
    assert "Nice?[31mred?]8;;" in raw and "\x1b[31mred" not in raw and "\u202e" not in raw and "\x1b]8" not in raw
    menu.keys("q", "3")
    assert "?[31mred 78" in menu.see("total 1 GB")
    menu.keys("End")
    menu.see("line 99")
    menu.keys("Home")
    menu.see("total 1 GB")
    menu.keys("q", "8")
    menu.see("one attempt")
    menu.keys("q")
    assert menu.leave() == 0


def test_links_are_shown_before_they_are_made(menus, place, tmp_path, shelf):
    ok(shelf.fetch())
    ok(shelf.index())
    menu = menus(*shelf.menu, **shelf.env)
    menu.see("9  Exit")
    menu.keys("7")
    menu.see("ComfyUI is in:")
    menu.keys(str(tmp_path / "comfy"), "Enter")
    menu.see("what would be done")
    menu.see("a make the links")  # not before it has ended
    assert not (tmp_path / "comfy").exists() or not list((tmp_path / "comfy").rglob("*.bin"))
    menu.keys("a")
    menu.see("what was done")
    menu.keys("q", "Escape")
    menu.see("9  Exit")
    assert menu.leave() == 0


def test_pause_move_limit_and_cancel(menus, shelf):
    """The first two crawl, so that there is time to look at them."""
    menu = menus(*shelf.menu, "--bandwidth-limit", "100KB", **shelf.env)
    menu.see("9  Exit")
    menu.keys("2")
    menu.see("three")
    menu.keys("Enter")
    menu.see("one is in the queue")
    menu.keys("Down", "Enter")
    menu.see("two is in the queue")
    menu.keys("q", "6")
    menu.see("one +running")
    menu.see("two +running")
    menu.keys("p")
    menu.see("one +paused")
    menu.see("two +running")
    menu.keys("d")
    assert re.search(r"two .*\n one ", menu.see(r"^ two .*\n one "))
    menu.keys("p")
    menu.see("one +running")
    menu.keys("u", "x")
    menu.gone("^ one")
    menu.keys("l")
    menu.see("Bytes per second:")
    menu.keys("what", "Enter")
    menu.see("that is no size")
    menu.keys("BSpace", "BSpace", "BSpace", "BSpace", "50MB/s", "Enter")
    menu.see("Bandwidth limit: 50.0 MB/s")
    menu.see("two +done")
    menu.keys("q")
    assert menu.leave() == 0
    assert list(shelf.files()) == ["two/two.bin"] and queue_of(shelf) == {"two": "done"}


@pytest.mark.parametrize("how", ["kill", "terminate", "leave"])
def test_the_queue_survives(menus, shelf, how):
    menu = menus(*shelf.menu, "--bandwidth-limit", "300KB", **shelf.env)
    menu.see("9  Exit")
    menu.keys("2")
    menu.see("three")
    menu.keys("Enter")
    menu.see("1 running")
    menu.keys("q", "6")
    menu.see(r"one +running +█?.* [1-9]\d?% of")
    if how == "leave":
        menu.keys("q", "q")
    else:
        os.kill(menu.pid(), signal.SIGKILL if how == "kill" else signal.SIGTERM)
    menu.see("left *$")
    assert queue_of(shelf)["one"] in ("waiting", "running") and not shelf.files()
    again = menus(*shelf.menu, **shelf.env)
    again.see("9  Exit")
    again.keys("6")
    again.see("one +done")
    again.keys("q")
    assert again.leave() == 0
    assert list(shelf.files()) == ["one/one.bin"]
    assert not (shelf.models / ".bake").exists()


def test_a_failure_is_told_and_tried_again(menus, shelf):
    shelf.hub.fault("three", status=404, times=1)
    menu = menus(*shelf.menu, **shelf.env)
    menu.see("9  Exit")
    menu.keys("5")
    menu.see("Filter:")
    menu.keys("three", "Enter", "Escape", "Escape", "6")
    menu.see("three +failed")
    menu.see("^ .*three.bin:")
    menu.keys("p")
    menu.see("three +done")
    menu.keys("q")
    assert menu.leave() == 0


def test_no_pins_and_a_damaged_queue(menus, shelf):
    shelf.state.mkdir()
    (shelf.state / "queue.json").write_text("{")
    menu = menus(*shelf.menu, **shelf.env)
    menu.see("the queue was put aside")
    assert (shelf.state / "queue.json.damaged").read_text() == "{"
    menu.keys("2")
    menu.see("three")
    menu.keys("End", "Enter")
    menu.see("free has no pins yet")
    menu.keys("q")
    assert menu.leave() == 0


def test_two_menus_have_one_queue(menus, shelf):
    menu = menus(*shelf.menu, **shelf.env)
    menu.see("9  Exit")
    other = menus(*shelf.menu, **shelf.env)
    other.see("9  Exit")
    other.keys("2")
    other.see("three")
    other.keys("Enter")
    other.see("another menu has the queue")
    other.keys("q")
    assert other.leave() == 0
    assert menu.leave() == 0


def test_resize(menus, shelf):
    menu = menus(*shelf.menu, size=(120, 40), **shelf.env)
    menu.see("9  Exit")
    menu.keys("2")
    menu.see("three")
    for width, height in ((60, 10), (20, 5), (250, 60), (1, 1), (80, 24)):
        menu.call("resize-window", "-x", str(width), "-y", str(height))
        menu.see("^ ba" if width > 5 else "^")
    menu.see(f"^{'─' * 80}$")
    menu.see("Model One")
    menu.keys("q")
    assert menu.leave() == 0


@pytest.mark.parametrize("env, bar, line", [({"LC_ALL": "C"}, "##", "(-{80}|─{80}|q{80})"),
                                            ({"NO_COLOR": "1"}, "██", "─{80}")])
def test_without_utf8_and_without_colour(menus, shelf, env, bar, line):
    menu = menus(*shelf.menu, **{**shelf.env, **env})
    menu.see("9  Exit")
    menu.see(f"^{line}$")
    menu.keys("2")
    menu.see("Drei Übermodelle" if bar == "██" else r"Drei \?+bermodelle")
    menu.keys("Down", "Down", "Enter", "q", "6")
    menu.see(f"three +done +{bar}")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", menu.screen("-e")) or not env.get("NO_COLOR")
    menu.keys("q")
    assert menu.leave() == 0


@pytest.mark.parametrize("term", ["dumb", "no-such-terminal"])
def test_terminals_that_cannot(menus, shelf, term):
    menu = menus(*shelf.menu, term=term, **shelf.env)
    screen = menu.see("left *$")
    assert "error[menu.terminal]" in screen and menu.done.read_text() == "78\n"


def test_no_place_for_the_queue(menus, shelf):
    menu = menus(*shelf.menu)
    menu.see("the queue is not kept")
    assert menu.leave() == 0


def test_bake_alone_opens_the_menu(menus, shelf):
    menu = menus(shelf.bin / "bake", **shelf.env)
    menu.see("9  Exit")
    menu.keys("9")
    menu.see("left *$")
    assert menu.done.read_text() == "0\n"


def test_needs_a_terminal():
    fails(run("bake", "menu"), 64, "menu.no-terminal")
