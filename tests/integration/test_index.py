# SPDX-License-Identifier: Apache-2.0
"""bake-index: model-info.json, and what a server asks it."""
import hashlib
import json
import os
import signal
import subprocess

import pytest

from conftest import TOOLS, fails, hub_model, noise, ok, run, traced
from hubserver import sha256
from models import gguf, safetensors
from models import gguf_weights, weights

GROUP = "qwen-image-edit"
NAMES = {
    "r128-8": "svdq-int4_r128-qwen-image-edit-lightningv1.0-8steps.safetensors",
    "r128-4": "svdq-int4_r128-qwen-image-edit-lightningv1.0-4steps.safetensors",
    "r128": "svdq-int4_r128-qwen-image-edit.safetensors",
    "r32-8": "svdq-int4_r32-qwen-image-edit-lightningv1.0-8steps.safetensors",
    "r32": "svdq-int4_r32-qwen-image-edit.safetensors",
    "fp4-r128-8": "svdq-fp4_r128-qwen-image-edit-lightningv1.0-8steps.safetensors",
}
RULE = {"ranks": [128], "prefer": [{"steps": 8}], "name": "Qwen Image Edit Nunchanku",
        "version": "lightningv1.0", "max_steps": 50,
        "config": {"enable_cpu_offload": True, "memory_optimization": True}}


def nunchaku(place, hub, baked, rule=None, base=True):
    """A manifest with every file of NAMES, of which some are baked."""
    hub.add("nunchaku-tech/edit", {name: weights(5000, index)
                                   for index, name in enumerate(NAMES.values())})
    hub.add("Qwen/Qwen-Image-Edit", {"model_index.json": b"{}", "vae/w.safetensors": weights(4500)})
    models = {"base": hub_model("Qwen/Qwen-Image-Edit", path="Qwen--Qwen-Image-Edit",
                                role="base", group=GROUP, license="apache-2.0")}
    for name, file in NAMES.items():
        models[name] = hub_model("nunchaku-tech/edit", path="nunchaku", role="transformer",
                                 group=GROUP, files=[{"name": file}], required=False)
    place.locked(models, selection={GROUP: {**RULE, **(rule or {})}})
    ok(place.fetch(*(["base"] if base else []), *baked))
    ok(place.index())
    return place.index_json


def selected(index):
    return index["selected"][GROUP]["model"]


def test_keys_of_the_api(place, hub):
    index = nunchaku(place, hub, ["r128-8", "r128"])
    assert index["model_name"] == "Qwen Image Edit Nunchanku"
    assert index["model_version"] == "lightningv1.0"
    assert index["supported_ranks"] == [128] and index["supported_steps"] == [8]
    assert index["default_rank"] == 128 and index["default_steps"] == 8
    assert index["max_steps"] == 50 and index["base_model_available"] is True
    assert index["nunchaku_models"] == [NAMES["r128-8"], NAMES["r128"]]
    assert index["model_config"] == {
        "model_id": "Qwen/Qwen-Image-Edit", "default_steps": 8, "default_rank": 128,
        "max_steps": 50, "supported_ranks": [128], "enable_cpu_offload": True,
        "memory_optimization": True}


@pytest.mark.parametrize("name, baked, rule, want", [
    ("preferred-steps", ["r128-8", "r128-4", "r128"], {}, "r128-8"),
    ("plain-before-other-steps", ["r128-4", "r128"], {}, "r128"),
    ("only-other-steps", ["r128-4"], {}, "r128-4"),
    ("rank-not-allowed", ["r32-8"], {}, None),
    ("rank-32-allowed", ["r32-8", "r32"], {"ranks": [32, 128]}, "r32-8"),
    ("higher-rank-first", ["r32-8", "r128-8"], {"ranks": [32, 128]}, "r128-8"),
    ("steps-before-rank", ["r32-8", "r128"], {"ranks": [32, 128]}, "r32-8"),
    ("no-ranks-named-means-all", ["r32"], {"ranks": []}, "r32"),
    ("second-preference", ["r128-4", "r128"], {"prefer": [{"steps": 8}, {"steps": 4}]}, "r128-4"),
    ("precision", ["r128-8", "fp4-r128-8"], {"prefer": [{"precision": "fp4"}]}, "fp4-r128-8"),
    ("nothing-baked", [], {}, None),
])
def test_selection(place, hub, name, baked, rule, want):
    assert selected(nunchaku(place, hub, baked, rule)) == want


