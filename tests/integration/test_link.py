# SPDX-License-Identifier: Apache-2.0
"""The tree of links: what goes where, what is never touched, and that it can be done again."""
import json
import os
import pathlib

import jsonschema
import pytest

from conftest import ROOT, fails, ok, run

DIGEST = "ab" * 32


def model(name, files, category=None, role=None, **more):
    """An index's entry; files: paths below the models directory."""
    entry = {"id": name, "title": name, "format": "safetensors", "required": True,
             "status": "baked", "path": files[0] if len(files) == 1 else files[0].split("/")[0],
             "bytes": len(files), "aggregate_sha256": DIGEST,
             "source": {"hub": f"org/{name}", "commit": "ab" * 20},
             "files": [{"path": path, "size": 1, "sha256": DIGEST} for path in files], **more}
    if category:
        entry["category"] = category
    if role:
        entry["role"] = role
    return entry


class Tree:
    def __init__(self, tmp_path):
        self.models, self.to = tmp_path / "models", tmp_path / "ComfyUI"
        self.models.mkdir()
        self.to.mkdir()

    def have(self, *models, on_disk=True):
        index = {"schema": "bake.index/1", "generator": "test", "generated_at": 0,
                 "manifest": {"name": "test", "sha256": DIGEST}, "lock_sha256": DIGEST,
                 "totals": {"models": len(models)}, "models": sorted(models, key=lambda m: m["id"])}
        (self.models / "model-info.json").write_text(json.dumps(index))
        for entry in models if on_disk else []:
            for file in entry["files"]:
                path = self.models / file["path"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"x")

    def run(self, *args):
        return run("bake-link", "-d", self.models, "--to", self.to, *args)

    def json(self, *args):
        result = self.run("--json", *args)
        return result, json.loads(result.out)

    def links(self):
        """Every link below ComfyUI: its path, and its text."""
        found = {}
        for directory, names, files in os.walk(self.to):
            for name in names + files:
                path = pathlib.Path(directory, name)
                if path.is_symlink():
                    found[str(path.relative_to(self.to))] = os.readlink(path)
        return found


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


PLACES = [
    ("checkpoints", None, "models/checkpoints"), ("vae", None, "models/vae"),
    ("unet", None, "models/diffusion_models"), ("diffusion_models", None, "models/diffusion_models"),
    ("loras", None, "models/loras"), ("controlnet", None, "models/controlnet"),
    ("upscalers", None, "models/upscale_models"), ("embeddings", None, "models/embeddings"),
    ("clip", None, "models/text_encoders"), ("text_encoders", None, "models/text_encoders"),
    ("ipadapter", None, "models/ipadapter"), ("clip_vision", None, "models/clip_vision"),
    ("motion", None, "models/animatediff_models"), (None, "vae", "models/vae"),
    ("checkpoints", "transformer", "models/diffusion_models"),
    ("ipadapter", "clip-vision", "models/clip_vision"), ("Text-Encoders", None, "models/text_encoders"),
]


@pytest.mark.parametrize("category, role, place", PLACES)
def test_every_kind_has_its_place(tree, category, role, place):
    tree.have(model("m", ["m/some.safetensors"], category, role))
    ok(tree.run())
    assert tree.links() == {f"{place}/some.safetensors": str(tree.models / "m/some.safetensors")}
    assert (tree.to / place / "some.safetensors").read_bytes() == b"x"


def test_the_catalogs_kinds_have_a_place_or_are_told(tree):
    """Each category and role that the shipped manifests use."""
    kinds = set()
    for path in (ROOT / "manifests").glob("*.json"):
        for entry in json.loads(path.read_text()).get("models", {}).values() \
                if "lock" not in path.name else []:
            kinds.add((entry.get("category"), entry.get("role")))
    entries = [model(f"m{i}", [f"m{i}/f{i}.safetensors"], *kind)
               for i, kind in enumerate(sorted(kinds, key=str))]
    tree.have(*entries)
    report = tree.json()[1]
    assert len(report["links"]) + len(report["skipped"]) == len(entries) > 10
    told = {skipped["model"] for skipped in report["skipped"]}
    assert {entry.get("category") for entry in entries if entry["id"] in told} <= \
        {"chat", "code", "embedding", "vision-language", None}


def test_again_changes_nothing(tree):
    tree.have(model("a", ["a/a.safetensors"], "vae"), model("b", ["b/b.gguf"], "unet"))
    assert "2 linked" in ok(tree.run()).out
    before = {path: os.lstat(tree.to / path).st_ino for path in tree.links()}
    assert ok(tree.run()).out == "2 kept\n"
    assert {path: os.lstat(tree.to / path).st_ino for path in tree.links()} == before
    ok(tree.run("--check"))


