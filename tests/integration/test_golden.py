# SPDX-License-Identifier: Apache-2.0
"""What the commands of people print, to the letter: at two widths and as JSON.

golden/ has it. BAKE_GOLDEN=write writes it anew: then read the difference before it is committed.
What lists, searches, plans and profiles print is compared in test_catalog.py.
"""
import hashlib
import json
import os
import pathlib
import re

import pytest

from conftest import ROOT, fails, ok, run
from models import weights

GOLDEN = pathlib.Path(__file__).parent / "golden"
COLUMNS = [80, 132]
WIDTHS = pytest.mark.parametrize("columns", COLUMNS)
SHA = "ab" * 32


def compare(name, text, masks=()):
    """masks: what differs from machine to machine, as (pattern, what stands for it)."""
    for pattern, shown in masks:
        text = re.sub(pattern, shown, text, flags=re.M)
    path = GOLDEN / name
    if os.environ.get("BAKE_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def compare_lines(name, columns, text, masks=()):
    assert max(map(len, text.splitlines())) <= columns, text
    compare(f"{name}-{columns}.txt", text, masks)


# ---- bake-catalog storage

# Of the disk that the test is on.
DISK = [(r"^(Total|Free)( +).*$", r"\1\2(of this disk)"), (r'("(?:free|total)": )\d+', r'\1"of this disk"')]


@pytest.fixture
def stored(tmp_path):
    """Two models of the same bytes and another, a leftover of a fetch, and a file of nobody. Without
    an index, whose length differs from version to version."""
    twin, other = weights(1 << 20, 1), weights(1 << 19, 2)
    files = {"a": ("a.safetensors", twin), "b": ("b.safetensors", twin), "c": ("c.safetensors", other)}
    models = {key: {"source": {"hub": "org/name", "revision": "main"}, "path": f"dir-{key}",
                    "category": "vae" if key == "c" else "checkpoints",
                    "files": [{"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}]}
              for key, (name, data) in files.items()}
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests/test.json").write_text(json.dumps(
        {"schema": "bake.manifest/1", "name": "test", "models": models}))
    for key, (name, data) in files.items():
        path = tmp_path / f"models/dir-{key}/{name}"
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
    (tmp_path / "models/notes.txt").write_bytes(b"x" * 1000)
    (tmp_path / "models/.bake-0123456789abcdef.tmp").write_bytes(b"x" * 8192)
    return tmp_path


def storage(stored, *args, **env):
    return run("bake-catalog", "storage", "-d", "models", "--low", "0", "--quota", "10MB", *args,
               cwd=stored, env=env)


PLANS = {"storage": [], "storage-prune": ["--prune", "--dry-run", "--method", "hardlink"]}


@WIDTHS
@pytest.mark.parametrize("name", PLANS)
def test_storage(stored, name, columns):
    compare_lines(f"storage/{name}", columns, ok(storage(stored, *PLANS[name], COLUMNS=columns)).out, DISK)


@pytest.mark.parametrize("name", PLANS)
def test_storage_json(stored, name):
    compare(f"storage/{name}.json", ok(storage(stored, *PLANS[name], "--json")).out, DISK)


def test_storage_asks_a_terminal_only(stored):
    result = fails(storage(stored, "--prune"), 64, "catalog.unconfirmed")
    compare("storage/unconfirmed.txt", result.out + result.err, DISK)


# ---- bake-catalog history

def attempt(day, **fields):
    return json.dumps({
        "schema": "bake.history/1", "time": f"2026-11-{day:02}T06:47:00Z", "generator": "bake-fetch 1",
        "lock": "test", "models": ["llama-3.2-3b-instruct"], "model_count": 1, "files": 1,
        "files_there": 1, "bytes": 2019373920, "received": 2019373920, "resumed": 0, "cached": 0,
        "retries": 0, "seconds": 40.5, "rate": 49861084, "status": "downloaded", "exit_code": 0,
        **fields}) + "\n"


LOG = (attempt(1) + attempt(2, models=[f"model-{n}" for n in range(12)], model_count=12, files=24,
                            bytes=1 << 40, received=1 << 39, cached=1 << 38, retries=7, seconds=7205.25)
       + "no record\n" + '{"schema": "other/1"}\n'
       + attempt(3, status="failed", error="net.timeout", received=0, seconds=0.5, exit_code=75)
       + attempt(4, status="cancelled", error="interrupted", received=1000, exit_code=130,
                 models=["a-model-whose-name-is-rather-long-and-has-no-end-" * 3]))
LISTS = {"history": [], "history-stats": ["--stats"], "history-model": ["--model", "model-3"]}


@pytest.fixture
def logged(tmp_path):
    (tmp_path / "history.jsonl").write_text(LOG)
    return tmp_path


@WIDTHS
@pytest.mark.parametrize("name", LISTS)
def test_history(logged, name, columns):
    result = ok(run("bake-catalog", "history", "--file", "history.jsonl", *LISTS[name], cwd=logged,
                    env={"COLUMNS": columns}))
    compare(f"history/{name}-{columns}.txt", result.out + result.err)


@pytest.mark.parametrize("name", LISTS)
def test_history_json(logged, name):
    compare(f"history/{name}.json", ok(run(
        "bake-catalog", "history", "--file", "history.jsonl", *LISTS[name], "--json", cwd=logged)).out)


# ---- bake-catalog import

HF = "https://huggingface.co/org/name/resolve"
LIST = {"metadata": {"version": "1.0"}, "categories": {"checkpoints": {
    "description": "x", "storage_priority": 2, "models": {
        "good": {"safetensors": {"name": "A Model", "url": f"{HF}/{'ab' * 20}/good.safetensors",
                                 "size_bytes": 6938078334, "hash_sha256": "31e35c80fc4829d14f90153f4c74cd5"
                                 "9c90b779f6afe05a74cd6120b893f7e5b"}},
        "unsure": {"gguf": {"name": "Sizes differ", "url": f"{HF}/main/unsure.gguf", "size": "24 GB",
                            "size_bytes": 6938078334, "hash_sha256": "placeholder"}},
        "without": {"gguf": {"name": "From nowhere"}}}}}}


@WIDTHS
def test_import(tmp_path, columns):
    (tmp_path / "models_catalog.json").write_text(json.dumps(LIST))
    result = run("bake-catalog", "import", "models_catalog.json", "-o", "out.json", cwd=tmp_path,
                 env={"COLUMNS": columns})
    compare(f"import/import-{columns}.txt", f"exit {result.code}\n{result.out}{result.err}")
    compare("import/manifest.json", (tmp_path / "out.json").read_text())


def test_import_json(tmp_path):
    (tmp_path / "models_catalog.json").write_text(json.dumps(LIST))
    compare("import/import.json", run("bake-catalog", "import", "models_catalog.json", "--json",
                                      cwd=tmp_path).out)


# ---- bake-link

@pytest.fixture
def linked(tmp_path):
    """Three models of an index, one of which stands in the way of a file that is no link."""
    rows = [("base", "checkpoints", "checkpoints/base.safetensors"), ("vae", "vae", "vae/vae.safetensors"),
            ("style", "loras", "loras/style.safetensors")]
    index = {"schema": "bake.index/1", "generator": "test", "generated_at": 0,
             "manifest": {"name": "test", "sha256": SHA}, "lock_sha256": SHA,
             "totals": {"models": len(rows)}, "models": [
                 {"id": name, "title": name, "format": "safetensors", "required": True, "status": "baked",
                  "category": category, "path": path, "bytes": 1, "aggregate_sha256": SHA,
                  "source": {"hub": f"org/{name}", "commit": "ab" * 20},
                  "files": [{"path": path, "size": 1, "sha256": SHA}]}
                 for name, category, path in sorted(rows)]}
    for _, _, path in rows:
        (tmp_path / "models" / path).parent.mkdir(parents=True)
        (tmp_path / "models" / path).write_bytes(b"x")
    (tmp_path / "models/model-info.json").write_text(json.dumps(index))
    (tmp_path / "ComfyUI").mkdir()
    return tmp_path


def link(linked, *args, **env):
    """All that it says, in which its paths begin at the test's directory."""
    result = run("bake-link", "-d", "models", "--to", "ComfyUI", *args, cwd=linked, env=env)
    return f"exit {result.code}\n{result.out}{result.err}".replace(str(linked), "")


STEPS = [("dry-run", ["--dry-run", "-v"]), ("check-before", ["--check"]), ("made", ["-v"]), ("again", []),
         ("check-after", ["--check"]), ("conflict", ["-v"]), ("remove", ["--remove", "-v"])]


@pytest.mark.parametrize("how, args", [("132.txt", {"COLUMNS": 132}), ("80.txt", {"COLUMNS": 80}),
                                       ("json", None)], ids=["132", "80", "json"])
def test_link(linked, how, args):
    """Planned, made, checked, made anew behind somebody else's file, removed."""
    texts = []
    for name, step in STEPS:
        if name == "conflict":
            place = linked / "ComfyUI/models/vae/vae.safetensors"
            place.unlink()
            place.write_bytes(b"not a link")
        texts.append(f"==== {name}\n" + link(linked, *step, *(["--json"] if args is None else []),
                                             **(args or {})))
    compare(f"link/link-{how}" if args else "link/link.json.txt", "".join(texts))


# ---- bake

VERSION = [(re.escape(re.search(r"VERSION (\d+\.\d+\.\d+)", (ROOT / "CMakeLists.txt").read_text())[1]),
            "VERSION")]


@WIDTHS
@pytest.mark.parametrize("name, args", [("help", ["help"]), ("help-storage", ["help", "storage"]),
                                        ("help-exit-codes", ["help", "exit-codes"])], ids=str)
def test_help(name, args, columns):
    result = ok(run("bake", *args, env={"COLUMNS": columns}))
    compare(f"bake/{name}.txt", result.out, VERSION)  # the same at each width


def test_bake_without_a_terminal():
    result = run("bake")
    compare("bake/no-terminal.txt", f"exit {result.code}\n{result.out}{result.err}", VERSION)
