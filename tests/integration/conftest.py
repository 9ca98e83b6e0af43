# SPDX-License-Identifier: Apache-2.0
"""What the tests of the built tools share: running them, a Hub to ask, documents to give."""
import json
import os
import pathlib
import re
import subprocess

import pytest

import hubserver

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = pathlib.Path(os.environ.get("BAKE_TOOLS", ROOT / "build/dev/tools")).resolve()

# Nothing of the person who runs the tests gets into them.
CLEAN = ("HF_", "BAKE_CACHE", "BAKE_STATE_DIR", "XDG_STATE_HOME", "HOME", "MODEL_CACHE_DIR",
         "SOURCE_DATE_EPOCH", "NO_COLOR")


class Result:
    def __init__(self, process):
        self.code = process.returncode
        self.raw = process.stdout
        self.out = process.stdout.decode(errors="replace")
        self.err = process.stderr.decode(errors="replace")

    @property
    def errors(self):
        return re.findall(r"^\S+: error\[([^\]]+)\]: (.*)$", self.err, re.M)

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def environment(**changes):
    env = {name: value for name, value in os.environ.items()
           if not name.startswith(CLEAN) and not name.lower().endswith("_proxy")}
    env.update({"TERM": "dumb", "LC_ALL": "C.UTF-8"})
    env.update({name: str(value) for name, value in changes.items() if value is not None})
    return env


def traced(calls, *more):
    """The beginning of a command under strace, and the environment for it (the leak checker cannot
    work under another tracer)."""
    command = ["strace", "-f", "-qq", "-e", f"trace={calls}", *map(str, more)]
    return command, environment(ASAN_OPTIONS="detect_leaks=0")


def run(tool, *args, env=None, cwd=None, timeout=120, stdin=None):
    process = subprocess.run([TOOLS / tool, *map(str, args)], capture_output=True,
                             env=environment(**(env or {})), cwd=cwd, timeout=timeout,
                             input=stdin.encode() if stdin else None)
    return Result(process)


def start(tool, *args, env=None, **options):
    return subprocess.Popen([TOOLS / tool, *map(str, args)], env=environment(**(env or {})),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def ok(result):
    assert result.code == 0, result
    assert not result.errors, result
    return result


def fails(result, code, error):
    """Exit code, and exactly one error line, with that id."""
    assert result.code == code, result
    assert [name for name, _ in result.errors] == [error], result
    assert "Sanitizer" not in result.err, result
    return result


def manifest_text(models, **more):
    return json.dumps({"schema": "bake.manifest/1", "name": "test", "models": models, **more},
                      indent=2)


class Place:
    """A manifest, its lock and a models directory in a temporary directory."""

    def __init__(self, path, hub):
        self.path, self.hub = path, hub
        self.manifest = path / "test.json"
        self.lock_path = path / "test.lock.json"
        self.models = path / "models"

    def write(self, models, **more):
        self.manifest.write_text(manifest_text(models, **more))
        return self

    def lock(self, *args, **options):
        return run("bake-lock", self.manifest, "--endpoint", self.hub.origin, "--allow-http",
                   *args, **options)

    def fetch(self, *args, **options):
        return run("bake-fetch", "-l", self.lock_path, "-d", self.models, "--endpoint",
                   self.hub.origin, "--allow-http", *args, **options)

    def index(self, *args, **options):
        return run("bake-index", "build", "-l", self.lock_path, "-d", self.models, *args,
                   **options)

    def verify(self, *args, **options):
        return run("bake-verify", "-d", self.models, *args, **options)

    def locked(self, models=None, **more):
        if models is not None:
            self.write(models, **more)
        ok(self.lock())
        return self

    def baked(self, models=None, **more):
        self.locked(models, **more)
        ok(self.fetch())
        ok(self.index())
        return self

    @property
    def lock_json(self):
        return json.loads(self.lock_path.read_text())

    @property
    def index_json(self):
        return json.loads((self.models / "model-info.json").read_text())

    def edit_lock(self, change):
        lock = self.lock_json
        change(lock)
        self.lock_path.write_text(json.dumps(lock))

    def files(self):
        """Everything in the models directory but .bake: {path: bytes}."""
        return {str(path.relative_to(self.models)): path.read_bytes()
                for path in sorted(self.models.rglob("*"))
                if path.is_file() and ".bake" not in path.parts}

    def parts(self):
        return [path for path in (self.models / ".bake").glob("*.part")]


@pytest.fixture
def hub():
    hub = hubserver.Hub()
    yield hub
    hub.close()


@pytest.fixture
def place(tmp_path, hub):
    return Place(tmp_path, hub)


def noise(count, seed=1):
    """Bytes that are the same for the same seed and look like nothing."""
    import random
    return random.Random(seed).randbytes(count)


def hub_model(repo="org/name", **fields):
    return {"source": {"hub": repo, "revision": "main"}, **fields}