def test_ranks_and_steps_come_from_the_names(place, hub):
    index = nunchaku(place, hub, list(NAMES), {"ranks": []})
    assert index["supported_ranks"] == [32, 128] and index["supported_steps"] == [4, 8]
    variants = {model["id"]: model.get("variant") for model in index["models"]}
    assert variants["r32-8"] == {"precision": "int4", "rank": 32, "steps": 8}
    assert variants["fp4-r128-8"]["precision"] == "fp4"
    assert variants["r128"] == {"precision": "int4", "rank": 128}
    assert variants["base"] is None


def test_plain_file_runs_the_whole_schedule(place, hub):
    """The original kept 8 as the default of a model that is not distilled to 8."""
    index = nunchaku(place, hub, ["r128"])
    assert index["supported_steps"] == [] and index["default_steps"] == 50


def test_base_that_is_not_baked(place, hub):
    index = nunchaku(place, hub, ["r128-8"], base=False)
    assert index["base_model_available"] is False


def test_without_selection_the_keys_are_there(place, hub):
    hub.add("org/chat", {"chat-Q4_K_M.gguf": gguf_weights(5000)})
    place.baked({"chat": hub_model("org/chat", role="chat")}, title="My chat")
    index = place.index_json
    assert index["model_name"] == "My chat" and index["model_version"] == ""
    assert index["supported_ranks"] == [] and index["default_rank"] is None
    assert index["nunchaku_models"] == [] and index["model_config"]["supported_ranks"] == []
    assert index["models"][0]["quantization"] == "Q4_K_M"
    assert index["models"][0]["format"] == "gguf"


def test_models_files_and_digests(place, hub):
    index = nunchaku(place, hub, ["r128-8"])
    by_id = {model["id"]: model for model in index["models"]}
    assert list(by_id) == sorted(by_id)
    model = by_id["r128-8"]
    data = weights(5000, list(NAMES).index("r128-8"))
    assert model["status"] == "baked" and model["bytes"] == 5000
    assert model["path"] == "nunchaku/" + NAMES["r128-8"]
    assert model["files"] == [{"path": model["path"], "size": 5000, "sha256": sha256(data)}]
    assert model["source"]["hub"] == "nunchaku-tech/edit" and len(model["source"]["commit"]) == 40
    assert by_id["r32"]["status"] == "missing"
    assert by_id["base"]["path"] == "Qwen--Qwen-Image-Edit"
    assert by_id["base"]["format"] == "diffusers" and by_id["base"]["license"] == "apache-2.0"
    assert index["totals"] == {"models": 7, "baked": 2, "missing": 5, "files": 3,
                               "bytes": 2 + 4500 + 5000}


def test_a_model_with_its_projector_is_its_main_file(place, hub):
    hub.add("org/vl", {"vl-Q5_K_M.gguf": gguf_weights(5000, 1),
                       "mmproj-vl-f16.gguf": gguf_weights(5000, 2)})
    place.baked({"vl": hub_model("org/vl", path="vl", role="vision")})
    [model] = place.index_json["models"]
    assert model["path"] == "vl/vl-Q5_K_M.gguf" and model["quantization"] == "Q5_K_M"
    assert len(model["files"]) == 2


def test_aggregate_is_the_registry_s(place, hub):
    index = nunchaku(place, hub, [])
    base = next(model for model in index["models"] if model["id"] == "base")
    # As the registry does it: with the paths below the model's own directory.
    root = place.models / base["path"]
    lines = sorted(f"{sha256(file.read_bytes())}  {file.relative_to(root).as_posix()}"
                   for file in root.rglob("*") if file.is_file())
    assert len(lines) == 2 and base["aggregate_sha256"] == hashlib.sha256("\n".join(lines).encode()).hexdigest()


def test_aggregate_of_a_single_file(place, hub):
    model = next(model for model in nunchaku(place, hub, ["r128-8"])["models"] if model["id"] == "r128-8")
    [file] = model["files"]
    line = f"{file['sha256']}  {NAMES['r128-8']}"
    assert model["aggregate_sha256"] == hashlib.sha256(line.encode()).hexdigest()


def test_same_lock_same_bytes(place, hub, tmp_path):
    nunchaku(place, hub, ["r128-8"])
    first = (place.models / "model-info.json").read_bytes()
    os.utime(place.models / "Qwen--Qwen-Image-Edit/model_index.json")
    out = ok(place.index("-o", "-", env={"TZ": "Asia/Tokyo", "HOSTNAME": "x"})).out
    assert out.encode() == first
    assert str(tmp_path).encode() not in first
    assert (place.models / "model-info.json").stat().st_mtime == 0
    assert place.models.stat().st_mtime == 0
    other = json.loads(ok(place.index("-o", "-", env={"SOURCE_DATE_EPOCH": "86400"})).out)
    assert other["generated_at"] == "1970-01-02T00:00:00Z"


