# SPDX-License-Identifier: Apache-2.0
"""Models that a manifest bakes as a conversion of what their source has."""
import hashlib
import json

import pytest

from conftest import ROOT, Place, fails, ok, run
from hubserver import File
from weights import Gguf, model, write_shards, write_st


class Converted:
    """A model at the Hub's side, its conversion, and a manifest that asks for it."""

    def __init__(self, place, tmp_path, **convert):
        self.place, self.hub = place, place.hub
        self.source = write_st(tmp_path / "hub.safetensors", model("flux"))
        self.hub.plain["/flux1.safetensors"] = File(self.source.read_bytes())
        self.made = tmp_path / "made.gguf"
        report = ok(run("bake-convert", self.source, "-q", "Q4_0", "-o", self.made, "--json")).json
        self.digest = report["sha256"]
        self.convert = {"type": "Q4_0", "save_as": "flux1-Q4_0.gguf", "size": report["bytes"],
                        "sha256": self.digest, **convert}
        self.model = {"source": {"url": self.hub.origin + "/"}, "path": "flux",
                      "files": [{"name": "flux1.safetensors"}], "convert": self.convert}

    def locked(self):
        self.place.locked({"flux": self.model})
        return self


@pytest.fixture
def converted(place, tmp_path):
    return Converted(place, tmp_path)


def test_the_output_is_baked_and_the_source_is_not(converted, place):
    converted.locked()
    pinned = place.lock_json["models"]["flux"]
    assert pinned["files"] == [{"path": "flux/flux1-Q4_0.gguf", "name": "flux1-Q4_0.gguf",
                                "size": converted.convert["size"], "sha256": converted.digest}]
    assert pinned["convert"] == {"type": "Q4_0", "files": [
        {"path": "flux/flux1.safetensors", "name": "flux1.safetensors",
         "size": converted.source.stat().st_size,
         "sha256": hashlib.sha256(converted.source.read_bytes()).hexdigest()}]}
    plan = ok(place.fetch("--dry-run", "--json")).json
    assert plan["files"][0]["way"] == "convert"
    result = ok(place.fetch("--json", "--report", place.path / "report.json")).json
    assert [file["outcome"] for file in result["files"]] == ["converted"]
    report = json.loads((place.path / "report.json").read_text())
    assert report["totals"]["converted"] == 1
    assert report["totals"]["received"] == converted.source.stat().st_size
    assert place.files() == {"flux/flux1-Q4_0.gguf": converted.made.read_bytes()}
    assert not (place.models / ".bake").exists()
    ok(place.index())
    ok(place.verify())
    entry = place.index_json["models"]
    assert "Q4_0" in json.dumps(entry)

    converted.hub.log.clear()  # what is there is not made again
    again = ok(place.fetch("--json", "--offline")).json
    assert again["files"][0]["outcome"] == "present" and not converted.hub.log
    ok(place.lock("--check"))


def test_a_changed_conversion_makes_the_lock_stale(converted, place):
    converted.locked()
    converted.model["convert"]["type"] = "Q8_0"
    place.write({"flux": converted.model})
    fails(place.lock("--check"), 78, "lock.stale")


def test_another_output_is_not_baked(converted, place):
    converted.convert["sha256"] = "1" * 64
    converted.locked()
    refused = fails(place.fetch(), 20, "integrity.sha256")
    assert converted.digest in refused.err
    assert place.files() == {}
    # The pin is mended: what was fetched is not fetched again.
    converted.convert["sha256"] = converted.digest
    converted.locked()
    converted.hub.log.clear()
    ok(place.fetch())
    assert not converted.hub.requests("flux1.safetensors")
    assert place.files() == {"flux/flux1-Q4_0.gguf": converted.made.read_bytes()}
    assert not (place.models / ".bake").exists()


def test_sources_come_from_the_cache(converted, place, tmp_path):
    converted.locked()
    cache = tmp_path / "cache"
    ok(place.fetch("--cache", cache))
    other = Place(tmp_path / "other", place.hub)
    other.path.mkdir()
    other.lock_path.write_bytes(place.lock_path.read_bytes())
    plan = ok(other.fetch("--cache", cache, "--offline", "--dry-run", "--json")).json
    assert plan["files"][0]["way"] == "convert"
    ok(other.fetch("--cache", cache, "--offline"))
    assert other.files() == place.files()
    nowhere = Place(tmp_path / "nowhere", place.hub)
    nowhere.path.mkdir()
    nowhere.lock_path.write_bytes(place.lock_path.read_bytes())
    fails(nowhere.fetch("--offline", "--dry-run"), 69, "net.offline")
    fails(nowhere.fetch("--offline"), 69, "net.offline")


def test_shards_and_one_of_several(place, tmp_path):
    """A sharded model in a directory among other files, named by "input"."""
    (tmp_path / "hub/transformer").mkdir(parents=True)
    index = write_shards(tmp_path / "hub/transformer", model("qwen_image"))
    index = index if index.is_file() else next((tmp_path / "hub/transformer").glob("*.index.json"))
    report = ok(run("bake-convert", index, "-q", "Q8_0", "-o", tmp_path / "made.gguf", "--json")).json
    place.hub.plain["/vae.safetensors"] = File(write_st(tmp_path / "vae.safetensors", model("flux")).read_bytes())
    names = ["vae.safetensors"]
    for file in sorted((tmp_path / "hub/transformer").iterdir()):
        names.append(f"transformer/{file.name}")
        place.hub.plain[f"/transformer/{file.name}"] = File(file.read_bytes())
    place.locked({"m": {"source": {"url": place.hub.origin + "/"}, "path": "m", "files": [
        {"name": name} for name in names], "convert": {
            "type": "Q8_0", "save_as": "m-Q8_0.gguf", "size": report["bytes"], "sha256": report["sha256"],
            "input": "transformer"}}})
    ok(place.fetch())
    assert list(place.files()) == ["m/m-Q8_0.gguf"]
    assert Gguf(place.models / "m/m-Q8_0.gguf")


@pytest.mark.parametrize("change, code, error", [
    ({"save_as": "x.bin"}, 65, "manifest.convert"), ({"save_as": "../x.gguf"}, 65, "path.unsafe"),
    ({"type": "Q4_K"}, 65, "manifest.convert"), ({"sha256": None}, 65, "json.missing-field"),
    ({"size": -1}, 65, "json.range"), ({"input": "/etc"}, 65, "path.unsafe"),
    ({"other": 1}, 65, "json.unknown-field")])
def test_conversions_that_make_no_sense(change, code, error, converted, place):
    for key, value in change.items():
        if value is None:
            del converted.convert[key]
        else:
            converted.convert[key] = value
    place.write({"flux": converted.model})
    fails(place.lock(), code, error)


def test_a_file_source_is_not_converted(converted, place):
    converted.model["source"] = {"file": "x"}
    place.write({"flux": converted.model})
    fails(place.lock(), 65, "manifest.convert")


def test_a_lock_with_two_outputs(converted, place):
    converted.locked()

    def change(lock):
        files = lock["models"]["flux"]["files"]
        files.append({**files[0], "path": "flux/other.gguf"})
    place.edit_lock(change)
    fails(place.fetch(), 65, "lock.convert")


def test_schemas(converted, place):
    jsonschema = pytest.importorskip("jsonschema")
    converted.locked()
    for name, document in (("manifest", json.loads(place.manifest.read_text())), ("lock", place.lock_json)):
        schema = json.loads((ROOT / f"manifests/schema/bake.{name}-1.schema.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(document)
