# SPDX-License-Identifier: Apache-2.0
"""bake-verify: are files what their names say, and complete together?"""
import json
import os
import pathlib
import re
import shutil
import struct
import time

import pytest

from conftest import fails, hub_model, ok, run
from hubserver import File, sha256
from models import gguf, gguf_weights, index_of, safetensors, weights

FIXTURES = pathlib.Path(os.environ.get("BAKE_FIXTURES", "/nonexistent"))


def write(root, files):
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return root


def structure(*paths, **options):
    return run("bake-verify", "--structure-only", *paths, **options)


# ---- one file

HEAD = struct.pack("<Q", 2) + b"{}"


def st_raw(text, data=b""):
    return struct.pack("<Q", len(text)) + text.encode() + data


def entry(dtype, shape, begin, end):
    return json.dumps({"dtype": dtype, "shape": shape, "data_offsets": [begin, end]})


GOOD = gguf(tensors={"a": ([32], 24, 32), "b": ([64, 2], 0, 512)})
BAD = {
    "empty": ("w.safetensors", b"", "st.header"),
    "length past the end": ("w.safetensors", struct.pack("<Q", 2 ** 63) + b"{}", "st.header"),
    "no object": ("w.safetensors", st_raw("[]"), "st.header"),
    "unknown type": ("w.safetensors", st_raw('{"a":%s}' % entry("F7", [1], 0, 1), b"x"), "st.dtype"),
    "shape and bytes": ("w.safetensors", st_raw('{"a":%s}' % entry("F32", [2], 0, 4), b"abcd"), "st.offsets"),
    "gap": ("w.safetensors", st_raw('{"a":%s}' % entry("U8", [1], 1, 2), b"ab"), "st.offsets"),
    "bytes behind": ("w.safetensors", weights(5000) + b"PK", "st.offsets"),
    "cut": ("w.safetensors", weights(5000)[:-1], "st.truncated"),
    "not GGUF": ("w.gguf", b"nothing of the kind, and long enough", "gguf.magic"),
    "older format": ("w.gguf", b"tjgg" + bytes(100), "gguf.magic"),
    "only a magic": ("w.gguf", b"GGUF", "gguf.truncated"),
    "version 4": ("w.gguf", gguf(version=4), "gguf.version"),
    "too many keys": ("w.gguf", b"GGUF" + struct.pack("<IQQ", 3, 0, 2 ** 62), "gguf.count"),
    "last tensor cut": ("w.gguf", GOOD[:-65], "gguf.bounds"),
    "pointer": ("w.gguf", File(b"x" * 5000).pointer(), "integrity.lfs-pointer"),
    "page": ("w.safetensors", b"<!DOCTYPE html><html><body>Sign in</body></html>", "integrity.stand-in"),
}


def code_of(error):
    return 20 if error.startswith("integrity.") else 65


@pytest.mark.parametrize("row", BAD, ids=str)
def test_a_bad_file_by_itself(tmp_path, row):
    name, data, error = BAD[row]
    write(tmp_path, {"m/" + name: data})
    result = fails(structure(tmp_path / "m"), code_of(error), error)
    assert name in result.errors[0][1] and "BROKEN" in result.out
    assert fails(structure(tmp_path / "m" / name), code_of(error), error)


@pytest.mark.parametrize("row", ["cut", "bytes behind", "last tensor cut", "too many keys"], ids=str)
@pytest.mark.parametrize("how", [[], ["--quick"]], ids=str)
def test_right_bytes_are_not_enough(place, hub, row, how):
    """What was pinned was broken already."""
    name, data, error = BAD[row]
    hub.add("org/name", {"config.json": b"{}", name: data})
    place.baked({"m": hub_model(path="m")})
    result = fails(place.verify(*how), code_of(error), error)
    assert "BROKEN  m" in result.out and "2 of 2 files verified" in result.out
    report = place.verify("--json", *how).json
    model = report["models"][0]
    assert report["ok"] is False and report["broken"] == 1 and report["wrong"] == 0
    assert model["ok"] is False and model["structure"] == error
    assert [file["status"] for file in model["files"]] == ["ok", "ok"]
    assert [(found["path"], found["level"], found["error"]) for found in model["findings"]] == [
        (f"m/{name}", "error", error)]


