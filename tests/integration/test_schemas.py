# SPDX-License-Identifier: Apache-2.0
"""The JSON Schemas and the readers say the same: of what is shipped, of what is wrong, of what is
unusual but right. No network is used."""
import base64
import copy
import json
import subprocess
import sys

import jsonschema
import pytest

from conftest import ROOT, ok, run

MANIFESTS = ROOT / "manifests"
KINDS = ("manifest", "lock", "index")
SCHEMAS = {kind: json.loads((MANIFESTS / f"schema/bake.{kind}-1.schema.json").read_text())
           for kind in KINDS}

SHIPPED_LOCKS = sorted(MANIFESTS.glob("*.lock.json"))
SHIPPED_MANIFESTS = sorted(set(MANIFESTS.glob("*.json")) - set(SHIPPED_LOCKS))

HEX = "35470dd78dc6544b5d0a9e525b9e347100dd39d0e8bdca9af6ff96ed54c61a88"
SRI = "sha256-" + base64.b64encode(bytes.fromhex(HEX)).decode()
COMMIT = "ac7f9318f633fc4b5778c59367c8128225f1e3de"
DROP = object()

# The file of the manifest and the file of the lock that rows change.
PIN = "models/demo-chat/files/0"
FILE = "models/m/files/0"


def schema_errors(kind, document):
    validator = jsonschema.Draft202012Validator(SCHEMAS[kind])
    return [f"/{'/'.join(map(str, error.path))}: {error.message:.300}"
            for error in validator.iter_errors(document)]


def read(kind, path, scratch):
    """What our reader of that kind of document says of a file."""
    if kind == "manifest":
        return run("bake-lock", "--check", path)
    if kind == "lock":
        return run("bake-fetch", "-l", path, "--dry-run", "-d", scratch / "models")
    return run("bake-index", "show", "--index", path)


def accepted(kind, result):
    """A manifest need not have a lock, a lock need not fit the disk: both were read."""
    if result.code == 0:
        return True
    ids = [name for name, _ in result.errors]
    return (kind == "manifest" and result.code == 78 and ids in (["lock.missing"], ["lock.stale"])
            ) or (kind == "lock" and ids == ["disk.space"])


def changed(document, edits):
    """A copy with each (pointer, value) put in; DROP takes the member away. The pointer is a
    tuple or its parts with slashes between them, and "" is the whole document."""
    document = copy.deepcopy(document)
    for pointer, value in edits:
        parts = pointer if isinstance(pointer, tuple) else tuple(pointer.split("/"))
        if parts == ("",):
            document = value
            continue
        at = document
        for part in parts[:-1]:
            at = at[int(part) if isinstance(at, list) else part]
        last = int(parts[-1]) if isinstance(at, list) else parts[-1]
        if value is DROP:
            del at[last]
        else:
            at[last] = value
    return document


def hub(**fields):
    return {"source": {"hub": "org/name"}, **fields}


def url(location, **fields):
    return {"source": {"url": location}, **fields}


def base_manifest():
    """The demo, with a file named and pinned, and with a model from a repository."""
    document = json.loads((MANIFESTS / "demo.json").read_text())
    return changed(document, [
        ("models/demo-chat/source", {"file": "demo"}),
        ("models/demo-chat/files", [{"name": "demo-chat-Q8_0.gguf", "size": 17024, "sha256": HEX}]),
        ("models/m", hub(path="m", aliases=["another name"])),
    ])


def base_lock():
    document = json.loads((MANIFESTS / "demo.lock.json").read_text())
    entry = {"path": "m/a.bin", "name": "a.bin", "size": 5, "sha256": "ab" * 32,
             "git_sha1": "cd" * 20}
    return changed(document, [("models/m", {
        "source": {"hub": "org/name", "revision": "main", "commit": COMMIT},
        "spec_sha256": "ef" * 32, "layer": 3, "required": False, "files": [entry]}),
        ("unlocked", {"later": {"layer": 2, "required": False, "was": {
            "hub": "org/later", "revision": "main", "commit": COMMIT}}})])


@pytest.fixture(scope="module")
def index_path(tmp_path_factory):
    models = tmp_path_factory.mktemp("index") / "models"
    ok(run("bake-fetch", "-l", MANIFESTS / "demo.lock.json", "-d", models))
    ok(run("bake-index", "build", "-l", MANIFESTS / "demo.lock.json", "-d", models))
    return models / "model-info.json"


@pytest.fixture
def base(index_path):
    return {"manifest": base_manifest, "lock": base_lock,
            "index": lambda: json.loads(index_path.read_text())}


# What is shipped.


@pytest.mark.parametrize("kind", KINDS)
def test_schema_is_a_schema(kind):
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[kind])


@pytest.mark.parametrize("path", SHIPPED_MANIFESTS, ids=lambda path: path.name)
def test_shipped_manifest(path, tmp_path):
    assert schema_errors("manifest", json.loads(path.read_text())) == []
    result = read("manifest", path, tmp_path)
    assert accepted("manifest", result), result


@pytest.mark.parametrize("path", SHIPPED_LOCKS, ids=lambda path: path.name)
def test_shipped_lock(path, tmp_path):
    assert schema_errors("lock", json.loads(path.read_text())) == []
    result = read("lock", path, tmp_path)
    assert accepted("lock", result), result


def test_index_of_the_demo(index_path, tmp_path):
    document = json.loads(index_path.read_text())
    assert schema_errors("index", document) == []
    ok(read("index", index_path, tmp_path))


def test_index_with_models_that_are_missing(tmp_path):
    """What is not baked has fewer fields; the schema knows them as well."""
    models = tmp_path / "models"
    ok(run("bake-fetch", "-l", MANIFESTS / "demo.lock.json", "-d", models, "demo-chat"))
    ok(run("bake-index", "build", "-l", MANIFESTS / "demo.lock.json", "-d", models))
    document = json.loads((models / "model-info.json").read_text())
    assert document["totals"]["missing"] == 2 and document["default_rank"] is None
    assert schema_errors("index", document) == []
    ok(read("index", models / "model-info.json", tmp_path))