def test_layers_that_are_mounted_apart(place, hub, tmp_path):
    hub.add("org/a", {"a.bin": noise(5000, 1)})
    hub.add("org/b", {"b.bin": noise(5000, 2)})
    place.locked({"a": hub_model("org/a", path="a", layer=1),
                  "b": hub_model("org/b", path="b", layer=2)})
    for layer in (1, 2):
        place.models = tmp_path / f"layer{layer}"
        ok(place.fetch("--layer", layer))
    ok(run("bake-index", "build", "-l", place.lock_path, "-d", tmp_path / "layer1", "-d",
           tmp_path / "layer2", "-o", tmp_path / "info.json"))
    index = json.loads((tmp_path / "info.json").read_text())
    assert [model["status"] for model in index["models"]] == ["baked", "baked"]


def test_stale_lock(place, hub):
    hub.add("org/name", {"x.bin": noise(5000)})
    place.baked({"m": hub_model(path="m")})
    place.write({"m": hub_model(path="m", title="New")})
    fails(place.index(), 78, "lock.stale")


def test_manifest_elsewhere(place, hub, tmp_path):
    hub.add("org/name", {"x.bin": noise(5000)})
    place.baked({"m": hub_model(path="m")})
    place.manifest.rename(tmp_path / "moved.json")
    fails(place.index(), 66, "fs.not-found")
    ok(place.index("-m", tmp_path / "moved.json"))


def test_file_of_another_size_is_not_indexed(place, hub):
    hub.add("org/name", {"x.bin": noise(5000)})
    place.baked({"m": hub_model(path="m")})
    before = (place.models / "model-info.json").read_bytes()
    (place.models / "m/x.bin").write_bytes(b"x")
    fails(place.index(), 20, "integrity.size")
    assert (place.models / "model-info.json").read_bytes() == before


def test_nothing_to_index(place, hub):
    hub.add("org/name", {"x.bin": noise(5000)})
    place.locked({"m": hub_model(path="m")})
    place.models.mkdir()
    fails(place.index(), 66, "index.nothing")


def test_incomplete_model_is_missing(place, hub):
    hub.add("org/name", {"x.bin": noise(5000), "y.bin": noise(5000, 2)})
    hub.add("org/two", {"z.bin": noise(5000, 3)})
    place.baked({"m": hub_model(path="m", required=False), "z": hub_model("org/two", path="z")})
    ok(place.fetch("m"))
    (place.models / "m/x.bin").unlink()
    assert "m is incomplete, 1 of 2 files" in ok(place.index()).err
    assert [model["status"] for model in place.index_json["models"]] == ["missing", "baked"]


# show

def test_show(place, hub):
    nunchaku(place, hub, ["r128-8"])
    out = ok(run("bake-index", "show", "-d", place.models)).out
    assert len(out.splitlines()) == 7
    assert ok(run("bake-index", "show", "-d", place.models, "--json")).json == place.index_json
    one = ok(run("bake-index", "show", "r128-8", "-d", place.models)).out
    assert "rank           128" in one and NAMES["r128-8"] in one
    model = ok(run("bake-index", "show", "r128-8", "-d", place.models, "--json")).json
    assert model["variant"] == {"precision": "int4", "rank": 128, "steps": 8}
    result = fails(run("bake-index", "show", "r128-9", "-d", place.models), 64,
                   "usage.unknown-model")
    assert 'did you mean "r128' in result.err


def test_show_without_index(tmp_path):
    result = fails(run("bake-index", "show", "-d", tmp_path), 66, "fs.not-found")
    assert "bake-index build" in result.err


# path

def path(place, *args):
    return run("bake-index", "path", "-d", place.models, *args)


def test_path(place, hub):
    nunchaku(place, hub, ["r128-8", "r128", "r32", "fp4-r128-8"], {"ranks": [32, 128]})
    where = f"{place.models}/nunchaku/"
    assert ok(path(place, "r128")).out == where + NAMES["r128"] + "\n"
    assert ok(path(place, "base")).out == f"{place.models}/Qwen--Qwen-Image-Edit\n"
    for args, name in [
        ([], "fp4-r128-8"), (["--precision", "int4"], "r128-8"),
        (["--steps", "0"], "r128"), (["--rank", "32"], "r32"),
        (["--steps", "8", "--precision", "fp4"], "fp4-r128-8"),
    ]:
        assert ok(path(place, "--group", GROUP, *args)).out == where + NAMES[name] + "\n", args
    assert os.path.exists(ok(path(place, "--group", GROUP)).out.strip())