def test_relative_links_survive_a_move(tree, tmp_path):
    tree.have(model("a", ["deep/er/a.safetensors"], "vae"))
    ok(tree.run("-r"))
    assert tree.links() == {"models/vae/a.safetensors": "../../../models/deep/er/a.safetensors"}
    (tmp_path / "moved").mkdir()
    tree.to.rename(tmp_path / "moved/ComfyUI")
    tree.models.rename(tmp_path / "moved/models")
    assert (tmp_path / "moved/ComfyUI/models/vae/a.safetensors").read_bytes() == b"x"


def test_from_one_form_to_the_other(tree):
    tree.have(model("a", ["a/a.safetensors"], "vae"))
    ok(tree.run())
    assert "1 replaced" in ok(tree.run("--relative")).out
    assert tree.links() == {"models/vae/a.safetensors": "../../../models/a/a.safetensors"}
    assert sorted(os.listdir(tree.to / "models/vae")) == ["a.safetensors"]


def test_relative_links_through_a_link(tree, tmp_path):
    """models is a link to a volume elsewhere: what counts is where the links really are."""
    (tmp_path / "volume/at/depth").mkdir(parents=True)
    (tree.to / "models").symlink_to(tmp_path / "volume/at/depth")
    tree.have(model("a", ["a/a.safetensors"], "vae"))
    ok(tree.run("-r"))
    assert (tree.to / "models/vae/a.safetensors").read_bytes() == b"x"
    assert os.readlink(tmp_path / "volume/at/depth/vae/a.safetensors") == \
        "../../../../models/a/a.safetensors"
    ok(tree.run("-r", "--check"))


CONFLICTS = {
    "file": (lambda path: path.write_bytes(b"mine"), "a regular file"),
    "directory": (lambda path: path.mkdir(), "a directory"),
    "elsewhere": (lambda path: path.symlink_to("/etc/hostname"), "a link to '/etc/hostname'"),
    "dangling": (lambda path: path.symlink_to("/nowhere/at/all"), "a link to '/nowhere/at/all'"),
    "loop": (lambda path: path.symlink_to(path.name), "a link to 'a.safetensors'"),
    "fifo": (lambda path: os.mkfifo(path), "no regular file"),
}


def identity(path):
    """Everything but when it was last looked at."""
    found = os.lstat(path)
    return found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@pytest.mark.parametrize("kind", CONFLICTS)
def test_what_is_not_ours_is_never_touched(tree, kind):
    make, said = CONFLICTS[kind]
    path = tree.to / "models/vae/a.safetensors"
    path.parent.mkdir(parents=True)
    make(path)
    before = identity(path)
    tree.have(model("a", ["a/a.safetensors"], "vae"), model("b", ["b/b.safetensors"], "vae"))
    result = fails(tree.run(), 73, "link.conflict")
    assert "models/vae/a.safetensors" in result.err and said in result.err
    assert identity(path) == before
    assert (tree.to / "models/vae/b.safetensors").is_symlink()  # the others are done
    fails(tree.run("--check"), 73, "link.conflict")
    ok(tree.run("--remove"))
    assert identity(path) == before


@pytest.mark.parametrize("kind, replaced", [("elsewhere", True), ("dangling", True), ("loop", True),
                                            ("file", False), ("directory", False)])
def test_force_replaces_links_only(tree, kind, replaced):
    path = tree.to / "models/vae/a.safetensors"
    path.parent.mkdir(parents=True)
    CONFLICTS[kind][0](path)
    tree.have(model("a", ["a/a.safetensors"], "vae"))
    result = tree.run("--force")
    assert (result.code == 0) == replaced
    assert path.is_symlink() == replaced


def test_all_conflicts_are_listed_at_once(tree):
    names = [f"n{i}" for i in range(30)]
    for name in names:
        path = tree.to / f"models/vae/{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"mine")
    tree.have(*[model(name, [f"{name}/{name}.safetensors"], "vae") for name in names])
    result = fails(tree.run(), 73, "link.conflict")
    assert "30 in the way" in result.err and result.out.count("conflict  ") == 30
    report = tree.json()[1]
    assert [link["state"] for link in report["links"]] == ["conflict"] * 30
    assert report["error"] == "link.conflict" and report["exit_code"] == 73