@pytest.mark.parametrize("layer", (1, 2, 3, 4))
def test_slice_of_the_demo_lock(layer, tmp_path):
    result = ok(run("bake-lock", "--slice", layer, MANIFESTS / "demo.lock.json"))
    assert schema_errors("lock", result.json) == []
    path = tmp_path / "demo.lock.json"
    path.write_text(result.out)
    ok(read("lock", path, tmp_path / "none"))


@pytest.mark.parametrize("path", SHIPPED_MANIFESTS, ids=lambda path: path.name)
def test_no_two_named_files_have_one_place(path):
    places = [f"{model['path']}/{entry.get('save_as', entry['name'])}".lower()
              for model in json.loads(path.read_text())["models"].values()
              for entry in model.get("files", [])]
    assert len(set(places)) == len(places), sorted(places)


def test_generator_makes_the_committed_files(tmp_path):
    subprocess.run([sys.executable, "-B", MANIFESTS / "demo/generate.py", tmp_path], check=True)
    assert contents(tmp_path) == contents(MANIFESTS / "demo")


def contents(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*")
            if path.is_file() and path.name != "generate.py" and path.suffix != ".pyc"}


def test_demo_lock_answers_its_manifest():
    ok(run("bake-lock", "--check", MANIFESTS / "demo.json"))


# Every field of a schema is one that the reader knows, and is explained.

OBJECTS = {
    "manifest": {
        "": "", "model": "models/demo-chat", "source": "models/demo-chat/source",
        "variant": "models/demo-nunchaku-r32-4steps/variant", "file": PIN,
        "selection": "selection/demo-image-edit",
    },
    "lock": {
        "": "", "model": "models/demo-chat", "source": "models/demo-chat/source",
        "file": "models/demo-chat/files/0", "unlocked": "unlocked/later",
    },
}


def properties(kind, name):
    schema = SCHEMAS[kind]["$defs"][name] if name else SCHEMAS[kind]
    return schema["properties"]


FIELDS = [(kind, name, field) for kind, objects in OBJECTS.items() for name in objects
          for field in properties(kind, name)]


@pytest.mark.parametrize("kind, name, field", FIELDS, ids=lambda value: value or "document")
def test_reader_knows_the_field(kind, name, field, base, tmp_path):
    place = OBJECTS[kind][name]
    pointer = f"{place}/{field}" if place else field
    document = changed(base[kind](), [(pointer, None)])
    assert schema_errors(kind, document)
    path = tmp_path / "test.json"
    path.write_text(json.dumps(document))
    result = read(kind, path, tmp_path)
    assert result.code == 65 and [error for error, _ in result.errors] == ["json.type"], result


def undescribed(schema, known, place=""):
    """Fields that say nothing of themselves and refer to nothing that does."""
    for name, field in schema.get("properties", {}).items():
        target = known.get(field.get("$ref", "").removeprefix("#/$defs/"), {})
        if not field.get("description") and not target.get("description"):
            yield f"{place}/{name}"
        yield from undescribed(field, known, f"{place}/{name}")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from undescribed(schema["additionalProperties"], known, f"{place}/*")
    for name, definition in schema.get("$defs", {}).items():
        yield from undescribed(definition, known, f"{place}/$defs/{name}")


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_described(kind):
    assert list(undescribed(SCHEMAS[kind], SCHEMAS[kind]["$defs"])) == []


# What is wrong: {what: (id of the reader's error, edits)}.

DEEP = "/".join(["d"] * 65)