@pytest.mark.parametrize("layout", ["hf-local", "hf-cache"])
def test_layouts_know_files_by_their_names(place, hub, layout):
    """Where blobs have no names that tell."""
    hub.add("org/name", {"w.safetensors": weights(5000)[:-1], "x.gguf": GOOD})
    place.locked({"m": hub_model(path="m")})
    ok(place.fetch("--layout", layout))
    result = fails(place.verify("-l", place.lock_path, "--layout", layout), 65, "st.truncated")
    assert "w.safetensors" in result.errors[0][1]


def test_good_files(tmp_path):
    write(tmp_path, {"a.safetensors": weights(5000), "sub/b.gguf": GOOD, "c.txt": b"x",
                     "d.safetensors": HEAD})
    report = ok(structure(tmp_path, "--json")).json
    assert report["checked"] == 3 and report["broken"] == 0
    assert report["paths"][0]["structure"] == "ok"


def test_the_worst_decides(tmp_path):
    """A digest-like finding weighs more than a malformed file, whatever comes first."""
    write(tmp_path, {"a.safetensors": b"", "b.gguf": BAD["pointer"][1]})
    result = fails(structure(tmp_path), 20, "integrity.lfs-pointer")
    assert "(and 1 more)" in result.errors[0][1] and "git lfs pull" in result.err


def test_a_wrong_digest_says_all_there_is_to_say(place, hub):
    hub.add("org/name", {"w.safetensors": weights(5000)})
    place.baked({"m": hub_model(path="m")})
    (place.models / "m/w.safetensors").write_bytes(b"x" * 5000)
    report = fails(place.verify("--json"), 20, "integrity.sha256").json
    assert report["broken"] == 0 and report["models"][0]["findings"] == []
    assert "structure" not in report["models"][0]


# ---- shards

SHARDS = {"model-00001-of-00002.safetensors": {"a": ("F32", [4, 4], 64), "b": ("U8", [10], 10)},
          "model-00002-of-00002.safetensors": {"c": ("BF16", [8], 16)}}
INDEX = "model.safetensors.index.json"


def sharded(total=None, shards=None, mapped=None):
    return {INDEX: index_of(mapped or SHARDS, total),
            **{name: safetensors(tensors) for name, tensors in (shards or SHARDS).items()}}


def test_shards(tmp_path):
    report = ok(structure(write(tmp_path, sharded()), "--json")).json
    assert report["checked"] == 3
    assert ok(structure(tmp_path / INDEX, "--json")).json["checked"] == 3


@pytest.mark.parametrize("name, change, error", [
    ("missing", lambda files: files.pop("model-00002-of-00002.safetensors"), "shard.missing"),
    ("total", lambda files: files.update(sharded(total=91)), "shard.size"),
    ("tensor absent", lambda files: files.update(sharded(mapped={
        **SHARDS, "model-00002-of-00002.safetensors": {"c": ("BF16", [8], 16), "d": ("U8", [1], 1)}})),
     "shard.missing-tensor"),
    ("tensor unknown", lambda files: files.update(sharded(mapped={
        **SHARDS, "model-00001-of-00002.safetensors": {"a": ("F32", [4, 4], 64)}})), "shard.extra-tensor"),
    ("outside", lambda files: files.update({INDEX: '{"weight_map": {"a": "../w.safetensors"}}'}), "shard.path"),
    ("no map", lambda files: files.update({INDEX: '{"metadata": {}}'}), "shard.index"),
    ("no JSON", lambda files: files.update({INDEX: "{"}), "json.syntax"),
    ("a cut shard", lambda files: files.update({
        "model-00002-of-00002.safetensors": files["model-00002-of-00002.safetensors"][:-1]}), "st.truncated"),
    ("a pointer", lambda files: files.update({
        "model-00002-of-00002.safetensors": File(b"x").pointer()}), "integrity.lfs-pointer"),
])
def test_shards_that_do_not_fit(tmp_path, name, change, error):
    files = sharded()
    change(files)
    write(tmp_path, files)
    fails(structure(tmp_path), code_of(error), error)
    fails(structure(tmp_path / INDEX), code_of(error), error)