@pytest.mark.parametrize("name, args, code, error", [
    ("steps-not-baked", ["--group", GROUP, "--steps", "4"], 69, "index.not-local"),
    ("rank-not-baked", ["--group", GROUP, "--rank", "64"], 69, "index.not-local"),
    ("model-not-baked", ["r32"], 69, "index.not-local"),
    ("no-such-group", ["--group", "other"], 69, "index.not-local"),
    ("no-such-model", ["nothing"], 64, "usage.unknown-model"),
    ("both", ["r32", "--group", GROUP], 64, "usage.arguments"),
    ("neither", [], 64, "usage.arguments"),
])
def test_path_that_is_none(place, hub, name, args, code, error):
    nunchaku(place, hub, ["r128-8"])
    result = fails(path(place, *args), code, error)
    assert result.out == ""


def hide(place, name):
    (place.models / "nunchaku" / NAMES[name]).unlink()


def test_path_of_what_a_volume_hides(place, hub):
    nunchaku(place, hub, ["r128-8"])
    hide(place, "r128-8")
    for args in (["r128-8"], ["--group", GROUP]):
        result = fails(path(place, *args), 69, "index.not-local")
        assert NAMES["r128-8"] in result.errors[0][1] and "volume" in result.err
        assert result.out == ""


def test_path_by_another_index_looks_at_the_disk(place, hub, tmp_path):
    """The index may come from elsewhere, the models never do."""
    nunchaku(place, hub, ["r128-8"])
    (place.models / "model-info.json").rename(tmp_path / "info.json")
    ok(path(place, "--index", tmp_path / "info.json", "r128-8"))
    hide(place, "r128-8")
    fails(path(place, "--index", tmp_path / "info.json", "r128-8"), 69, "index.not-local")
    place.models = tmp_path / "none"
    result = fails(path(place, "--index", tmp_path / "info.json", "base"), 69, "index.not-local")
    assert "MODEL_CACHE_DIR" in result.err


@pytest.mark.parametrize("name, damage", [
    ("empty-directory", lambda base: [file.unlink() for file in base.rglob("*.*")]),
    ("one-file-gone", lambda base: (base / "vae/w.safetensors").unlink()),
    ("shorter", lambda base: (base / "vae/w.safetensors").write_bytes(b"x")),
    ("link", lambda base: ((base / "vae/w.safetensors").unlink(),
                           (base / "vae/w.safetensors").symlink_to("../model_index.json"))),
])
def test_a_directory_is_local_with_all_its_files(place, hub, name, damage):
    nunchaku(place, hub, ["r128-8"])
    ok(path(place, "base"))
    damage(place.models / "Qwen--Qwen-Image-Edit")
    assert fails(path(place, "base"), 69, "index.not-local").out == ""


def test_path_chooses_what_is_there(place, hub):
    """Local first: what the index prefers and the disk has not is passed over, not silently."""
    nunchaku(place, hub, ["r128-8", "r128"])
    hide(place, "r128-8")
    result = ok(path(place, "--group", GROUP))
    assert result.out.endswith(NAMES["r128"] + "\n")
    assert f"warning: nunchaku/{NAMES['r128-8']} is in the index and not on disk" in result.err
    hide(place, "r128")
    fails(path(place, "--group", GROUP), 69, "index.not-local")


def test_path_json(place, hub):
    nunchaku(place, hub, ["r128-8", "r128"])
    file = f"{place.models}/nunchaku/{NAMES['r128-8']}"
    assert ok(path(place, "--group", GROUP, "--json")).json == {
        "ok": True, "path": file, "model": "r128-8", "precision": "int4", "rank": 128, "steps": 8}
    assert ok(path(place, "base", "--json")).json == {
        "ok": True, "path": f"{place.models}/Qwen--Qwen-Image-Edit", "model": "base"}
    result = fails(path(place, "r32", "--json"), 69, "index.not-local")
    assert result.json["error"] == "index.not-local" and result.json["exit_code"] == 69


def test_group_that_is_misspelt(place, hub):
    nunchaku(place, hub, ["r128-8"])
    result = fails(path(place, "--group", GROUP[:-1]), 69, "index.not-local")
    assert f'did you mean "{GROUP}"?' in result.err


@pytest.mark.parametrize("name, args, code, error", [
    ("rank", ["path", "r128-8", "--rank", "128"], 64, "usage.conflict"),
    ("steps", ["path", "r128-8", "--steps", "0"], 64, "usage.conflict"),
    ("precision", ["path", "r128-8", "--precision", "int4"], 64, "usage.conflict"),
    ("two-indexes", ["show", "-d", "models", "--index", "models/model-info.json"], 64,
     "usage.conflict"),
    ("build-with-a-model", ["build", "-l", "test.lock.json", "m"], 64, "usage.arguments"),
])
def test_nothing_is_ignored(tmp_path, name, args, code, error):
    result = fails(run("bake-index", *args, cwd=tmp_path, env={"MODEL_CACHE_DIR": tmp_path}),
                   code, error)
    assert result.out == ""