def test_a_directory_that_is_a_link_into_the_models_is_a_conflict(tree):
    """As the tool before this one made them: nothing is written into the models."""
    (tree.to / "models").mkdir()
    (tree.models / "vae").mkdir()
    (tree.to / "models/vae").symlink_to(tree.models / "vae")
    tree.have(model("a", ["a/a.safetensors"], "vae"))
    result = fails(tree.run(), 73, "link.conflict")
    assert "is in the models directory" in result.err and os.listdir(tree.models / "vae") == []


def test_a_dangling_directory_is_a_conflict(tree):
    (tree.to / "models").mkdir()
    (tree.to / "models/vae").symlink_to("/nowhere/at/all")
    tree.have(model("a", ["a/a.safetensors"], "vae"))
    fails(tree.run(), 73, "link.conflict")
    assert os.readlink(tree.to / "models/vae") == "/nowhere/at/all"


def test_a_file_in_the_place_of_a_directory_is_a_conflict(tree):
    (tree.to / "models").write_bytes(b"mine")
    tree.have(model("a", ["a/a.safetensors"], "vae"))
    fails(tree.run(), 73, "link.conflict")
    assert (tree.to / "models").read_bytes() == b"mine"


def test_the_file_itself_may_be_there(tree):
    """A hard link, or the models directory mounted a second time."""
    tree.have(model("a", ["a/a.safetensors"], "vae"))
    (tree.to / "models/vae").mkdir(parents=True)
    os.link(tree.models / "a/a.safetensors", tree.to / "models/vae/a.safetensors")
    assert ok(tree.run()).out == "1 in-place\n"


def test_links_to_another_name_of_the_models_are_kept(tree, tmp_path):
    (tmp_path / "alias").symlink_to(tree.models)
    tree.have(model("a", ["a/a.safetensors"], "vae"))
    (tree.to / "models/vae").mkdir(parents=True)
    (tree.to / "models/vae/a.safetensors").symlink_to(tmp_path / "alias/a/a.safetensors")
    assert ok(tree.run()).out == "1 kept\n"


def test_names_that_say_nothing(tree):
    """Five ControlNets called diffusion_pytorch_model.safetensors collide nowhere."""
    names = [f"net{i}" for i in range(5)]
    tree.have(*[model(name, [f"{name}/diffusion_pytorch_model.safetensors"], "controlnet")
                for name in names])
    ok(tree.run())
    assert set(tree.links()) == \
        {f"models/controlnet/{name}/diffusion_pytorch_model.safetensors" for name in names}


def test_two_files_for_one_path(tree):
    tree.have(model("a", ["a/same.safetensors"], "vae"), model("b", ["b/same.safetensors"], "vae"))
    result = fails(tree.run(), 65, "link.collision")
    assert "models/vae/same.safetensors (a and b)" in result.err
    assert tree.links() == {}


def test_paths_that_differ_by_case(tree):
    tree.have(model("a", ["a/Same.safetensors"], "vae"), model("b", ["b/same.safetensors"], "vae"))
    fails(tree.run(), 65, "path.collision")
    assert tree.links() == {}


def test_files_that_belong_together_are_one_link(tree):
    tree.have(model("te", ["te/config.json", "te/model-00001-of-00002.safetensors",
                           "te/model-00002-of-00002.safetensors",
                           "te/model.safetensors.index.json"], "text_encoders"),
              model("pipe", ["pipe/model_index.json", "pipe/vae/x.safetensors"], "checkpoints",
                    format="diffusers"))
    ok(tree.run())
    assert tree.links() == {"models/text_encoders/te": str(tree.models / "te"),
                            "models/diffusers/pipe": str(tree.models / "pipe")}


def test_directories_on_request(tree):
    tree.have(model("a", ["a/1.safetensors", "a/2.safetensors"], "loras"))
    ok(tree.run())
    assert set(tree.links()) == {"models/loras/1.safetensors", "models/loras/2.safetensors"}
    ok(tree.run("--remove"))
    ok(tree.run("--directories"))
    assert tree.links() == {"models/loras/a": str(tree.models / "a")}


def test_a_shared_directory_is_linked_by_files(tree):
    """A directory that holds another model, too, would bring that one along."""
    tree.have(model("a", ["a/1.safetensors", "a/2.safetensors"], "loras"),
              model("b", ["a/b/3.safetensors"], "vae", path="a/b/3.safetensors"))
    ok(tree.run("--directories"))
    assert set(tree.links()) == {"models/loras/1.safetensors", "models/loras/2.safetensors",
                                 "models/vae/3.safetensors"}