@pytest.mark.parametrize("config", [
    {"config.json": json.dumps({"quantization_config": {"quant_method": "gptq"}})},
    {"quantize_config.json": "{}"}])
def test_the_total_of_a_quantised_model_may_be_stale(tmp_path, config):
    result = ok(structure(write(tmp_path, {**sharded(total=1), **config})))
    assert "warning: " in result.out and "says that the tensors have 1 bytes" in result.out


def test_two_files_without_an_index(tmp_path):
    """As older Nunchaku models have them."""
    ok(structure(write(tmp_path, {"transformer_blocks.safetensors": weights(5000),
                                  "unquantized_layers.safetensors": weights(4000)})))


def test_a_shard_that_was_not_locked(place, hub):
    hub.add("org/name", {name: data.encode() if isinstance(data, str) else data
                         for name, data in sharded().items()})
    place.baked({"m": hub_model(path="m", exclude=["*-00002-of-*"])})
    fails(place.verify(), 65, "shard.missing")


# ---- split GGUF

def part(number, count, total, tensors, **more):
    return gguf({"split.no": ("u16", number), "split.count": ("u16", count),
                 "split.tensors.count": ("i32", total), **more}, tensors)


def split(prefix="m", total=2, second="b"):
    return {f"{prefix}-00001-of-00002.gguf": part(0, 2, total, {"a": ([32], 24, 32)}),
            f"{prefix}-00002-of-00002.gguf": part(1, 2, total, {second: ([32], 24, 32)})}


def test_split_gguf(tmp_path):
    write(tmp_path, {**split(), **split("other")})
    assert ok(structure(tmp_path, "--json")).json["checked"] == 4
    assert ok(structure(tmp_path / "m-00002-of-00002.gguf", "--json")).json["checked"] == 2


@pytest.mark.parametrize("name, files, error", [
    ("the last is missing", {"m-00001-of-00002.gguf": split()["m-00001-of-00002.gguf"]}, "shard.missing"),
    ("the first is missing", {"m-00002-of-00002.gguf": split()["m-00002-of-00002.gguf"]}, "shard.missing"),
    ("thousands are missing", {"m-00001-of-99999.gguf": part(0, 65535, 1, {"a": ([32], 24, 32)})}, "shard.missing"),
    ("too few tensors", split(total=3), "shard.split"),
    ("a tensor twice", split(second="a"), "shard.duplicate"),
    ("another number", {**split(), "m-00002-of-00002.gguf": part(0, 2, 2, {"b": ([32], 24, 32)})}, "shard.split"),
    ("another count", {**split(), "m-00002-of-00002.gguf": part(1, 3, 2, {"b": ([32], 24, 32)})}, "shard.split"),
    ("no part", {**split(), "m-00002-of-00002.gguf": GOOD}, "shard.split"),
    ("cut", {**split(), "m-00002-of-00002.gguf": split()["m-00002-of-00002.gguf"][:-1]}, "gguf.bounds"),
])
def test_splits_that_do_not_fit(tmp_path, name, files, error):
    write(tmp_path, files)
    for path in (tmp_path, tmp_path / sorted(files)[-1]):
        fails(structure(path), 65, error)


def test_a_vision_part_alone(tmp_path):
    write(tmp_path, {"a/mmproj-x-f16.gguf": GOOD})
    assert "note: " in ok(structure(tmp_path)).out
    write(tmp_path, {"a/x.gguf": GOOD})
    assert "note: " not in ok(structure(tmp_path)).out