def test_build_prints_one_document(place, hub):
    hub.add("org/name", {"x.bin": noise(5000)})
    place.baked({"m": hub_model(path="m")})
    document = (place.models / "model-info.json").read_text()
    assert ok(place.index("-o", "-", "--json")).out == document
    assert ok(place.index("--json")).out == document
    assert ok(place.index("-o", "-")).out == document


# Several Nunchaku files of one model, as an include pattern brings them

def several(place, hub, more=None, rule=None, **fields):
    hub.add("nunchaku-tech/edit", {**{name: weights(5000, index)
                                      for index, name in enumerate(NAMES.values())},
                                   **(more or {})})
    place.baked({"all": hub_model("nunchaku-tech/edit", path="nunchaku", role="transformer",
                                  group=GROUP, **fields)},
                selection={GROUP: {**RULE, "ranks": [], **(rule or {})}})
    return place.index_json


def test_several_files_are_several_variants(place, hub):
    index = several(place, hub, {"README.md": b"# r64"})
    [model] = index["models"]
    assert "variant" not in model and model["path"] == "nunchaku"
    assert {entry.pop("path"): entry for entry in model["variants"]} == {
        f"nunchaku/{NAMES['r128-8']}": {"precision": "int4", "rank": 128, "steps": 8},
        f"nunchaku/{NAMES['r128-4']}": {"precision": "int4", "rank": 128, "steps": 4},
        f"nunchaku/{NAMES['r128']}": {"precision": "int4", "rank": 128},
        f"nunchaku/{NAMES['r32-8']}": {"precision": "int4", "rank": 32, "steps": 8},
        f"nunchaku/{NAMES['r32']}": {"precision": "int4", "rank": 32},
        f"nunchaku/{NAMES['fp4-r128-8']}": {"precision": "fp4", "rank": 128, "steps": 8}}
    assert index["supported_ranks"] == [32, 128] and index["supported_steps"] == [4, 8]
    assert index["default_rank"] == 128 and index["default_steps"] == 8
    assert index["nunchaku_models"] == sorted(NAMES.values())
    assert index["selected"][GROUP]["model"] == "all"
    assert index["selected"][GROUP]["path"] == f"nunchaku/{NAMES['fp4-r128-8']}"
    assert len(model["files"]) == 7 and "quantization" not in model
    ok(place.verify())
    ok(place.verify("all"))
    shown = ok(run("bake-index", "show", "all", "-d", place.models)).out
    assert f"int4, rank 32, plain  nunchaku/{NAMES['r32']}" in shown


def test_variants_are_selected_by_the_rule(place, hub):
    several(place, hub, rule={"ranks": [128], "prefer": [{"precision": "int4", "steps": 8}]})
    where = f"{place.models}/nunchaku/"
    assert place.index_json["supported_ranks"] == [128]
    for args, name in [
        ([], "r128-8"), (["--steps", "4"], "r128-4"), (["--steps", "0"], "r128"),
        (["--precision", "fp4"], "fp4-r128-8"),
    ]:
        assert ok(path(place, "--group", GROUP, *args)).out == where + NAMES[name] + "\n", args
    fails(path(place, "--group", GROUP, "--rank", "32"), 69, "index.not-local")
    assert ok(path(place, "all")).out == f"{place.models}/nunchaku\n"


def test_a_variant_is_local_by_itself(place, hub):
    several(place, hub, {"config.json": b"{}"}, rule={"prefer": [{"precision": "int4",
                                                                   "steps": 8}]})
    assert ok(path(place, "--group", GROUP)).out.endswith(NAMES["r128-8"] + "\n")
    hide(place, "r128-8")
    result = ok(path(place, "--group", GROUP))
    assert result.out.endswith(NAMES["r32-8"] + "\n") and "warning" in result.err
    fails(path(place, "all"), 69, "index.not-local")
    (place.models / "nunchaku/config.json").unlink()
    fails(path(place, "--group", GROUP), 69, "index.not-local")


def test_one_nunchaku_file_among_others_is_the_model(place, hub):
    hub.add("nunchaku-tech/edit", {NAMES["r32-8"]: weights(5000), "README.md": b"# x"})
    place.baked({"one": hub_model("nunchaku-tech/edit", path="nunchaku", group=GROUP)})
    [model] = place.index_json["models"]
    assert model["path"] == f"nunchaku/{NAMES['r32-8']}" and "variants" not in model
    assert model["variant"] == {"precision": "int4", "rank": 32, "steps": 8}
    assert place.index_json["nunchaku_models"] == [NAMES["r32-8"]]