def test_documents_get_no_link(tree):
    tree.have(model("a", ["a/README.md", "a/lora.safetensors", "a/preview.png"], "loras"),
              model("b", ["b/README.md"], "loras"))
    report = tree.json()[1]
    assert [link["path"] for link in report["links"]] == ["models/loras/lora.safetensors"]
    assert report["skipped"] == [{"model": "b", "why": "none of its files is weights"}]


def test_what_is_gone_is_swept(tree):
    tree.have(model("a", ["a/a.safetensors"], "vae"), model("b", ["b/b.safetensors"], "vae"))
    ok(tree.run())
    (tree.models / "b/b.safetensors").unlink()
    (tree.to / "models/vae/theirs.safetensors").symlink_to("/nowhere/at/all")
    tree.have(model("a", ["a/a.safetensors"], "vae"))
    result = fails(tree.run("--check"), 20, "link.differs")
    assert "stale" in result.out and (tree.to / "models/vae/b.safetensors").is_symlink()
    assert "1 stale" in ok(tree.run()).out
    assert set(tree.links()) == {"models/vae/a.safetensors", "models/vae/theirs.safetensors"}


def test_some_models(tree):
    tree.have(model("a", ["a/a.safetensors"], "vae"), model("b", ["b/b.safetensors"], "vae"))
    ok(tree.run("b"))
    assert set(tree.links()) == {"models/vae/b.safetensors"}
    ok(tree.run())
    ok(tree.run("--remove", "b"))
    assert set(tree.links()) == {"models/vae/a.safetensors"}
    fails(tree.run("unknown"), 64, "usage.unknown-model")


def test_remove_leaves_what_is_not_ours(tree):
    tree.have(model("net", ["net/diffusion_pytorch_model.safetensors"], "controlnet"),
              model("a", ["a/a.safetensors"], "vae"))
    ok(tree.run())
    (tree.to / "models/vae/mine.safetensors").write_bytes(b"mine")
    (tree.to / "models/vae/elsewhere").symlink_to("/etc/hostname")
    ok(tree.run("--remove", "--dry-run"))
    assert len(tree.links()) == 3
    assert "2 removed" in ok(tree.run("--remove")).out
    assert tree.links() == {"models/vae/elsewhere": "/etc/hostname"}
    assert (tree.to / "models/vae/mine.safetensors").read_bytes() == b"mine"
    assert os.listdir(tree.to / "models/controlnet") == []
    assert ok(tree.run("--remove")).out == "nothing to link\n"


def test_remove_needs_no_index(tree):
    tree.have(model("a", ["a/a.safetensors"], "vae"))
    ok(tree.run())
    (tree.models / "model-info.json").unlink()
    ok(tree.run("--remove"))
    assert tree.links() == {}


def test_dry_run_and_check_change_nothing(tree):
    tree.have(model("a", ["a/a.safetensors"], "vae"))
    assert "1 linked" in ok(tree.run("--dry-run")).out
    assert os.listdir(tree.to) == []
    fails(tree.run("--check"), 20, "link.differs")
    assert os.listdir(tree.to) == []


def test_a_directory_that_is_not_there_is_made(tree):
    tree.to.rmdir()
    tree.have(model("a", ["a/a.safetensors"], "vae"))
    ok(tree.run())
    assert len(tree.links()) == 1


def test_what_is_missing(tree):
    tree.have(model("a", ["a/a.safetensors"], "vae"), model("b", ["b/b.safetensors"], "vae"),
              model("c", ["c/c.safetensors"], "vae", status="missing"))
    (tree.models / "b/b.safetensors").unlink()
    result = fails(tree.run(), 66, "link.no-target")
    assert set(tree.links()) == {"models/vae/a.safetensors"}
    assert "skipped    c: it is not baked" in result.out
    (tree.models / "model-info.json").unlink()
    assert "bake-index build" in fails(tree.run(), 66, "fs.not-found").err


def test_not_into_the_models(tree):
    tree.have(model("a", ["a/a.safetensors"], "vae"))
    fails(run("bake-link", "-d", tree.models, "--to", tree.models / "ComfyUI"), 64, "link.inside")
    assert sorted(os.listdir(tree.models)) == ["a", "model-info.json"]


def test_read_only_models(tree):
    tree.have(model("a", ["a/a.safetensors"], "vae"))
    for path in (tree.models / "a", tree.models):
        path.chmod(0o555)
    try:
        ok(tree.run())
    finally:
        for path in (tree.models, tree.models / "a"):
            path.chmod(0o755)