# ---- pipelines

PIPELINE = {
    "model_index.json": json.dumps({
        "_class_name": "Pipeline", "_diffusers_version": "0.35", "scheduler": ["diffusers", "FlowScheduler"],
        "tokenizer": ["transformers", "Qwen2Tokenizer"], "processor": ["transformers", "Qwen2VLProcessor"],
        "transformer": ["diffusers", "Transformer2DModel"], "vae": ["diffusers", "AutoencoderKL"],
        "safety_checker": [None, None], "feature_extractor": None, "requires_safety_checker": True}),
    "scheduler/scheduler_config.json": "{}", "tokenizer/tokenizer_config.json": "{}",
    "processor/preprocessor_config.json": "{}",
    "transformer/config.json": "{}", "transformer/diffusion_pytorch_model.safetensors": weights(5000),
    "vae/config.json": "{}", "vae/diffusion_pytorch_model.safetensors": weights(4000)}


def without(*prefixes):
    return {name: data for name, data in PIPELINE.items() if not name.startswith(prefixes)}


def test_a_pipeline(tmp_path):
    write(tmp_path, PIPELINE)
    assert ok(structure(tmp_path, "--json")).json["checked"] == 3
    ok(structure(tmp_path / "model_index.json"))


@pytest.mark.parametrize("gone, error, says", [
    ("vae/diffusion", "pipeline.weights", "vae"), ("vae/", "pipeline.component", "vae"),
    ("vae/config", "pipeline.component", "config.json"),
    ("scheduler/", "pipeline.component", "scheduler"), ("tokenizer/", "pipeline.component", "tokenizer"),
    ("processor/", "pipeline.component", "processor"), ("transformer/diffusion", "pipeline.weights", "transformer"),
], ids=str)
def test_a_pipeline_without(tmp_path, gone, error, says):
    result = fails(structure(write(tmp_path, without(gone))), 65, error)
    assert says in result.errors[0][1]


def test_a_pipeline_that_lacks_what_was_not_wanted(tmp_path):
    write(tmp_path, without("transformer/"))
    fails(structure(tmp_path), 65, "pipeline.component")
    assert "note: transformer: no file, as locked" in ok(structure("--allow-missing", tmp_path)).out


def test_what_the_lock_leaves_out_is_a_note(place, hub):
    """Nunchaku files replace a pipeline's transformer."""
    hub.add("org/name", {name: data if isinstance(data, bytes) else data.encode()
                         for name, data in PIPELINE.items()})
    place.baked({"m": hub_model(path="m", exclude=["transformer/*.safetensors"])})
    assert "note: transformer: no weights, as locked" in ok(place.verify()).out
    model = ok(place.verify("--json")).json["models"][0]
    assert model["structure"] == "ok" and model["findings"][0]["level"] == "note"
    (place.models / "m/vae/config.json").unlink()
    fails(place.verify(), 20, "integrity.missing")


@pytest.mark.parametrize("name, text, error", [
    ("no JSON", "[", "json.syntax"), ("no object", "[]", "json.type"),
    ("a path", '{"../x": ["a", "B"]}', "pipeline.component"), ("deep", "[" * 100, "json.depth")])
def test_a_bad_model_index(tmp_path, name, text, error):
    fails(structure(write(tmp_path, {"model_index.json": text})), 65, error)


# ---- large models without their bytes

def sparse(path, header, size):
    with open(path, "wb") as out:
        out.write(header)
        out.truncate(size)