def test_a_diffusers_tree_stays_one_model(place, hub):
    hub.add("org/tree", {"model_index.json": b"{}", "transformer/" + NAMES["r128"]: weights(5000)})
    place.baked({"tree": hub_model("org/tree", path="tree")})
    [model] = place.index_json["models"]
    assert model["path"] == "tree" and "variant" not in model and "variants" not in model


def test_variants_of_one_precision_are_of_it(place, hub):
    index = several(place, hub, include=["svdq-int4_*"])
    [model] = index["models"]
    assert len(model["variants"]) == 5 and model["quantization"] == "int4"


# Indexes that somebody else wrote

def hostile(tmp_path, **fields):
    models = tmp_path / "models"
    (models / "m").mkdir(parents=True)
    (models / "m/x").write_bytes(b"x")
    (models / "secret").write_bytes(b"s")
    model = {"id": "m", "required": True, "status": "baked", "path": "m", "group": "g",
             "files": [{"path": "m/x", "size": 1, "sha256": "a" * 64}], **fields}
    index = tmp_path / "i.json"
    index.write_text(json.dumps({"schema": "bake.index/1", "models": [model]}))
    return models, index


@pytest.mark.parametrize("name, fields, code, error", [
    ("fine", {}, 0, None),
    ("path-of-no-file-of-it", {"path": "secret"}, 69, "index.not-local"),
    ("path-that-begins-like-a-file", {"path": "m/x/y"}, 69, "index.not-local"),
    ("path-that-is-part-of-a-name", {"path": "m/"}, 65, "path.unsafe"),
    ("no-files", {"files": []}, 69, "index.not-local"),
    ("variant-that-is-no-file", {"variants": [{"path": "secret", "rank": 8}]}, 65,
     "index.variants"),
    ("variant-that-is-there-twice", {"variants": [{"path": "m/x"}, {"path": "m/x", "rank": 8}]},
     65, "index.variants"),
    ("more-variants-than-anybody-has", {"variants": [{"path": "m/x"}] * 4097}, 65, "json.range"),
    ("file-that-is-there-twice", {"files": [{"path": "m/x", "size": 1, "sha256": "a" * 64}] * 2},
     65, "path.collision"),
    ("variant-that-leaves", {"variants": [{"path": "../x"}]}, 65, "path.unsafe"),
    ("variant-without-a-path", {"variants": [{"rank": 8}]}, 65, "json.missing-field"),
    ("variants-that-are-none", {"variants": {"a": 1}}, 65, "json.type"),
    ("the-index-as-a-file", {"path": "model-info.json"}, 65, "path.reserved"),
])
def test_path_by_a_hostile_index(tmp_path, name, fields, code, error):
    models, index = hostile(tmp_path, **fields)
    result = run("bake-index", "path", "--index", index, "-d", models, "--group", "g")
    if error:
        assert fails(result, code, error).out == ""
    else:
        assert ok(result).out == f"{models}/m\n"


def test_path_follows_no_link_out_of_the_models(tmp_path):
    models, index = hostile(tmp_path)
    (models / "m").rename(tmp_path / "elsewhere")
    (models / "m").symlink_to(tmp_path / "elsewhere")
    fails(run("bake-index", "path", "--index", index, "-d", models, "m"), 69, "index.not-local")


def test_an_index_of_two_models_of_one_name(tmp_path):
    """One would hide the other."""
    models, index = hostile(tmp_path)
    document = json.loads(index.read_text())
    document["models"] *= 2
    index.write_text(json.dumps(document))
    for command in (["bake-index", "show"], ["bake-verify", "-d", models]):
        fails(run(*command, "--index", index), 65, "manifest.duplicate-name")


def test_many_variants_that_are_not_there_take_no_time(tmp_path):
    """Ended by the time a test may take: it was quadratic in the variants, and that per variant."""
    files = [{"path": f"m/{n}", "size": 1, "sha256": "a" * 64} for n in range(20000)]
    models, index = hostile(tmp_path, files=files, variants=[
        {"path": f"m/{n}", "rank": n + 1} for n in range(4096)])
    fails(run("bake-index", "path", "--index", index, "-d", models, "--group", "g"), 69,
          "index.not-local")


def test_killed_before_the_index_has_its_name(place, hub):
    """The former index stays, and the next run removes what the killed one left beside it."""
    hub.add("org/name", {"w.bin": noise(5000)})
    place.baked({"m": hub_model(path="m")})
    before = (place.models / "model-info.json").read_bytes()
    command, env = traced("renameat,rename,renameat2", "-o", "/dev/null", "-e",
                          "inject=renameat,rename,renameat2:signal=SIGKILL:when=1")
    env["SOURCE_DATE_EPOCH"] = "86400"
    done = subprocess.run([*command, TOOLS / "bake-index", "build", "-l", place.lock_path, "-d",
                           place.models], env=env, capture_output=True, text=True)
    assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), done.stderr
    left = list(place.models.glob(".bake-*.tmp"))
    assert len(left) == 1
    assert (place.models / "model-info.json").read_bytes() == before
    ok(place.index())
    assert not left[0].exists()
    ok(place.verify())