BAD_MANIFESTS = {
    "a setting that the index computes":
        ("json.name", [("selection/demo-image-edit/config/default_steps", 4)]),
    "the document is an array": ("json.type", [("", [])]),
    "the document is a string": ("json.syntax", [("", "bake.manifest/1")]),
    "no schema": ("json.missing-field", [("schema", DROP)]),
    "the schema of a lock": ("schema.name", [("schema", "bake.lock/1")]),
    "a schema without a version": ("schema.name", [("schema", "bake.manifest")]),
    "a schema that is a number": ("json.type", [("schema", 1)]),
    "no name": ("json.missing-field", [("name", DROP)]),
    "a name with a blank": ("json.name", [("name", "a b")]),
    "a name with a slash": ("json.name", [("name", "a/b")]),
    "an empty name": ("json.text", [("name", "")]),
    "null for a string": ("json.type", [("title", None)]),
    "a number for a string": ("json.type", [("title", 3)]),
    "an empty title": ("json.text", [("title", "")]),
    "a title of two lines": ("json.text", [("title", "a\nb")]),
    "a title with a line's end": ("json.text", [("title", "a\n")]),
    "a title with an escape character": ("json.text", [("title", "\x1b[31mred")]),
    "a title with DEL": ("json.text", [("title", "a\x7f")]),
    "a title with a C1 control": ("json.text", [("title", "a\x9b31m")]),
    "a title with a direction override": ("json.text", [("title", "a\u202eb")]),
    "a title with a zero-width space": ("json.text", [("title", "a\u200bb")]),
    "a title with a byte order mark": ("json.text", [("title", "\ufeffa")]),
    "a title that is too long": ("json.text", [("title", "a" * 1025)]),
    "an unknown field": ("json.unknown-field", [("modles", {})]),
    "an unknown field of a model": ("json.unknown-field", [("models/m/pathh", "m")]),
    "an unknown field of a source": ("json.unknown-field", [("models/m/source/branch", "main")]),
    "an unknown field of a file": ("json.unknown-field", [(PIN + "/md5", "0")]),
    "an unknown field of a variant": ("json.unknown-field", [("models/m/variant", {"bits": 4})]),
    "an unknown field of a selection":
        ("json.unknown-field", [("selection/demo-image-edit/steps", [8])]),
    "x without a dash": ("json.unknown-field", [("xnote", "mine")]),
    "an upper-case X": ("json.unknown-field", [("X-note", "mine")]),
    "no models": ("json.missing-field", [("models", DROP)]),
    "empty models":
        ("manifest.models", [("models", {}), ("profiles", DROP), ("selection", DROP)]),
    "models in an array": ("json.type", [("models", [])]),
    "a model that is a string": ("json.type", [("models/m", "org/name")]),
    "an empty id": ("json.name", [(("models", ""), hub())]),
    "an id with a blank": ("json.name", [(("models", "a b"), hub())]),
    "an id with a slash": ("json.name", [(("models", "a/b"), hub())]),
    "an id that begins with a dash": ("json.name", [(("models", "-a"), hub())]),
    "an id that begins with a dot": ("json.name", [(("models", ".a"), hub())]),
    "an id with an umlaut": ("json.name", [(("models", "\u00e4"), hub())]),
    "an id with a line's end": ("json.name", [(("models", "a\n"), hub())]),
    "an id that is too long": ("json.name", [(("models", "a" * 129), hub())]),
    "a note in the place of a model": ("json.type", [("models/x-note", "mine")]),
    "no source": ("json.missing-field", [("models/m/source", DROP)]),
    "a source that is a string": ("json.type", [("models/m/source", "org/name")]),
    "a source of nothing": ("manifest.source", [("models/m/source", {})]),
    "both hub and url": ("manifest.source", [("models/m/source/url", "https://host/a")]),
    "both hub and file": ("manifest.source", [("models/m/source/file", "a")]),
    "a revision of a file": ("manifest.source", [("models/demo-chat/source/revision", "main")]),
    "a revision of a url":
        ("manifest.source", [("models/m/source", {"url": "https://host/a", "revision": "1"})]),
    "an empty revision": ("json.text", [("models/m/source/revision", "")]),
    "a revision that is too long": ("json.text", [("models/m/source/revision", "a" * 256)]),
    "a commit, which is a lock's": ("json.unknown-field", [("models/m/source/commit", COMMIT)]),
    "a repository that is a URL":
        ("hub.repository", [("models/m/source/hub", "https://host/org/name")]),
    "a repository with two slashes": ("hub.repository", [("models/m/source/hub", "a/b/c")]),
    "a repository without a name": ("hub.repository", [("models/m/source/hub", "org/")]),
    "a repository without an organisation": ("hub.repository", [("models/m/source/hub", "/name")]),
    "a repository that climbs": ("hub.repository", [("models/m/source/hub", "org/a..b")]),
    "a repository that begins with a dot": ("hub.repository", [("models/m/source/hub", ".org/a")]),
    "a repository with a blank": ("hub.repository", [("models/m/source/hub", "org/a b")]),
    "a repository that is too long": ("hub.repository", [("models/m/source/hub", "a" * 201)]),
    "a url of ftp": ("url.format", [("models/m", url("ftp://host/a"))]),
    "a url with an upper-case scheme": ("url.format", [("models/m", url("HTTPS://host/a"))]),
    "a url with a blank": ("url.format", [("models/m", url("https://host/a b"))]),
    "a url with a line's end": ("json.text", [("models/m", url("https://host/a\n"))]),
    "a url that is too long": ("json.text", [("models/m", url("https://host/" + "a" * 2048))]),
    "a url with patterns": ("manifest.files", [("models/m", url("https://host/a", include=["*"]))]),
    "a base url without files": ("manifest.files", [("models/m", url("https://host/a/"))]),
    "a url of one file with two": ("manifest.files", [
        ("models/m", url("https://host/a", files=[{"name": "a"}, {"name": "b"}]))]),
    "a source file above the manifest": ("path.unsafe", [("models/demo-chat/source/file", "../a")]),
    "an absolute source file": ("path.unsafe", [("models/demo-chat/source/file", "/etc/passwd")]),
    "a mirror of ftp": ("url.format", [("models/m/mirrors", ["ftp://host/a"])]),
    "mirrors in a string": ("json.type", [("models/m/mirrors", "https://host/a")]),
    "an empty path": ("path.unsafe", [("models/m/path", "")]),
    "an absolute path": ("path.unsafe", [("models/m/path", "/models")]),
    "a path above": ("path.unsafe", [("models/m/path", "../models")]),
    "a path that climbs": ("path.unsafe", [("models/m/path", "a/../../b")]),
    "the path '.'": ("path.unsafe", [("models/m/path", ".")]),
    "a path with './'": ("path.unsafe", [("models/m/path", "a/./b")]),
    "a path with '//'": ("path.unsafe", [("models/m/path", "a//b")]),
    "a path that ends in '/'": ("path.unsafe", [("models/m/path", "a/")]),
    "a component that ends in a dot": ("path.unsafe", [("models/m/path", "a./b")]),
    "a component that ends in a blank": ("path.unsafe", [("models/m/path", "a/b ")]),
    "a path with a backslash": ("path.unsafe", [("models/m/path", "a\\b")]),
    "a path with a drive letter": ("path.unsafe", [("models/m/path", "C:/models")]),
    "a path with a control character": ("path.unsafe", [("models/m/path", "a\x01b")]),
    "a path with a line's end": ("path.unsafe", [("models/m/path", "a\n")]),
    "a path with a direction mark": ("path.unsafe", [("models/m/path", "a\u200eb")]),
    "a path with a component of 256": ("path.too-long", [("models/m/path", "a/" + "b" * 256)]),
    "a path of 65 components": ("path.unsafe", [("models/m/path", DEEP)]),
    "a path of 4096 bytes":
        ("path.too-long", [("models/m/path", "/".join(["a" * 127] * 32) + "a")]),
    "the path .bake": ("path.reserved", [("models/m/path", ".bake")]),
    "a path below .BAKE": ("path.reserved", [("models/m/path", ".BAKE/a")]),
    "the path of the index": ("path.reserved", [("models/m/path", "model-info.json")]),
    "the path of the index in other case":
        ("path.reserved", [("models/m/path", "Model-Info.JSON")]),
    "the path of the run-time index":
        ("path.reserved", [("models/m/path", "model-info.runtime.json/a")]),
    "a save_as above": ("path.unsafe", [(PIN + "/save_as", "../a")]),
    "an absolute save_as": ("path.unsafe", [(PIN + "/save_as", "/a")]),
    "an empty save_as": ("path.unsafe", [(PIN + "/save_as", "")]),
    "a file name above": ("path.unsafe", [(PIN + "/name", "../a")]),
    "a file without a name": ("json.missing-field", [(PIN + "/name", DROP)]),
    "no files in the list": ("manifest.files", [("models/demo-chat/files", [])]),
    "files in an object": ("json.type", [("models/demo-chat/files", {"name": "a"})]),
    "a file that is a string": ("json.type", [("models/demo-chat/files", ["a"])]),
    "files and include": ("manifest.files", [("models/demo-chat/include", ["*"])]),
    "files and exclude": ("manifest.files", [("models/demo-chat/exclude", ["*.txt"])]),
    "include as a string": ("json.type", [("models/m/include", "*")]),
    "an empty pattern": ("json.text", [("models/m/include", [""])]),
    "a pattern that is a number": ("json.type", [("models/m/exclude", [1])]),
    "a negative size": ("json.range", [(PIN + "/size", -1)]),
    "a size with a fraction": ("json.type", [(PIN + "/size", 17024.5)]),
    "a size of 2^53": ("json.range", [(PIN + "/size", 2 ** 53)]),
    "a size of 2^64": ("json.syntax", [(PIN + "/size", 2 ** 64)]),
    "a size in a string": ("json.type", [(PIN + "/size", "17024")]),
    "a size that is true": ("json.type", [(PIN + "/size", True)]),
    "null for a size": ("json.type", [(PIN + "/size", None)]),
    "a digest of 63 digits": ("digest.format", [(PIN + "/sha256", HEX[:63])]),
    "a digest of 65 digits": ("digest.format", [(PIN + "/sha256", HEX + "0")]),
    "a digest with a line's end": ("digest.format", [(PIN + "/sha256", HEX + "\n")]),
    "a digest with a g": ("digest.format", [(PIN + "/sha256", HEX[:63] + "g")]),
    "a digest of zeros": ("digest.format", [(PIN + "/sha256", "0" * 64)]),
    "zeros behind sha256:": ("digest.format", [(PIN + "/sha256", "sha256:" + "0" * 64)]),
    "zeros in base64":
        ("digest.format", [(PIN + "/sha256", "sha256-" + "A" * 43 + "=")]),
    "an empty digest": ("digest.format", [(PIN + "/sha256", "")]),
    "sha256: and nothing": ("digest.format", [(PIN + "/sha256", "sha256:")]),
    "an upper-case SHA256:": ("digest.format", [(PIN + "/sha256", "SHA256:" + HEX)]),
    "a digest of SHA-1": ("digest.format", [(PIN + "/sha256", COMMIT)]),
    "a digest of SHA-512":
        ("digest.format", [(PIN + "/sha256", "sha512:" + HEX * 2)]),
    "base64 without its '='": ("digest.format", [(PIN + "/sha256", SRI[:-1])]),
    "base64 with bits too many":
        ("digest.format", [(PIN + "/sha256", SRI[:-2] + "B=")]),
    "base64 for URLs": ("digest.format", [(PIN + "/sha256", "sha256-" + "-" * 43 + "=")]),
    "null for a digest": ("json.type", [(PIN + "/sha256", None)]),
    "required as a string": ("json.type", [("models/m/required", "yes")]),
    "default as a number": ("json.type", [("models/m/default", 1)]),
    "layer 0": ("json.range", [("models/m/layer", 0)]),
    "layer 5": ("json.range", [("models/m/layer", 5)]),
    "a layer in a string": ("json.type", [("models/m/layer", "2")]),
    "a priority over 1000": ("json.range", [("models/m/priority", 1001)]),
    "a negative priority": ("json.range", [("models/m/priority", -1)]),
    "memory in potatoes": ("json.size", [("models/m/min_ram", "4 potatoes")]),
    "memory without a number": ("json.size", [("models/m/min_ram", "GB")]),
    "memory with a point and no more": ("json.size", [("models/m/min_ram", "4.GB")]),
    "negative memory": ("json.size", [("models/m/min_ram", "-4GB")]),
    "memory with a line's end": ("json.size", [("models/m/min_ram", "4GB\n")]),
    "memory that is a number": ("json.type", [("models/m/min_ram", 4000000000)]),
    "a description that is too long": ("json.text", [("models/m/description", "a" * 8193)]),
    "a role that is too long": ("json.text", [("models/m/role", "a" * 129)]),
    "an empty group": ("json.text", [("models/m/group", "")]),
    "a tag that is null": ("json.type", [("models/m/tags", [None])]),
    "aliases in a string": ("json.type", [("models/m/aliases", "a")]),
    "a rank in a string": ("json.type", [("models/m/variant", {"rank": "128"})]),
    "a rank over a million": ("json.range", [("models/m/variant", {"rank": 1000001})]),
    "a negative number of steps": ("json.range", [("models/m/variant", {"steps": -8})]),
    "an empty precision": ("json.text", [("models/m/variant", {"precision": ""})]),
    "a variant that is a list": ("json.type", [("models/m/variant", ["int4", 128])]),
    "profiles in an array": ("json.type", [("profiles", ["m"])]),
    "a profile that is a string": ("json.type", [("profiles/default", "m")]),
    "a profile of numbers": ("json.type", [("profiles/default", [1])]),
    "a profile with a blank in its name": ("json.name", [(("profiles", "free tier"), ["m"])]),
    "a selection in an array": ("json.type", [("selection", [])]),
    "a selection that is null": ("json.type", [("selection/demo-image-edit", None)]),
    "ranks that are strings": ("json.type", [("selection/demo-image-edit/ranks", ["128"])]),
    "ranks that are one number": ("json.type", [("selection/demo-image-edit/ranks", 128)]),
    "a preference that is no list":
        ("json.type", [("selection/demo-image-edit/prefer", {"steps": 8})]),
    "a preference of numbers": ("json.type", [("selection/demo-image-edit/prefer", [8])]),
    "half a step": ("json.type", [("selection/demo-image-edit/max_steps", 50.5)]),
    "a setting that is null": ("json.type", [("selection/demo-image-edit/config/a", None)]),
    "a setting that is a list": ("json.type", [("selection/demo-image-edit/config/a", [1])]),
    "a setting with a fraction": ("json.type", [("selection/demo-image-edit/config/a", 0.5)]),
    "a negative setting": ("json.type", [("selection/demo-image-edit/config/a", -1)]),
    "a setting of 2^32": ("json.type", [("selection/demo-image-edit/config/a", 2 ** 32)]),
    "an empty setting": ("json.text", [("selection/demo-image-edit/config/a", "")]),
    "a setting with a blank in its name":
        ("json.name", [(("selection", "demo-image-edit", "config", "a b"), True)]),
}