def test_another_file_system(tree, tmp_path):
    shm = pathlib.Path("/dev/shm")
    if not shm.is_dir() or shm.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system")
    tree.have(model("a", ["a/a.safetensors"], "vae"))
    other = shm / f"bake-link-{os.getpid()}"
    try:
        ok(run("bake-link", "-d", tree.models, "--to", other, "-r"))
        assert (other / "models/vae/a.safetensors").read_bytes() == b"x"
        ok(run("bake-link", "-d", tree.models, "--to", other, "--remove"))
    finally:
        for path in (other / "models/vae", other / "models", other):
            path.rmdir()


LAYOUT = {"schema": "bake.layout/1", "name": "mine", "rules": [
    {"format": "gguf", "category": ["chat", "code"], "to": "llm"},
    {"role": "vae", "to": "nested/vae", "link": "directory"},
    {"to": "rest", "x-note": "anything else"}]}


def test_a_layout_of_ones_own(tree, tmp_path):
    layout = tmp_path / "mine.json"
    layout.write_text(json.dumps(LAYOUT))
    tree.have(model("a", ["a/a.gguf"], "chat", format="gguf"),
              model("b", ["b/1.safetensors", "b/2.safetensors"], None, "vae"),
              model("c", ["c/c.safetensors"], "loras"))
    ok(tree.run("--layout", layout))
    assert set(tree.links()) == {"llm/a.gguf", "nested/vae/b", "rest/c.safetensors"}
    ok(tree.run("--layout", layout, "--check"))
    ok(tree.run("--layout", layout, "--remove"))
    assert tree.links() == {}


def bent(**changes):
    return {**LAYOUT, **changes}


BAD_LAYOUTS = {
    "schema": (bent(schema="bake.layout/2"), 78, "schema.version"),
    "outside": (bent(rules=[{"to": "../out"}]), 65, "path.unsafe"),
    "absolute": (bent(rules=[{"to": "/out"}]), 65, "path.unsafe"),
    "nothing": (bent(rules=[]), 65, "layout.rule"),
    "empty": (bent(rules=[{"to": "a", "role": []}]), 65, "layout.rule"),
    "word": (bent(rules=[{"to": "a", "link": "hard"}]), 65, "layout.rule"),
    "field": (bent(rules=[{"to": "a", "roles": ["x"]}]), 65, "json.unknown-field"),
    "type": (bent(rules=[{"to": "a", "role": 1}]), 65, "json.type"),
    "no place": (bent(rules=[{"role": "a"}]), 65, "json.missing-field"),
    "many": (bent(rules=[{"to": "a"}] * 1025), 65, "layout.rule"),
}


@pytest.mark.parametrize("name", BAD_LAYOUTS)
def test_bad_layouts(tree, tmp_path, name):
    document, code, error = BAD_LAYOUTS[name]
    layout = tmp_path / "mine.json"
    layout.write_text(json.dumps(document))
    tree.have(model("a", ["a/a.safetensors"], "vae"))
    result = tree.run("--layout", layout)
    assert result.code == code and f"error[{error}]" in result.err, result.err
    schema = json.loads((ROOT / "manifests/schema/bake.layout-1.schema.json").read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


def test_the_schema_has_the_good_one():
    jsonschema.validate(LAYOUT, json.loads(
        (ROOT / "manifests/schema/bake.layout-1.schema.json").read_text()))


@pytest.mark.parametrize("args, error", [
    ((), "usage.arguments"), (("--to", "x", "--check", "--remove"), "usage.conflict"),
    (("--to", "x", "--layout", "nope"), "link.layout")])
def test_usage(args, error):
    fails(run("bake-link", *args), 64, error)


def test_hostile_names_are_inert(tree):
    tree.have(model("a", ["a/a.safetensors"], "\x1b]8;;http://x\x07ha\u202e"))
    result = tree.run()
    assert result.code == 65 and "\x1b" not in result.err and "\u202e" not in result.err
    path = tree.to / "models/vae/a.safetensors"
    path.parent.mkdir(parents=True)
    path.symlink_to("/nowhere/\x1b]8;;http://x\x07")
    tree.have(model("a", ["a/a.safetensors"], "vae"))
    result = fails(tree.run(), 73, "link.conflict")
    assert "\x1b" not in result.out + result.err


@pytest.mark.parametrize("path", ["../out.safetensors", "/etc/passwd", "a/../../b.safetensors"])
def test_hostile_paths_are_refused(tree, path):
    tree.have(model("a", [path], "vae"), on_disk=False)
    assert tree.run().code == 65 and tree.links() == {}