# What the files themselves say.


def described(place, hub, **more):
    """A GGUF model with its projector, a transformer that is only weights, and its base."""
    hub.add("org/chat", {"chat-Q8_0.gguf": gguf({"llama.block_count": ("u32", 2), "general.file_type": ("u32", 7),
                                                 "llama.attention.head_count": ("u32", 4),
                                                 "llama.embedding_length": ("u32", 64)},
                                                {"blk.0.w": ([32, 4], 8, 136), "blk.1.w": ([32, 4], 8, 136)}),
                         "mmproj-F16.gguf": gguf({"general.architecture": ("str", "clip"),
                                                  "clip.vision.block_count": ("u32", 5)}, {"v": ([32], 0, 128)})})
    hub.add("org/base", {"model_index.json": b'{"_class_name": "P", "transformer": ["diffusers", "FluxTransformer2DModel"]}',
                         "transformer/config.json": b'{"_class_name": "FluxTransformer2DModel", "num_layers": 60}'})
    hub.add("org/w", {"w.safetensors": safetensors({"w": ("BF16", [8], 16)})})
    models = {"chat": hub_model("org/chat", path="chat"), "base": hub_model("org/base", path="base"),
              "weights": hub_model("org/w", path="w", support="base"), **more}
    place.baked(models)
    return {model["id"]: model for model in place.index_json["models"]}


def test_models_say_what_they_are(place, hub):
    chat = described(place, hub)["chat"]
    assert chat["format"] == "gguf" and chat["quantization"] == "Q8_0"
    assert chat["architecture"]["num_layers"] == 2 and chat["architecture"]["vision"]["num_layers"] == 5
    assert chat["architecture"]["field_sources"]["num_layers"] == "gguf:chat-Q8_0.gguf:llama.block_count"
    assert chat["weights"]["types"] == {"q8_0": 272} and chat["projector_weights"]["bytes"] == 128
    assert chat["memory"]["weights_bytes"] == 272
    assert chat["runtime"]["mmproj"] == "chat/mmproj-F16.gguf"
    assert str(place.models) not in (place.models / "model-info.json").read_text()


def test_support_gives_what_is_missing(place, hub):
    weights = described(place, hub)["weights"]
    assert weights["architecture"]["num_layers"] == 60
    assert weights["architecture"]["field_sources"]["num_layers"] == "config:@base/transformer/config.json:num_layers"


@pytest.mark.parametrize("support, hint", [("nobody", None), ("bsae", "base"), ("m", None)])
def test_support_must_be_another_model(place, hub, support, hint):
    place.write({"m": hub_model("org/w", support=support), "base": hub_model("org/base")})
    result = fails(place.lock(), 65, "manifest.unknown-model")
    assert (f'did you mean "{hint}"' in result.err) == bool(hint)


def test_without_architecture(place, hub):
    described(place, hub)
    ok(place.index("--no-architecture"))
    for model in place.index_json["models"]:
        assert not {"architecture", "weights", "memory", "runtime"} & set(model)


def test_same_files_same_index(place, hub, tmp_path):
    described(place, hub)
    first = (place.models / "model-info.json").read_bytes()
    elsewhere = tmp_path / "elsewhere"
    place.models.rename(elsewhere)
    ok(run("bake-index", "build", "-l", place.lock_path, "-d", elsewhere))
    assert (elsewhere / "model-info.json").read_bytes() == first


def test_broken_header_is_said_and_indexed(place, hub):
    hub.add("org/bad", {"bad.gguf": b"GGUF" + noise(500)})
    place.locked({"bad": hub_model("org/bad", path="bad")})
    ok(place.fetch())
    result = ok(place.index())
    assert "bad" in result.err and "bake-verify says more" in result.err
    [model] = place.index_json["models"]
    assert model["status"] == "baked" and "weights" not in model
    assert any("bad.gguf" in text for text in model["architecture"]["warnings"])


def test_label_that_is_no_name(place, hub):
    config = {"model_type": "llama", "quantization_config": {"quant_method": "x" * 500}}
    hub.add("org/odd", {"config.json": json.dumps(config).encode(),
                        "model.safetensors": safetensors({"w": ("BF16", [8], 16)})})
    place.baked({"odd": hub_model("org/odd", path="odd")})
    ok(run("bake-index", "show", "-d", place.models, "odd"))