BAD_LOCKS = {
    "a commit of a file source":
        ("manifest.source", [("models/demo-chat/source/commit", COMMIT)]),
    "the document is null": ("json.syntax", [("", None)]),
    "no schema": ("json.missing-field", [("schema", DROP)]),
    "the schema of a manifest": ("schema.name", [("schema", "bake.manifest/1")]),
    "no name": ("json.missing-field", [("name", DROP)]),
    "a name with a slash": ("json.name", [("name", "../demo")]),
    "no models": ("json.missing-field", [("models", DROP)]),
    "models in an array": ("json.type", [("models", [])]),
    "an id with a slash": ("json.name", [(("models", "a/b"), base_lock()["models"]["m"])]),
    "no manifest_sha256": ("json.missing-field", [("manifest_sha256", DROP)]),
    "a manifest_sha256 in upper case": ("digest.format", [("manifest_sha256", HEX.upper())]),
    "a manifest_sha256 that is null": ("json.type", [("manifest_sha256", None)]),
    "slice 0": ("json.range", [("slice", 0)]),
    "slice 5": ("json.range", [("slice", 5)]),
    "an unknown field": ("json.unknown-field", [("generated_at", "now")]),
    "an unknown field of a model": ("json.unknown-field", [("models/m/path", "m")]),
    "an unknown field of a source": ("json.unknown-field", [("models/m/source/branch", "main")]),
    "an unknown field of a file": ("json.unknown-field", [(FILE + "/md5", "0")]),
    "no source": ("json.missing-field", [("models/m/source", DROP)]),
    "both hub and url": ("manifest.source", [("models/m/source/url", "https://host/a")]),
    "neither hub nor url nor file": ("manifest.source", [("models/demo-chat/source", {})]),
    "a branch for a commit": ("pin.mutable", [("models/m/source/commit", "main")]),
    "no commit": ("pin.mutable", [("models/m/source/commit", DROP)]),
    "a short commit": ("pin.mutable", [("models/m/source/commit", COMMIT[:7])]),
    "a commit of 41 digits": ("pin.mutable", [("models/m/source/commit", COMMIT + "0")]),
    "a commit in upper case": ("pin.mutable", [("models/m/source/commit", COMMIT.upper())]),
    "a commit of zeros": ("pin.mutable", [("models/m/source/commit", "0" * 40)]),
    "a commit with a line's end": ("pin.mutable", [("models/m/source/commit", COMMIT + "\n")]),
    "a commit that is null": ("json.type", [("models/m/source/commit", None)]),
    "a revision of a file": ("manifest.source", [("models/demo-chat/source/revision", "main")]),
    "a repository that climbs": ("hub.repository", [("models/m/source/hub", "org/..")]),
    "a source file above the lock": ("path.unsafe", [("models/demo-chat/source/file", "../a")]),
    "no spec_sha256": ("json.missing-field", [("models/m/spec_sha256", DROP)]),
    "a spec_sha256 that is short": ("digest.format", [("models/m/spec_sha256", "ef" * 31)]),
    "no layer": ("json.missing-field", [("models/m/layer", DROP)]),
    "layer 0": ("json.range", [("models/m/layer", 0)]),
    "layer 5": ("json.range", [("models/m/layer", 5)]),
    "no required": ("json.missing-field", [("models/m/required", DROP)]),
    "required as a number": ("json.type", [("models/m/required", 1)]),
    "gated as a string": ("json.type", [("models/m/gated", "auto")]),
    "complete as a number": ("json.type", [("models/m/complete", 5)]),
    "default that is null": ("json.type", [("models/m/default", None)]),
    "an empty group": ("json.text", [("models/m/group", "")]),
    "aliases in a string": ("json.type", [("models/m/aliases", "a")]),
    "a mirror of ftp": ("url.format", [("models/m/mirrors", ["ftp://host/"])]),
    "a profile that is a string": ("json.type", [("profiles/default", "m")]),
    "a profile with a blank in its name": ("json.name", [(("profiles", "a b"), [])]),
    "no files": ("json.missing-field", [("models/m/files", DROP)]),
    "no files in the list": ("lock.files", [("models/m/files", [])]),
    "files in an object": ("json.type", [("models/m/files", {"a.bin": {}})]),
    "a file without a path": ("json.missing-field", [(FILE + "/path", DROP)]),
    "a file without a name": ("json.missing-field", [(FILE + "/name", DROP)]),
    "a file without a size": ("json.missing-field", [(FILE + "/size", DROP)]),
    "a file without a digest": ("pin.missing", [(FILE + "/sha256", DROP)]),
    "a path above": ("path.unsafe", [(FILE + "/path", "../a.bin")]),
    "an absolute path": ("path.unsafe", [(FILE + "/path", "/app/models/a.bin")]),
    "a path with a control character": ("path.unsafe", [(FILE + "/path", "m/\x1b[2J")]),
    "a path with a backslash": ("path.unsafe", [(FILE + "/path", "m\\a.bin")]),
    "an empty path": ("path.unsafe", [(FILE + "/path", "")]),
    "a path below .bake": ("path.reserved", [(FILE + "/path", ".bake/a.part")]),
    "the path of the index": ("path.reserved", [(FILE + "/path", "model-info.json")]),
    "a name above": ("path.unsafe", [(FILE + "/name", "a/../../b")]),
    "a negative size": ("json.range", [(FILE + "/size", -1)]),
    "a size with a fraction": ("json.type", [(FILE + "/size", 1.5)]),
    "a size of 2^53": ("json.range", [(FILE + "/size", 2 ** 53)]),
    "a size in a string": ("json.type", [(FILE + "/size", "5")]),
    "null for a size": ("json.type", [(FILE + "/size", None)]),
    "a digest of 63 digits": ("digest.format", [(FILE + "/sha256", HEX[:63])]),
    "a digest of 65 digits": ("digest.format", [(FILE + "/sha256", HEX + "0")]),
    "a digest in upper case": ("digest.format", [(FILE + "/sha256", HEX.upper())]),
    "a digest behind sha256:": ("digest.format", [(FILE + "/sha256", "sha256:" + HEX)]),
    "a digest in base64": ("digest.format", [(FILE + "/sha256", SRI)]),
    "a digest of zeros": ("digest.format", [(FILE + "/sha256", "0" * 64)]),
    "an empty digest": ("digest.format", [(FILE + "/sha256", "")]),
    "null for a digest": ("json.type", [(FILE + "/sha256", None)]),
    "a git_sha1 of 64 digits": ("digest.format", [(FILE + "/git_sha1", HEX)]),
    "a git_sha1 in upper case": ("digest.format", [(FILE + "/git_sha1", COMMIT.upper())]),
}