def test_a_large_model_of_true_sizes(tmp_path):
    """40 GB in nine files, of which only the headers have bytes: the sum is that of the index."""
    count = 4_540_000_000
    shards = {f"model-{n:05d}-of-00009.safetensors": {f"t{n}": ("BF16", [count // 2], count)} for n in range(1, 10)}
    for name, tensors in shards.items():
        text = json.dumps({t: {"dtype": d, "shape": s, "data_offsets": [0, c]} for t, (d, s, c) in tensors.items()})
        sparse(tmp_path / name, st_raw(text), 8 + len(text) + count)
    write(tmp_path, {INDEX: index_of(shards)})
    assert ok(structure(tmp_path, "--json")).json["checked"] == 10
    write(tmp_path, {INDEX: index_of(shards, total=9 * count + 225704)})
    result = fails(structure(tmp_path), 65, "shard.size")
    assert str(9 * count) in result.errors[0][1]


@pytest.mark.skipif(not (FIXTURES / "hf-layout").is_dir(), reason="BAKE_FIXTURES is not set")
def test_a_tree_of_pointers(tmp_path):
    tree = next(path for path in (FIXTURES / "hf-layout").iterdir() if (path / "model_index.json").exists())
    result = fails(structure(tree), 20, "integrity.lfs-pointer")
    assert "git lfs pull" in result.err and "(and 13 more)" in result.errors[0][1]


def sparse_shard(path, names, size, head):
    """A file of that size whose first head bytes are its header; all others are in the first tensor."""
    text = json.dumps({name: {"dtype": "U8", "shape": [size - head if i == 0 else 0],
                              "data_offsets": [0 if i == 0 else size - head, size - head]}
                       for i, name in enumerate(names)}, separators=(",", ":"))
    sparse(path, st_raw(text.ljust(head - 8)), size)


@pytest.mark.skipif(not (FIXTURES / "hf-layout").is_dir(), reason="BAKE_FIXTURES is not set")
def test_the_sizes_in_pointers_are_those_of_the_index(tmp_path):
    """The tree again, with files of the sizes that the pointers tell and the tensors that the index has: their
    headers, together as long as the real ones, are all that total_size leaves out."""
    tree = next(path for path in (FIXTURES / "hf-layout").iterdir() if (path / "model_index.json").exists())
    shutil.copytree(tree, tmp_path / "m")
    for component, stem in [("transformer", "diffusion_pytorch_model"), ("text_encoder", "model")]:
        index = json.loads((tree / component / f"{stem}.safetensors.index.json").read_text())
        files = {}
        for tensor, name in index["weight_map"].items():
            files.setdefault(name, []).append(tensor)
        sizes = {name: int(re.search(r"size (\d+)", (tree / component / name).read_text())[1]) for name in files}
        slack = sum(sizes.values()) - index["metadata"]["total_size"]
        heads = {name: slack * len(names) // len(index["weight_map"]) for name, names in files.items()}
        heads[name] += slack - sum(heads.values())
        for name, names in files.items():
            sparse_shard(tmp_path / "m" / component / name, names, sizes[name], heads[name])
    sparse_shard(tmp_path / "m/vae/diffusion_pytorch_model.safetensors", ["w"], 253806966, 256)
    assert ok(structure(tmp_path / "m", "--json")).json["checked"] == 17
    os.truncate(tmp_path / "m/vae/diffusion_pytorch_model.safetensors", 253806965)
    fails(structure(tmp_path / "m"), 65, "st.truncated")


@pytest.mark.skipif(not (FIXTURES / "gguf").is_dir(), reason="BAKE_FIXTURES is not set")
def test_real_files():
    for folder in ("gguf", "gguf-written", "safetensors"):
        ok(structure(FIXTURES / folder))
    fails(structure(FIXTURES / "gguf-corrupt"), 65, "gguf.key")


# ---- values

NAN, INF = struct.pack("<f", float("nan")), struct.pack("<f", float("-inf"))


def floats(*values):
    return st_raw('{"a":%s,"b":%s}' % (entry("F32", [2], 0, 8), entry("F32", [2], 8, 16)), b"".join(values))


@pytest.mark.parametrize("name, values, error, says", [
    ("fine", [bytes(4)] * 4, None, None),
    ("nan", [bytes(4), bytes(4), bytes(4), NAN], "values.nan", "'b' has 1 NaN"),
    ("inf", [bytes(4), INF, bytes(4), bytes(4)], "values.inf", "'a' has 1 infinite"),
])
def test_scan_values(place, hub, tmp_path, name, values, error, says):
    hub.add("org/name", {"w.safetensors": floats(*values)})
    place.baked({"m": hub_model(path="m")})
    ok(place.verify())
    path = place.models / "m/w.safetensors"
    for result in (place.verify("--scan-values"), structure(path, "--scan-values")):
        if error:
            assert says in fails(result, 20, error).errors[0][1]
        else:
            ok(result)


def test_scales_of_blocks_are_values(tmp_path):
    data = bytearray(gguf(tensors={"blk.0.w": ([32, 4], 8, 4 * 34)}))
    at = len(data) - 160 + 2 * 34
    data[at:at + 2] = struct.pack("<e", float("inf"))
    write(tmp_path, {"w.gguf": bytes(data)})
    assert "blk.0.w" in structure(tmp_path, "--scan-values").err


# ---- what executes code

def test_a_pickle_named_otherwise(tmp_path):
    data = b"\x80\x04\x95\x0a\0\0\0\0\0\0\0\x8c\x02os\x94\x8c\x06system\x94\x93\x94."
    write(tmp_path, {"w.safetensors": data, "x.gguf": GOOD})
    fails(structure(tmp_path), 22, "policy.pickle")
    fails(structure(tmp_path, "--allow-pickle", "11" * 32), 22, "policy.pickle")
    # Whoever allows it has still named it wrongly.
    fails(structure(tmp_path, "--allow-pickle", sha256(data)), 65, "st.header")


# ---- the probe

def script(path, text):
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


@pytest.fixture
def baked(place, hub):
    hub.add("org/name", {"config.json": b"{}", "sub/w.safetensors": weights(5000)})
    hub.add("org/one", {"x y.gguf": gguf_weights(6000)})
    return place.baked({"m": hub_model(path="m"), "x": hub_model("org/one", path="x")})


def test_a_probe_gets_files_and_directories(baked, tmp_path):
    probe = script(tmp_path / "probe", 'printf "%s|" "$@"; echo\n')
    result = ok(baked.verify("--probe", f"{probe} -m '{{path}}' \"a  b\" c\\ d={{path}}", "--json"))
    assert result.json["ok"] is True
    assert f"-m|{baked.models}/m|a  b|c d={baked.models}/m|" in result.err
    assert f"-m|{baked.models}/x/x y.gguf|a  b|c d={baked.models}/x/x y.gguf|" in result.err


def test_a_probe_that_fails(baked, tmp_path):
    probe = script(tmp_path / "probe", 'case "$1" in */m) exit 3; esac\n')
    result = fails(baked.verify("--probe", f"{probe} {{path}}"), 65, "probe.failed")
    assert "status 3" in result.errors[0][1] and "BROKEN  m" in result.out and "ok      x" in result.out
    report = baked.verify("--probe", f"{probe} {{path}}", "--json").json
    assert [("probe" in model, model["ok"]) for model in report["models"]] == [(True, False), (False, True)]
    fails(structure(baked.models / "m", "--probe", f"{probe} {{path}}"), 65, "probe.failed")


def test_a_probe_that_is_killed(baked, tmp_path):
    probe = script(tmp_path / "probe", "kill -9 $$\n")
    assert "signal 9" in fails(baked.verify("--probe", str(probe)), 65, "probe.failed").errors[0][1]


def test_a_probe_that_takes_too_long_ends_with_its_children(baked, tmp_path):
    """Also one that does not want to."""
    probe = script(tmp_path / "probe", f"trap '' TERM\nsleep 600 & echo $! > {tmp_path}/child\nwait\nwait\n")
    fails(baked.verify("x", "--probe", str(probe), "--probe-timeout", "0.3"), 65, "probe.timeout")
    child = pathlib.Path(f"/proc/{(tmp_path / 'child').read_text().strip()}/cmdline")
    deadline = time.monotonic() + 10
    while child.exists() and b"sleep" in child.read_bytes() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not child.exists() or b"sleep" not in child.read_bytes()


def test_nothing_is_probed_that_is_wrong_already(baked, tmp_path):
    probe = script(tmp_path / "probe", f'echo "$1" >> {tmp_path}/probed\n')
    (baked.models / "m/config.json").write_bytes(b"[]")
    fails(baked.verify("--probe", f"{probe} {{path}}"), 20, "integrity.sha256")
    assert (tmp_path / "probed").read_text() == f"{baked.models}/x/x y.gguf\n"


def test_a_probe_is_no_shell(baked, tmp_path):
    ok(baked.verify("--probe", f"/bin/echo $(touch {tmp_path}/made) ; touch {tmp_path}/made"))
    assert not (tmp_path / "made").exists()


def test_a_probe_that_is_not_there(baked):
    fails(baked.verify("--probe", "/nonexistent/probe {path}"), 66, "probe.start")


# ---- the command line

@pytest.mark.parametrize("args, error", [
    (["--structure-only"], "usage.arguments"), (["--allow-missing"], "usage.arguments"),
    (["--probe-timeout", "3"], "usage.arguments"), (["--probe", "a 'b"], "usage.value"),
    (["--probe", "  "], "usage.value"), (["--quick", "--scan-values"], "usage.conflict"),
    (["--structure-only", "x", "--quick"], "usage.conflict"), (["--structure-only", "x", "-l", "y"], "usage.conflict"),
    (["--structure-only", "x", "-d", "y"], "usage.conflict"), (["--list", "--structure-only", "x"], "usage.conflict"),
    (["--list", "--scan-values"], "usage.conflict"), (["--list", "--probe", "x"], "usage.conflict"),
], ids=str)
def test_lines_that_leave_something_unused(args, error):
    fails(run("bake-verify", *args), 64, error)


def test_nothing_to_check_is_no_success(tmp_path):
    write(tmp_path, {"notes.txt": b"x", "real/w.gguf": GOOD})
    (tmp_path / "links").mkdir()
    (tmp_path / "links/w.gguf").symlink_to("../real/w.gguf")
    fails(structure(tmp_path / "notes.txt"), 66, "verify.nothing")
    assert "links" in fails(structure(tmp_path / "links"), 66, "verify.nothing").err
    fails(structure(tmp_path / "none"), 66, "fs.not-found")
    ok(structure(tmp_path / "links/w.gguf"))  # a name that somebody gives is that person's own
    assert fails(structure(tmp_path / "none", "--json"), 66, "fs.not-found").json["ok"] is False


def test_hostile_names_are_shown_safely(tmp_path):
    write(tmp_path, {"a\x1b[31m.gguf": b"GGUF", "m-00001-of-00002.gguf": split()["m-00001-of-00002.gguf"]})
    result = structure(tmp_path)
    assert "\x1b" not in result.out + result.err and result.code == 65


def test_changes_nothing(tmp_path):
    write(tmp_path, {**sharded(), **PIPELINE})
    before = {path: path.lstat() for path in tmp_path.rglob("*")}
    ok(structure(tmp_path))
    assert {path: (stat.st_mtime_ns, stat.st_ctime_ns) for path, stat in before.items()} == {
        path: (path.lstat().st_mtime_ns, path.lstat().st_ctime_ns) for path in tmp_path.rglob("*")}


def test_the_order_of_findings_is_that_of_names(tmp_path):
    write(tmp_path, {f"{n:03d}.gguf": b"GGUF" for n in range(50)})
    names = [found["path"] for found in structure(tmp_path, "-j", "8", "--json").json["paths"][0]["findings"]]
    assert names == sorted(names) and len(names) == 50