def test_show_has_the_facts(place, hub):
    chat = described(place, hub)["chat"]
    shown = ok(run("bake-index", "show", "-d", place.models, "chat", "--json")).json
    for key in ("architecture", "weights", "projector_weights", "memory", "runtime"):
        assert shown[key] == chat[key]
    out = ok(run("bake-index", "show", "-d", place.models, "chat", "-v")).out
    assert "num_layers               2  (gguf:chat-Q8_0.gguf:llama.block_count)" in out


@pytest.mark.parametrize("key", ["architecture", "weights", "memory", "runtime", "component_weights"])
@pytest.mark.parametrize("value", [0, 1, "x", None, [], True])
def test_part_that_is_no_object(place, hub, key, value):
    described(place, hub)
    path = place.models / "model-info.json"
    document = place.index_json
    document["models"][0][key] = value
    path.write_text(json.dumps(document, indent=1))
    result = fails(run("bake-index", "show", "-d", place.models), 65, "json.type")
    assert f"/models/0/{key}" in result.err


def test_wrong_line_is_named_behind_what_was_cut(place, hub):
    described(place, hub)
    path = place.models / "model-info.json"
    lines = path.read_text().splitlines()
    at = max(number for number, line in enumerate(lines) if '"status"' in line)
    lines[at] = '      "status": "half",'
    path.write_text("\n".join(lines))
    result = fails(run("bake-index", "show", "-d", place.models), 65, "json.value")
    assert f"model-info.json:{at + 1}: /models/2/status" in result.err


def test_part_is_judged_when_it_is_wanted(place, hub):
    described(place, hub)
    path = place.models / "model-info.json"
    document = place.index_json
    chat = next(model for model in document["models"] if model["id"] == "chat")
    chat["architecture"]["num_layers"] = "many"
    path.write_text(json.dumps(document))
    ok(run("bake-index", "show", "-d", place.models))
    ok(run("bake-index", "path", "-d", place.models, "chat"))
    fails(run("bake-index", "show", "-d", place.models, "chat"), 65, "json.type")


# Selection by GPU, and what it says of itself.


def asked(place, *args):
    return run("bake-index", "path", "-d", place.models, "--group", GROUP, *args)


@pytest.mark.parametrize("gpu, want", [
    ("sm_89", "r128-8"), ("8.6", "r128-8"), ("120", "fp4-r128-8"), ("sm_121a", "fp4-r128-8"),
    ("sm_90", None), ("sm_100", None)])
def test_gpu(place, hub, gpu, want):
    nunchaku(place, hub, ["r128-8", "fp4-r128-8"])
    result = asked(place, "--gpu-arch", gpu)
    if want:
        assert ok(result).out.strip().endswith(NAMES[want])
    else:
        fails(result, 69, "index.not-local")
        assert "hint: " in result.err and f"sm_{gpu.removeprefix('sm_')}" in result.err


def test_gpu_that_is_none(place, hub):
    nunchaku(place, hub, ["r128-8"])
    fails(asked(place, "--gpu-arch", "RTX 4090"), 64, "usage.value")
    fails(run("bake-index", "path", "-d", place.models, "r128-8", "--gpu-arch", "sm_89"), 64, "usage.conflict")


def test_explained(place, hub):
    nunchaku(place, hub, ["r128-8", "r128", "r32-8", "fp4-r128-8"])
    report = ok(asked(place, "--explain", "--json", "--gpu-arch", "sm_89")).json
    verdicts = {one["model"]: (one["verdict"], one["reason"]) for one in report["candidates"]}
    assert verdicts["r128-8"][0] == "chosen"
    assert verdicts["r128"] == ("not-preferred", "the rule prefers the chosen one: it is number 1 of its list")
    assert verdicts["r128-4"][0] == "not-baked"
    assert verdicts["r32-8"] == ("rank", "the rule does not allow rank 32")
    assert verdicts["fp4-r128-8"] == ("gpu", "sm_89 needs int4, this is fp4")
    assert verdicts["base"][0] == "no-variant"


def test_explained_to_people(place, hub):
    nunchaku(place, hub, ["r128-8", "r128"])
    (place.models / "nunchaku" / NAMES["r128-8"]).unlink()
    result = ok(asked(place, "--explain"))
    assert result.out.strip().endswith(NAMES["r128"]) and len(result.out.splitlines()) == 1
    assert f"not-local      nunchaku/{NAMES['r128-8']}: " in result.err
    assert f"chosen         nunchaku/{NAMES['r128']}: " in result.err


def test_failure_is_explained(place, hub):
    nunchaku(place, hub, ["r128-8"])
    report = asked(place, "--explain", "--json", "--steps", "5").json
    assert report["ok"] is False and report["error"] == "index.not-local"
    assert {one["verdict"] for one in report["candidates"]} == {"wish", "not-baked", "no-variant"}