BAD_INDEXES = {
    "the document is an array": ("json.type", [("", [])]),
    "no schema": ("json.missing-field", [("schema", DROP)]),
    "the schema of a lock": ("schema.name", [("schema", "bake.lock/1")]),
    "no models": ("json.missing-field", [("models", DROP)]),
    "models in an object": ("json.type", [("models", {})]),
    "a model that is null": ("json.type", [("models/0", None)]),
    "a model without an id": ("json.missing-field", [("models/0/id", DROP)]),
    "an id with a slash": ("json.name", [("models/0/id", "a/b")]),
    "an id that is a number": ("json.type", [("models/0/id", 1)]),
    "an empty title": ("json.text", [("models/0/title", "")]),
    "a title with an escape character": ("json.text", [("models/0/title", "\x1b]0;x\x07")]),
    "a role that is null": ("json.type", [("models/0/role", None)]),
    "a group that is too long": ("json.text", [("models/1/group", "a" * 129)]),
    "no required": ("json.missing-field", [("models/0/required", DROP)]),
    "required as a string": ("json.type", [("models/0/required", "true")]),
    "default as a number": ("json.type", [("models/0/default", 0)]),
    "no status": ("json.missing-field", [("models/0/status", DROP)]),
    "an unknown status": ("json.value", [("models/0/status", "present")]),
    "a priority over 1000": ("json.range", [("models/0/priority", 1001)]),
    "no path": ("json.missing-field", [("models/0/path", DROP)]),
    "a path above": ("path.unsafe", [("models/0/path", "../chat")]),
    "an absolute path": ("path.unsafe", [("models/0/path", "/chat")]),
    "a reserved path": ("path.reserved", [("models/0/path", ".bake/chat")]),
    "no files": ("json.missing-field", [("models/0/files", DROP)]),
    "files in an object": ("json.type", [("models/0/files", {})]),
    "a file without a path": ("json.missing-field", [("models/0/files/0/path", DROP)]),
    "a file without a size": ("json.missing-field", [("models/0/files/0/size", DROP)]),
    "a file without a digest": ("json.missing-field", [("models/0/files/0/sha256", DROP)]),
    "a file above": ("path.unsafe", [("models/0/files/0/path", "chat/../../a")]),
    "a negative size": ("json.range", [("models/0/files/0/size", -1)]),
    "a size with a fraction": ("json.type", [("models/0/files/0/size", 0.5)]),
    "a size of 2^53": ("json.range", [("models/0/files/0/size", 2 ** 53)]),
    "a digest of 63 digits": ("digest.format", [("models/0/files/0/sha256", HEX[:63])]),
    "a digest of zeros": ("digest.format", [("models/0/files/0/sha256", "0" * 64)]),
    "a lock_sha256 that is short": ("digest.format", [("lock_sha256", HEX[:40])]),
    "a lock_sha256 that is null": ("json.type", [("lock_sha256", None)]),
    "a selection that is an array": ("json.type", [("selected", [])]),
    "a rule that is null": ("json.type", [("selected/demo-image-edit", None)]),
    "ranks that are strings": ("json.type", [("selected/demo-image-edit/ranks", ["32"])]),
    "a rank over a million": ("json.range", [("models/2/variant/rank", 1000001)]),
    "variants in an object": ("json.type", [("models/2/variants", {"path": "a"})]),
    "a variant without its file": ("json.missing-field", [("models/2/variants", [{"rank": 8}])]),
    "a variant whose file is above": ("path.unsafe", [("models/2/variants", [{"path": "../a"}])]),
    "a variant's rank in a string": ("json.type", [
        ("models/2/variants", [{"path": "a", "rank": "8"}])]),
    "a preference that is no list": ("json.type", [("selected/demo-image-edit/prefer", {})]),
}

BAD = [pytest.param(kind, error, edits, id=f"{kind}: {what}")
       for kind, table in (("manifest", BAD_MANIFESTS), ("lock", BAD_LOCKS),
                           ("index", BAD_INDEXES))
       for what, (error, edits) in table.items()]


@pytest.mark.parametrize("kind, error, edits", BAD)
def test_both_refuse(kind, error, edits, base, tmp_path):
    document = changed(base[kind](), edits)
    path = tmp_path / "test.json"
    path.write_text(json.dumps(document))
    assert schema_errors(kind, document), "the schema accepts it"
    result = read(kind, path, tmp_path)
    assert result.code == 65 and [name for name, _ in result.errors] == [error], result


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", ("2", "1.1", "", "x"))
def test_another_version_is_refused_as_such(kind, version, base, tmp_path):
    document = changed(base[kind](), [("schema", f"bake.{kind}/{version}")])
    path = tmp_path / "test.json"
    path.write_text(json.dumps(document))
    assert schema_errors(kind, document)
    result = read(kind, path, tmp_path)
    assert result.code == 78 and [name for name, _ in result.errors] == ["schema.version"], result


# What is unusual and right.

NOTE = {"anything": [1.5, None, {"at": "all"}]}

GOOD_MANIFESTS = {
    "as it is": [],
    "fields of one's own": [("x-a", NOTE), ("x-", 1)],
    "a model's own field": [("models/m/x-note", NOTE)],
    "a source's own field": [("models/m/source/x-note", NOTE)],
    "a file's own field": [(PIN + "/x-note", NOTE)],
    "a variant's own field": [("models/m/variant", {"x-note": NOTE})],
    "a selection's own field": [("selection/demo-image-edit/x-note", NOTE)],
    "a preference's own field": [("selection/demo-image-edit/prefer", [{"x-note": NOTE}])],
    "a digest in upper case": [(PIN + "/sha256", HEX.upper())],
    "a digest in mixed case": [(PIN + "/sha256", HEX[:32] + HEX[32:].upper())],
    "a digest behind sha256:": [(PIN + "/sha256", "sha256:" + HEX)],
    "a digest in upper case behind sha256:":
        [(PIN + "/sha256", "sha256:" + HEX.upper())],
    "a digest in base64": [(PIN + "/sha256", SRI)],
    "no pins": [(PIN + "/size", DROP), (PIN + "/sha256", DROP)],
    "a size of 0": [(PIN + "/size", 0)],
    "a size of 2^53 - 1": [(PIN + "/size", 2 ** 53 - 1)],
    "no title": [("title", DROP)],
    "a title of 1024": [("title", "a" * 1024)],
    "a title with quotes, umlauts and more":
        [("title", "\"Z\u00fcrich\" \\ \u6f22\u5b57 \U0001f600")],
    "no profiles and no selection": [("profiles", DROP), ("selection", DROP)],
    "an empty profile": [("profiles/none", [])],
    "a profile by alias": [("profiles/other", ["another name"])],
    "a profile named like a field of one's own": [("profiles/x-large", ["m"])],
    "a model named like a field of one's own": [("models/x-large", hub())],
    "an id of 128": [(("models", "a" * 128), hub())],
    "a branch for a revision": [("models/m/source/revision", "refs/pr/1")],
    "a commit for a revision": [("models/m/source/revision", COMMIT)],
    "a repository without an organisation": [("models/m/source/hub", "gpt2")],
    "a repository of 200": [("models/m/source/hub", "a" * 99 + "/" + "b" * 100)],
    "include and exclude":
        [("models/m/include", ["*.gguf", "[!a]?"]), ("models/m/exclude", ["a/"])],
    "files beside empty patterns":
        [("models/demo-chat/include", []), ("models/demo-chat/exclude", [])],
    "a url": [("models/m", url("https://host/a.gguf"))],
    "a url of http": [("models/m", url("http://host:8080/a.gguf?x=1"))],
    "a url with its file": [("models/m", url("https://host/a", files=[{"name": "a"}]))],
    "a base url with files": [
        ("models/m", url("https://host/a/", files=[{"name": "a"}, {"name": "b/c"}]))],
    "a url with empty patterns": [("models/m", url("https://host/a", include=[], exclude=[]))],
    "mirrors": [("models/m/mirrors", ["https://a/x", "http://b/y"])],
    "no mirrors": [("models/m/mirrors", [])],
    "no path": [("models/m/path", DROP)],
    "a path with blanks and umlauts": [("models/m/path", "a b/\u00fc.c/.hidden/..d")],
    "a path of 64 components": [("models/m/path", DEEP[2:])],
    "a component of 255": [("models/m/path", "a" * 255)],
    "a path of 4095": [("models/m/path", "/".join(["a" * 127] * 32))],
    "a reserved name further down": [("models/m/path", "a/model-info.json")],
    "a name that begins like a reserved one": [("models/m/path", ".baked/model-info.json5")],
    "a save_as": [(PIN + "/save_as", "a/b.gguf")],
    "a save_as of a reserved name": [(PIN + "/save_as", "model-info.json")],
    "every layer":
        [(f"models/l{layer}", hub(path=f"l{layer}", layer=layer)) for layer in (1, 2, 3, 4)],
    "the least and the largest priority":
        [("models/m/priority", 0), ("models/demo-chat/priority", 1000)],
    "memory in bytes": [("models/m/min_ram", "4000000000")],
    "memory in GiB": [("models/m/min_ram", "1.5 GiB")],
    "memory in lower case": [("models/m/min_ram", "512mb")],
    "memory in G": [("models/m/min_ram", "4G")],
    "not required, default": [("models/m/required", False), ("models/m/default", True)],
    "another model's configuration": [("models/m/support", "demo-chat")],
    "an alias with blanks": [("models/m/aliases", ["SDXL Base", "sdxl_base"])],
    "a group with a blank": [("models/m/group", "a b"), (("selection", "a b"), {})],
    "an empty variant": [("models/m/variant", {})],
    "rank 0 and a million steps": [("models/m/variant", {"rank": 0, "steps": 1000000})],
    "an empty selection": [("selection/demo-image-edit", {})],
    "settings of every kind": [("selection/demo-image-edit/config", {
        "a": True, "b": False, "c": 0, "d": 2 ** 32 - 1, "e": "text", "x-f": "too"})],
}

GOOD_LOCKS = {
    "as it is": [],
    "fields of one's own": [("x-a", NOTE)],
    "a model's own field": [("models/m/x-note", NOTE)],
    "a source's own field": [("models/m/source/x-note", NOTE)],
    "a file's own field": [(FILE + "/x-note", NOTE)],
    "no revision": [("models/m/source/revision", DROP)],
    "no git_sha1": [(FILE + "/git_sha1", DROP)],
    "an empty file": [(FILE + "/size", 0)],
    "a size of 2^52": [(FILE + "/size", 2 ** 52)],
    "a slice without the manifest's digest": [("slice", 3), ("manifest_sha256", DROP)],
    "a slice with the manifest's digest": [("slice", 3)],
    "a slice without models":
        [("slice", 4), ("manifest_sha256", DROP), ("models", {}), ("profiles/default", [])],
    "no profiles": [("profiles", DROP)],
    "everything that may be said": [
        ("models/m/group", "g"), ("models/m/aliases", ["a b"]), ("models/m/gated", True),
        ("models/m/complete", True), ("models/m/default", True),
        ("models/m/mirrors", ["https://host/"])],
    "a url": [("models/m/source", {"url": "https://host/a.bin"})],
    "a name with blanks and umlauts": [(FILE + "/name", "a b/\u00fc.bin")],
    "a name that is reserved here": [(FILE + "/name", "model-info.json")],
}

GOOD_INDEXES = {
    "a newer field of a variant": [("models/2/variant/bits", 4)],
    "variants of a newer kind": [
        ("models/2/files/0/path", "a/b"),
        ("models/2/variants", [{"path": "a/b", "precision": "int4", "rank": 128, "new": 1}])],
    "a newer field of a preference": [("selected/demo-image-edit/prefer/0/bits", 4)],
    "as it is": [],
    "a field of a newer minor version": [("new", NOTE)],
    "a newer field of a model": [("models/0/acoustics", NOTE)],
    "a newer field of an architecture": [("models/0/architecture/acoustics", NOTE)],
    "a newer field of a file": [("models/0/files/0/mode", "0644")],
    "a newer field of a rule": [("selected/demo-image-edit/weights", [1])],
    "a newer field of a source": [("models/0/source/etag", "x")],
    "a newer field of the totals": [("totals/layers", 3)],
    "a missing model": [("models/0/status", "missing")],
    "a missing model without files": [("models/0/status", "missing"), ("models/0/files", []),
                                      ("models/0/bytes", 0), ("models/0/aggregate_sha256", DROP)],
    "nothing chosen": [
        ("selected/demo-image-edit/model", None), ("selected/demo-image-edit/path", DROP),
        ("default_rank", None), ("default_steps", None)],
    "no models": [("models", []), ("selected", {})],
    "no version": [("model_version", "")],
    "a model of a repository": [
        ("models/0/source", {"hub": "org/name", "revision": "main", "commit": COMMIT}),
        ("models/0/gated", True)],
    "a model with a rank and no steps": [("models/2/variant", {"precision": "int4", "rank": 128})],
    "a priority": [("models/0/priority", 1)],
}

GOOD = [pytest.param(kind, edits, id=f"{kind}: {what}")
        for kind, table in (("manifest", GOOD_MANIFESTS), ("lock", GOOD_LOCKS),
                            ("index", GOOD_INDEXES))
        for what, edits in table.items()]


@pytest.mark.parametrize("kind, edits", GOOD)
def test_both_accept(kind, edits, base, tmp_path):
    document = changed(base[kind](), edits)
    path = tmp_path / "test.json"
    path.write_text(json.dumps(document))
    assert schema_errors(kind, document) == []
    result = read(kind, path, tmp_path)
    assert accepted(kind, result), result


# What no schema can say: the readers refuse it all the same.

READERS_ONLY = {
    "manifest: memory of 2^53 bytes and more":
        (65, "json.size", [("models/m/min_ram", "18000000TB")]),
    "manifest: a size of 1.0": (65, "json.type", [(PIN + "/size", 1.0)]),
    "manifest: memory beyond 2^64": (65, "json.size", [("models/m/min_ram", "99999999999TB")]),
    "manifest: a title of 1024 characters and more bytes":
        (65, "json.text", [("title", "\u00fc" * 1024)]),
    "manifest: an alias that is another's id":
        (65, "manifest.duplicate-name", [("models/m/aliases", ["demo-chat"])]),
    "manifest: one alias twice":
        (65, "manifest.duplicate-name", [("models/m/aliases", ["a", "a"])]),
    "manifest: a profile of an unknown model":
        (65, "manifest.unknown-model", [("profiles/default", ["demo-chta"])]),
    "manifest: a support that is not there":
        (65, "manifest.unknown-model", [("models/m/support", "nobody")]),
    "manifest: a model that supports itself":
        (65, "manifest.unknown-model", [("models/m/support", "m")]),
    "manifest: a selection of an unknown group":
        (65, "manifest.unknown-group", [("selection/nobody", {})]),
    "manifest: a variant that is not its file's": (65, "manifest.variant", [("models/m", hub(
        files=[{"name": "svdq-int4_r128-a.safetensors"}], variant={"rank": 32}))]),
    "manifest: a note nested too deep":
        (65, "json.depth", [("x-note", json.loads("[" * 32 + "]" * 32))]),
    "manifest: a note with a NUL": (65, "json.syntax", [("x-note", "a\0b")]),
    "manifest: two files at one path": (65, "path.collision", [("models/m", hub(
        files=[{"name": "a"}, {"name": "b", "save_as": "a"}]))]),
    "manifest: paths that differ by case": (65, "path.collision", [
        ("models/m", hub(path="Dir")), ("models/n", hub(path="dir"))]),
    "lock: a model with pins and without": (65, "manifest.duplicate-name", [
        ("unlocked/m", {"layer": 1, "required": True})]),
    "lock: an alias of what has no pins": (65, "manifest.duplicate-name", [
        ("unlocked/later/aliases", ["m"])]),
    "lock: what is required has no pins, and all is wanted": (78, "lock.partial", [
        ("unlocked/later/required", True), ("profiles", DROP)]),
    "lock: a size of 5.0": (65, "json.type", [(FILE + "/size", 5.0)]),
    "lock: one path with two contents":
        (78, "pin.conflict", [(FILE + "/path", "chat/demo-chat-Q8_0.gguf")]),
    "lock: one digest with two sizes": (78, "pin.conflict", [(FILE + "/sha256", HEX)]),
    "lock: a file that is another's directory":
        (65, "path.collision", [(FILE + "/path", "chat")]),
    "lock: paths that differ by case": (65, "path.collision", [(FILE + "/path", "Chat/a.bin")]),
    "lock: a profile of an unknown model": (78, "lock.stale", [("profiles/default", ["nobody"])]),
    "index: a size of 1.0": (65, "json.type", [("models/0/files/0/size", 1.0)]),
}


@pytest.mark.parametrize("what", READERS_ONLY)
def test_readers_alone_refuse(what, base, tmp_path):
    kind = what.partition(":")[0]
    code, error, edits = READERS_ONLY[what]
    document = changed(base[kind](), edits)
    path = tmp_path / "test.json"
    path.write_text(json.dumps(document))
    assert schema_errors(kind, document) == []
    result = read(kind, path, tmp_path)
    assert result.code == code and [name for name, _ in result.errors] == [error], result
